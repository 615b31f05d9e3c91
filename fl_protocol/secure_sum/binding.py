"""What a round is about: everything that keys, seals and signatures of it are bound to."""

import dataclasses
import hashlib
import struct

RUN_BYTES = 16
DIGEST_BYTES = 32
MAX_ROUND = 2**31 - 1


@dataclasses.dataclass(frozen=True, order=True)
class EpochName:
    """One attempt at one round. An epoch is never used twice; a round may take several."""

    run: bytes
    """Names the training, as random bytes. ``RUN_BYTES`` long."""
    epoch: int
    """Strictly increasing, over all rounds and attempts."""
    round_number: int

    @property
    def encoded(self) -> bytes:
        """Fixed length, so that nothing after it can be shifted into it."""
        return struct.pack(f">{RUN_BYTES}sQQ", self.run, self.epoch, self.round_number)


@dataclasses.dataclass(frozen=True)
class RoundBinding:
    """An epoch, and what its vectors were computed from."""

    name: EpochName
    roster_digest: bytes
    model_digest: bytes
    """SHA-256 of the global model, computed by whoever received it."""
    config_digest: bytes
    """SHA-256 of the round's settings, the layout of the vector among them."""

    @property
    def encoded(self) -> bytes:
        """Fixed length."""
        return self.name.encoded + self.roster_digest + self.model_digest + self.config_digest


def digest_of(*parts: bytes) -> bytes:
    """SHA-256 over parts, each with its length before it, so that moving a border changes the digest."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8))
        hashed.update(part)
    return hashed.digest()
