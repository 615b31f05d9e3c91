"""Masks: AES-256-CTR key streams added to lanes of unsigned integers, and the keys they come from.

Rules:

1. A pair of neighbours derives one mask from the Diffie-Hellman secret of their keys of this epoch; the one that comes
   first on the roster adds it, the other subtracts it. A site adds one more mask from a seed of its own.
2. Keys bind everything the round is about (``RoundBinding``): sites that were told different things derive different
   masks, which do not cancel.
3. Every key masks one vector, so counting from zero is a fresh stream.

Source:
    Bonawitz et al., CCS 2017, section 4. https://eprint.iacr.org/2017/281. RFC 7748, RFC 5869, NIST SP 800-38A.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fl_protocol.errors import SealError
from fl_protocol.secure_sum.binding import RoundBinding
from fl_protocol.secure_sum.lanes import Lanes

KEY_BYTES = 32
_CHUNK_BYTES = 2**18
"""A stretch of key stream that stays in the cache between being made and being added."""


Sign = Literal[1, -1]


class MaskAdder:
    """Adds key streams to vectors; keeps its buffers, for fresh ones cost more than the stream."""

    def __init__(self) -> None:
        self._zeros = memoryview(bytes(_CHUNK_BYTES))
        self._stream = bytearray(_CHUNK_BYTES + algorithms.AES256.block_size // 8)

    def add(self, vector: Sequence[Lanes], key: bytes, sign: Sign) -> None:
        """Adds one mask to all lanes of ``vector`` in place, modulo each lane's size; ``sign`` -1 subtracts it.

        Args:
            vector: Contiguous arrays of lanes, which the stream fills one after the other.
            key: ``KEY_BYTES`` that mask nothing else.
            sign: Whether to add or to subtract.
        """
        encryptor = Cipher(algorithms.AES256(key), modes.CTR(bytes(16))).encryptor()
        for lanes in vector:
            step = _CHUNK_BYTES // lanes.itemsize
            for start in range(0, len(lanes), step):
                part = lanes[start : start + step]
                encryptor.update_into(self._zeros[: part.nbytes], self._stream)
                mask = np.frombuffer(self._stream, dtype=lanes.dtype, count=len(part))
                if sign == 1:
                    part += mask
                else:
                    part -= mask


def pair_key(own: X25519PrivateKey, public: bytes, binding: RoundBinding, pair: tuple[int, int]) -> bytes:
    """The key of the mask that two neighbours share.

    Args:
        own: The round key of one.
        public: The public round key of the other, raw.
        binding: What the round is about.
        pair: Roster positions of both, the lower one first.

    Raises:
        SealError: ``public`` is no key to agree with.
    """
    low, high = pair
    label = b"edgeguard secure sum pair v1" + binding.encoded + low.to_bytes(4) + high.to_bytes(4)
    return derive_key(agree(own, public), label)


def seed_key(seed: bytes, binding: RoundBinding, site: int) -> bytes:
    """The key of the mask that a site adds on its own."""
    return derive_key(seed, b"edgeguard secure sum self v1" + binding.encoded + site.to_bytes(4))


def agree(own: X25519PrivateKey, public: bytes) -> bytes:
    """The Diffie-Hellman secret with another's raw public key.

    Raises:
        SealError: ``public`` is of another length, or a point that every key agrees with alike.
    """
    try:
        return own.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise SealError("expected a public X25519 key of full order") from error


def derive_key(secret: bytes, label: bytes) -> bytes:
    """A key from a secret, bound to ``label``."""
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=label).derive(secret)


def public_bytes(private: X25519PrivateKey) -> bytes:
    """The raw public key that goes with ``private``."""
    return private.public_key().public_bytes_raw()
