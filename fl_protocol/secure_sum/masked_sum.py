"""One epoch at the coordinator, from the first masked vector to the sum.

Rules:

1. Every answer is of this epoch, signed by the site it names, and counted once. The same bytes again change nothing;
   other bytes of the same site are refused.
2. Masked vectors are added as they come and not kept: memory does not grow with the cohort.
3. Survivors are decided once, before the first share is asked for; a vector that comes later is refused.
4. An opened secret is held against what its site committed to (its public key, or the hash of its seed). A holder whose
   share does not fit is named, and asked last from then on; the others' shares go on. Who is named either revealed a
   wrong share or was dealt one: nobody can tell, so it is no proof, and nobody's other shares are thrown away for it.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fl_protocol.errors import UnmaskError, WireError
from fl_protocol.secure_sum.binding import RoundBinding
from fl_protocol.secure_sum.epoch_keys import EpochKeys, check_name
from fl_protocol.secure_sum.masking import MaskAdder, pair_key, public_bytes, seed_key
from fl_protocol.secure_sum.messages import Advertisement, MaskedVector, Positions, RevealedShares, UnmaskRequest
from fl_protocol.secure_sum.shamir import Points, Shares, open_secrets, share_at
from fl_protocol.secure_sum.site import seed_commitment
from fl_protocol.secure_sum.vector import Layout, Values, empty_lanes, from_lanes, unpack_lanes

MAX_TRIALS = 2000
"""Choices of holders that are tried for one secret while some shares are wrong: finds two wrong ones of twenty."""

ShareRow = npt.NDArray[np.uint32]  # (NUM_SYMBOLS,)


@dataclasses.dataclass(frozen=True)
class OpenedSum:
    """The sum of the survivors' vectors."""

    survivors: Positions
    values: tuple[Values, ...]
    """Of every segment. ``(size,)`` each."""
    wrong_holders: Positions
    """Sites that revealed a share of something else, or were dealt one by its owner."""


class MaskedSum:
    """Adds masked vectors, collects shares, opens the sum.

    Args:
        keys: Of the epoch.
        layout: Of the vectors.
        binding: What the round is about.
    """

    def __init__(self, keys: EpochKeys, layout: Layout, binding: RoundBinding) -> None:
        self._keys, self._layout, self._binding = keys, layout, binding
        self._sum = empty_lanes(layout)
        self._digests: dict[int, bytes] = {}
        self._survivors: Positions | None = None
        self._revealed: dict[int, bytes] = {}  # digests
        self._is_opened = False
        self._held: dict[int, dict[int, ShareRow]] = {}  # by owner, then by holder

    @property
    def delivered(self) -> Positions:
        """Sites whose vector was added, ascending."""
        return tuple(sorted(self._digests))

    def add(self, message: bytes) -> int:
        """Adds a masked vector; returns whose.

        Raises:
            WireError: It cannot be read, is of another epoch or size, came too late, or differs from an earlier one.
            SealError: It is not signed by the site it names.
        """
        masked = MaskedVector.decode(message, self._keys.group.identities)
        check_name(masked.name, self._keys.name)
        digest = hashlib.sha256(masked.packed).digest()
        if self._digests.get(masked.site) == digest:
            return masked.site
        if masked.site in self._digests:
            raise WireError(f"site {masked.site}: expected one masked vector in an epoch")
        if self._survivors is not None or masked.site not in self._keys.sites:
            raise WireError(f"site {masked.site}: expected a masked vector of a site with keys, before the deadline")
        for total, lanes in zip(self._sum, unpack_lanes(self._layout, masked.packed), strict=True):
            np.add(total, lanes, out=total)
        self._digests[masked.site] = digest
        return masked.site

    def close(self) -> Positions:
        """Ends the adding; returns the survivors.

        Raises:
            UnmaskError: There are fewer than can be opened.
        """
        needed = self._keys.group.parameters.fewest_survivors
        if len(self._digests) < needed:
            raise UnmaskError(f"expected masked vectors of at least {needed} sites, got {len(self._digests)}")
        self._survivors = self.delivered
        return self._survivors

    def unmask_request(self, site: int) -> bytes:
        """What asks a survivor for its shares.

        Raises:
            RuntimeError: Vectors are still being added.
        """
        return UnmaskRequest(self._keys.name, *self._parted(site)).encode()

    def add_shares(self, message: bytes) -> int:
        """Takes the shares a survivor reveals; returns whose.

        Raises:
            WireError: They cannot be read, are of another epoch or of other sites than asked for, or differ from
                earlier ones.
            SealError: They are not signed by the site they name.
        """
        revealed = RevealedShares.decode(message, self._keys.group.identities)
        check_name(revealed.name, self._keys.name)
        if revealed.site not in self._closed() or (revealed.survivors, revealed.dropouts) != self._parted(
            revealed.site
        ):
            raise WireError(f"site {revealed.site}: expected shares of the sites it was asked for")
        digest = hashlib.sha256(message).digest()
        if self._revealed.setdefault(revealed.site, digest) != digest:
            raise WireError(f"site {revealed.site}: expected its shares once in an epoch")
        for owners, rows in ((revealed.survivors, revealed.seed_shares), (revealed.dropouts, revealed.key_shares)):
            for owner, row in zip(owners, rows, strict=True):
                self._held.setdefault(owner, {})[revealed.site] = row
        return revealed.site

    @property
    def unopened(self) -> Positions:
        """Sites of which too few shares came yet."""
        threshold = self._keys.group.parameters.share_threshold
        return tuple(owner for owner in self._owners() if len(self._held.get(owner, ())) < threshold)

    def open(self) -> OpenedSum:
        """Opens the survivors' seeds and the drop-outs' round keys, and takes their masks off the sum.

        Raises:
            UnmaskError: Too few shares came, or too many wrong ones.
            RuntimeError: Vectors are still being added, or the sum was opened before.
        """
        survivors = self._closed()
        if self._is_opened:
            raise RuntimeError("the sum was opened before")
        if self.unopened:
            raise UnmaskError(f"expected more shares: too few to open sites {list(self.unopened)}")
        wrong: set[int] = set()
        opened = {owner: self._secret(owner, wrong) for owner in self._owners()}
        self._held, self._is_opened = {}, True
        adder = MaskAdder()
        for owner, secret in opened.items():
            if owner in survivors:
                adder.add(self._sum, seed_key(secret, self._binding, owner), -1)
            else:
                self._take_off_pairs(adder, owner, X25519PrivateKey.from_private_bytes(secret))
        values = (from_lanes(segment, lanes) for segment, lanes in zip(self._layout, self._sum, strict=True))
        return OpenedSum(survivors, tuple(values), tuple(sorted(wrong)))

    def _take_off_pairs(self, adder: MaskAdder, dropout: int, round_key: X25519PrivateKey) -> None:
        """Takes off what survivors added for a site that did not deliver."""
        for site in self._parted(dropout)[0]:
            public = self._keys.advertisement(site).round_public
            key = pair_key(round_key, public, self._binding, (min(site, dropout), max(site, dropout)))
            adder.add(self._sum, key, -1 if site < dropout else 1)

    def _parted(self, site: int) -> tuple[Positions, Positions]:
        """A site's partners that survived, and those that did not."""
        survivors = set(self._closed())
        partners = self._keys.partners(site)
        return (
            tuple(partner for partner in partners if partner in survivors),
            tuple(partner for partner in partners if partner not in survivors),
        )

    def _owners(self) -> Positions:
        """Sites with a secret to open: survivors, and drop-outs that a survivor masked with."""
        survivors = set(self._closed())
        return tuple(site for site in self._keys.sites if site in survivors or self._parted(site)[0])

    def _secret(self, owner: int, wrong: set[int]) -> bytes:
        """Opens one secret; adds to ``wrong``, and asks last, the holders whose shares do not fit (rule 4)."""
        advertisement = self._keys.advertisement(owner)
        is_right = _is_seed_of(advertisement) if owner in self._closed() else _is_key_of(advertisement)
        held = sorted(self._held[owner].items(), key=lambda item: item[0] in wrong)
        points = np.array([holder for holder, _ in held], dtype=np.int64) + 1
        shares = np.array([row for _, row in held], dtype=np.uint32)[:, None, :]
        threshold = self._keys.group.parameters.share_threshold
        for trial, chosen in enumerate(_choices(len(points), threshold)):
            (secret,) = open_secrets(points[chosen], shares[chosen])
            if secret is not None and is_right(secret):
                if trial:
                    wrong |= _unfit(points, shares, chosen)
                return secret
        raise UnmaskError(f"site {owner}: its secret does not open with the shares that came")

    def _closed(self) -> Positions:
        if self._survivors is None:
            raise RuntimeError("masked vectors are still being added")
        return self._survivors


def _is_seed_of(advertisement: Advertisement) -> Callable[[bytes], bool]:
    return lambda secret: seed_commitment(secret) == advertisement.seed_commitment


def _is_key_of(advertisement: Advertisement) -> Callable[[bytes], bool]:
    return lambda secret: public_bytes(X25519PrivateKey.from_private_bytes(secret)) == advertisement.round_public


def _choices(num_holders: int, threshold: int) -> Iterator[npt.NDArray[np.int64]]:
    """Which holders to open a secret with: the first ones, then others in an order that is the same every time."""
    yield np.arange(threshold)
    rng = np.random.default_rng([num_holders, threshold])
    for _ in range(MAX_TRIALS if num_holders > threshold else 0):
        yield rng.permutation(num_holders)[:threshold]


def _unfit(points: Points, shares: Shares, right: npt.NDArray[np.int64]) -> set[int]:
    """Holders whose share is not the one that follows from the right ones."""
    return {
        int(point) - 1
        for point, share in zip(points, shares, strict=True)
        if point not in points[right] and (share_at(int(point), points[right], shares[right]) != share).any()
    }
