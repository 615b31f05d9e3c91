"""A coordinator that asks whatever it likes, and reads all that its corrupt sites hold."""

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fl_protocol.errors import RefusedError
from fl_protocol.secure_sum import site as steps
from fl_protocol.secure_sum.binding import RoundBinding
from fl_protocol.secure_sum.channel import SEALED_BYTES
from fl_protocol.secure_sum.masking import MaskAdder, pair_key, seed_key
from fl_protocol.secure_sum.messages import MaskedVector, MaskRequest, Positions, RevealedShares, UnmaskRequest
from fl_protocol.secure_sum.shamir import open_secrets
from fl_protocol.secure_sum.vector import Values, empty_lanes, from_lanes, unpack_lanes
from tests.fakes.secure_fleet import SecureFleet

ShareRows = dict[int, dict[int, "np.ndarray[tuple[int, ...], np.dtype[np.uint32]]"]]  # by owner, then by holder


@dataclasses.dataclass(frozen=True)
class Delivered:
    """A masked vector, and which partners and round its masks are of."""

    packed: bytes
    senders: Positions
    binding: RoundBinding


class LyingCoordinator:
    """One epoch in the hands of the adversary.

    Corrupt sites make keys as the others do, then hand over both of their own secrets and every share they hold.

    Args:
        fleet: All sites; the adversary looks into the corrupt ones alone.
        corrupt: Sites that work with the coordinator.
        epoch: Which.
    """

    def __init__(self, fleet: SecureFleet, corrupt: Collection[int], epoch: int = 1) -> None:
        self.fleet, self.corrupt = fleet, tuple(sorted(corrupt))
        self.keys = fleet.keys(epoch)
        self.honest: Positions = tuple(site for site in self.keys.sites if site not in self.corrupt)
        self.threshold = fleet.group.parameters.share_threshold
        self.delivered: dict[int, Delivered] = {}
        self.seed_shares: ShareRows = {site: {} for site in self.keys.sites}
        self.key_shares: ShareRows = {site: {} for site in self.keys.sites}
        self._own_keys: dict[int, X25519PrivateKey] = {}
        self._own_seeds: dict[int, bytes] = {}
        for site in self.corrupt:
            self._read_out(site)

    def _read_out(self, site: int) -> None:
        state = self.fleet.states[site]
        assert state.prepared is not None
        self._own_keys[site], self._own_seeds[site] = state.prepared.round_key, state.prepared.seed
        for owner, pair in steps.open_round(state, self.keys.mask_request(site)).held.items():
            self.seed_shares[owner][site], self.key_shares[owner][site] = pair.seed_share, pair.key_share

    def ask_vector(self, site: int, senders: Collection[int] | None = None, model: bytes | None = None) -> None:
        """Has a site mask its vector with these partners (left out: all), and for this model (left out: the fleet's).

        Raises:
            RefusedError: The site refuses.
        """
        chosen = self.keys.partners(site) if senders is None else tuple(sorted(senders))
        whole = MaskRequest.decode(self.keys.mask_request(site))
        rows = [whole.sealed[whole.senders.index(sender)] for sender in chosen]
        request = MaskRequest(self.keys.name, chosen, np.array(rows, dtype=np.uint8).reshape(-1, SEALED_BYTES))
        epoch = self.keys.name.epoch
        binding = self.fleet.binding(epoch) if model is None else self.fleet.binding(epoch, model)
        answer = MaskedVector.decode(self.fleet.mask(site, request.encode(), binding), self.fleet.group.identities)
        self.delivered[site] = Delivered(answer.packed, chosen, binding)

    def ask_shares(self, site: int, dropouts: Collection[int]) -> None:
        """Tells a site which of its partners dropped out and keeps what it reveals.

        Raises:
            RefusedError: The site refuses.
        """
        held = self.delivered[site].senders
        parted = [tuple(other for other in held if (other in dropouts) is gone) for gone in (False, True)]
        request = UnmaskRequest(self.keys.name, parted[0], parted[1])
        revealed = RevealedShares.decode(self.fleet.reveal(site, request.encode()), self.fleet.group.identities)
        self._keep(site, revealed)

    def _keep(self, site: int, revealed: RevealedShares) -> None:
        for owner, row in zip(revealed.survivors, revealed.seed_shares, strict=True):
            self.seed_shares[owner][site] = row
        for owner, row in zip(revealed.dropouts, revealed.key_shares, strict=True):
            self.key_shares[owner][site] = row

    def seed(self, owner: int) -> bytes | None:
        """A site's seed, if it can be opened."""
        if owner in self._own_seeds:
            return self._own_seeds[owner]
        opened = self._opened(self.seed_shares[owner])
        is_right = (
            opened is not None and steps.seed_commitment(opened) == self.keys.advertisement(owner).seed_commitment
        )
        return opened if is_right else None

    def round_key(self, owner: int) -> X25519PrivateKey | None:
        """A site's round key, if it can be opened."""
        if owner in self._own_keys:
            return self._own_keys[owner]
        opened = self._opened(self.key_shares[owner])
        if opened is None:
            return None
        key = X25519PrivateKey.from_private_bytes(opened)
        is_right = key.public_key().public_bytes_raw() == self.keys.advertisement(owner).round_public
        return key if is_right else None

    def isolate(self, sites: Collection[int]) -> tuple[Values, ...] | None:
        """The sum of these sites' values, if every mask on it can be taken off."""
        layout = self.fleet.layout
        total, adder = empty_lanes(layout), MaskAdder()
        for site in sites:
            delivered = self.delivered[site]
            for lanes, more in zip(total, unpack_lanes(layout, delivered.packed), strict=True):
                np.add(lanes, more, out=lanes)
            seed = self.seed(site)
            if seed is None:
                return None
            adder.add(total, seed_key(seed, delivered.binding, site), -1)
            for partner in delivered.senders:
                if partner in sites and self.delivered[partner].binding == delivered.binding:
                    continue
                key = self._key_between(site, partner, delivered.binding)
                if key is None:
                    return None
                adder.add(total, key, -1 if site < partner else 1)
        return tuple(from_lanes(part, lanes) for part, lanes in zip(layout, total, strict=True))

    def _key_between(self, site: int, partner: int, binding: RoundBinding) -> bytes | None:
        pair = (min(site, partner), max(site, partner))
        for owner, other in ((partner, site), (site, partner)):
            key = self.round_key(owner)
            if key is not None:
                return pair_key(key, self.keys.advertisement(other).round_public, binding, pair)
        return None

    def _opened(self, held: Mapping[int, "np.ndarray[tuple[int, ...], np.dtype[np.uint32]]"]) -> bytes | None:
        if len(held) < self.threshold:
            return None
        holders = sorted(held)[: self.threshold]
        return open_secrets(np.array(holders) + 1, np.array([held[holder] for holder in holders])[:, None, :])[0]


def split_cohort(coordinator: LyingCoordinator, kept: Collection[int], claimed: Collection[int]) -> None:
    """Has ``kept`` count as delivered and ``claimed`` as dropped out, each before just enough sites.

    Every site is told of as few drop-outs as do, so that it never sees fewer survivors than it accepts. Sites in
    ``kept`` mask with corrupt sites, with each other and with ``claimed`` alone.
    """
    kept, claimed = set(kept), set(claimed)
    needed = coordinator.threshold - len(coordinator.corrupt)
    for site in coordinator.honest:
        isolated = kept | claimed | set(coordinator.corrupt)
        coordinator.ask_vector(site, isolated - {site} if site in kept else None)
    slack = {site: len(coordinator.delivered[site].senders) - coordinator.threshold for site in coordinator.honest}
    told: dict[int, set[int]] = {site: set() for site in coordinator.honest}
    for owner in sorted(claimed):
        able = [site for site in coordinator.honest if site != owner and slack[site] > 0]
        able = [site for site in able if owner in coordinator.delivered[site].senders]
        for site in sorted(able, key=lambda site: (-slack[site], site not in claimed))[:needed]:
            slack[site] -= 1
            told[site].add(owner)
    for site in coordinator.honest:
        coordinator.ask_shares(site, told[site])


def refuses(coordinator: LyingCoordinator, site: int, dropouts: Collection[int]) -> bool:
    """Whether a site refuses to reveal shares for this list of drop-outs."""
    try:
        coordinator.ask_shares(site, dropouts)
    except RefusedError:
        return True
    return False
