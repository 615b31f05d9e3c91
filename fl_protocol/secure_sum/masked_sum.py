"""One epoch at the coordinator, from the first masked vector to the sum.

Rules:

1. Every answer is of this epoch, signed by the site it names, and counted once. The same bytes again change nothing;
   other bytes of the same site are refused.
2. Masked vectors and revealed shares are added as they come and not kept: memory does not grow with the cohort.
3. Survivors are decided once, before the first share is asked for; a vector that comes later is refused.
4. Shares open secrets only if all responders reveal theirs. If one vanished, all others are asked again without it.
5. An opened secret is held against what its site committed to (its public key, or the hash of its seed). One that does
   not fit fails the sum: its site dealt wrong shares or another revealed some, and nobody can tell who. Whoever does so
   could as well have sent a vector of noise.
"""

import bisect
import dataclasses
import hashlib

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fl_protocol.errors import UnmaskError, WireError
from fl_protocol.secure_sum.agreement import Agreement, added_shares, num_holders
from fl_protocol.secure_sum.binding import RoundBinding
from fl_protocol.secure_sum.epoch_keys import EpochKeys, check_name
from fl_protocol.secure_sum.masking import MaskAdder, pair_key, public_bytes, seed_key
from fl_protocol.secure_sum.messages import (
    Advertisement,
    MaskedVector,
    Positions,
    RevealedShares,
    ShareRows,
    UnmaskRequest,
)
from fl_protocol.secure_sum.shamir import NUM_SYMBOLS, opened_secret
from fl_protocol.secure_sum.site import seed_commitment
from fl_protocol.secure_sum.vector import Layout, Values, empty_lanes, from_lanes, unpack_lanes


@dataclasses.dataclass(frozen=True)
class OpenedSum:
    """The sum of the survivors' vectors."""

    survivors: Positions
    values: tuple[Values, ...]
    """Of every segment. ``(size,)`` each."""


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
        self._digests: dict[int, bytes] = {}  # of vectors
        self._agreement: Agreement | None = None
        self._revealed: dict[int, bytes] = {}  # digests of answers
        self._shares = _no_shares(keys)
        self._is_opened = False

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
        if self._agreement is not None or masked.site not in self._keys.cohort:
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
        survivors = self.delivered
        self._ask(Agreement(self._binding, self._keys.cohort, survivors, responders=survivors))
        return survivors

    @property
    def responders(self) -> Positions:
        """Survivors that are asked for shares, ascending."""
        return self._agreed().responders

    @property
    def silent(self) -> Positions:
        """Responders whose shares have not come."""
        return tuple(site for site in self.responders if site not in self._revealed)

    def unmask_request(self) -> bytes:
        """What asks the responders for their shares.

        Raises:
            RuntimeError: Vectors are still being added.
        """
        agreed = self._agreed()
        return UnmaskRequest(self._keys.name, agreed.cohort, agreed.survivors, agreed.responders).encode()

    def add_shares(self, message: bytes) -> int:
        """Takes the shares a responder reveals; returns whose.

        Raises:
            WireError: They cannot be read, are of another epoch, of another site or request than this, or differ from
                earlier ones.
            SealError: They are not signed by the site they name.
        """
        revealed = RevealedShares.decode(message, self._keys.group.identities)
        check_name(revealed.name, self._keys.name)
        agreed, site = self._agreed(), revealed.site
        if site not in agreed.responders or revealed.agreement != agreed.digest:
            raise WireError(f"site {site}: expected shares of the last request, from a site that was asked")
        if len(revealed.rows) != len(agreed.cohort):
            raise WireError(f"site {site}: expected {len(agreed.cohort)} rows of shares, got {len(revealed.rows)}")
        digest = hashlib.sha256(message).digest()
        if self._revealed.get(site, digest) != digest:
            raise WireError(f"site {site}: expected its shares once")
        if site not in self._revealed:
            self._shares += revealed.rows
            self._revealed[site] = digest
        return site

    def ask_again(self) -> None:
        """Begins the shares anew, of those responders that revealed theirs.

        Raises:
            UnmaskError: There are too few.
        """
        responders = tuple(sorted(self._revealed))
        self._ask(dataclasses.replace(self._agreed(), responders=responders))

    def open(self) -> OpenedSum:
        """Opens the survivors' seeds and the drop-outs' round keys, and takes their masks off the sum.

        Raises:
            UnmaskError: A responder's shares are missing, or wrong ones came.
            RuntimeError: Vectors are still being added, or the sum was opened before.
        """
        agreed = self._agreed()
        if self._is_opened:
            raise RuntimeError("the sum was opened before")
        if self.silent:
            raise UnmaskError(f"expected shares of all responders, got none of sites {list(self.silent)}")
        opened = self._secrets(agreed)
        self._is_opened = True
        adder, survivors = MaskAdder(), set(agreed.survivors)
        for owner, secret in opened.items():
            if owner in survivors:
                adder.add(self._sum, seed_key(secret, self._binding, owner), -1)
            else:
                self._take_off_pairs(adder, owner, X25519PrivateKey.from_private_bytes(secret))
        values = (from_lanes(segment, lanes) for segment, lanes in zip(self._layout, self._sum, strict=True))
        return OpenedSum(agreed.survivors, tuple(values))

    def _ask(self, agreement: Agreement) -> None:
        """Settles who is asked, if so few open everything."""
        owners, graph = _owners(self._keys, agreement), self._keys.graph
        fewest = self._keys.group.parameters.share_threshold
        held = num_holders(graph, owners, agreement.responders)
        poor = tuple(owner for owner, count in zip(owners, held.tolist(), strict=True) if count < fewest)
        if poor:
            raise UnmaskError(f"expected at least {fewest} responders around every site, got fewer around {list(poor)}")
        self._agreement, self._revealed, self._shares = agreement, {}, _no_shares(self._keys)

    def _secrets(self, agreed: Agreement) -> dict[int, bytes]:
        """The secrets that were asked for, by their site."""
        symbols, survivors = added_shares(self._shares), set(agreed.survivors)
        opened: dict[int, bytes] = {}
        unfit: list[int] = []
        for owner in _owners(self._keys, agreed):
            secret = opened_secret(symbols[bisect.bisect_left(agreed.cohort, owner)])
            if secret is None or not _fits(secret, self._keys.advertisement(owner), is_seed=owner in survivors):
                unfit.append(owner)
            else:
                opened[owner] = secret
        if unfit:
            raise UnmaskError(f"sites {unfit}: the shares that came do not open what they committed to")
        return opened

    def _take_off_pairs(self, adder: MaskAdder, dropout: int, round_key: X25519PrivateKey) -> None:
        """Takes off what survivors added for a site that did not deliver."""
        survivors = set(self._agreed().survivors)
        for site in (partner for partner in self._keys.partners(dropout) if partner in survivors):
            public = self._keys.advertisement(site).round_public
            key = pair_key(round_key, public, self._binding, (min(site, dropout), max(site, dropout)))
            adder.add(self._sum, key, -1 if site < dropout else 1)

    def _agreed(self) -> Agreement:
        if self._agreement is None:
            raise RuntimeError("masked vectors are still being added")
        return self._agreement


def _owners(keys: EpochKeys, agreement: Agreement) -> Positions:
    """Sites with a secret to open: survivors, and drop-outs that a survivor masked with."""
    survivors = set(agreement.survivors)
    return tuple(site for site in keys.cohort if site in survivors or not survivors.isdisjoint(keys.partners(site)))


def _no_shares(keys: EpochKeys) -> ShareRows:
    return np.zeros((len(keys.cohort), NUM_SYMBOLS), dtype=np.uint32)


def _fits(secret: bytes, advertisement: Advertisement, *, is_seed: bool) -> bool:
    """Whether a secret is what its site committed to."""
    if is_seed:
        return seed_commitment(secret) == advertisement.seed_commitment
    return public_bytes(X25519PrivateKey.from_private_bytes(secret)) == advertisement.round_public
