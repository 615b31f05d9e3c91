"""A coordinator that asks whatever it likes, and reads all that its corrupt sites hold."""

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fl_protocol.errors import RefusedError
from fl_protocol.secure_sum import site as steps
from fl_protocol.secure_sum.agreement import Agreement, blinding_key
from fl_protocol.secure_sum.binding import RoundBinding
from fl_protocol.secure_sum.channel import SEALED_BYTES, SharePair
from fl_protocol.secure_sum.masking import MaskAdder, pair_key, public_bytes, seed_key
from fl_protocol.secure_sum.messages import (
    MaskedVector,
    MaskRequest,
    Positions,
    RevealedShares,
    ShareRows,
    UnmaskRequest,
)
from fl_protocol.secure_sum.shamir import NUM_SYMBOLS, PRIME, holder_weights, opened_secret
from fl_protocol.secure_sum.vector import Values, empty_lanes, from_lanes, unpack_lanes
from tests.fakes.secure_fleet import SecureFleet


@dataclasses.dataclass(frozen=True)
class View:
    """What one site is told of who takes part."""

    cohort: Positions
    survivors: Positions
    responders: Positions


def view(cohort: Collection[int], survivors: Collection[int], responders: Collection[int]) -> View:
    """A view, its lists in order."""
    return View(*(tuple(sorted(part)) for part in (cohort, survivors, responders)))


@dataclasses.dataclass(frozen=True)
class Delivered:
    """A masked vector, and which partners and round its masks are of."""

    packed: bytes
    senders: Positions
    binding: RoundBinding


class LyingCoordinator:
    """One epoch in the hands of the adversary.

    Corrupt sites make keys as the others do, then hand over both of their own secrets and every share they hold.
    Secrets are tried with their shares alone, and with those of every set of sites that answers as well.

    Args:
        fleet: All sites; the adversary looks into the corrupt ones alone.
        corrupt: Sites that work with the coordinator.
        epoch: Which.
    """

    def __init__(self, fleet: SecureFleet, corrupt: Collection[int], epoch: int = 1) -> None:
        self.fleet, self.corrupt = fleet, tuple(sorted(corrupt))
        self.keys = fleet.keys(epoch)
        self.honest: Positions = tuple(site for site in self.keys.cohort if site not in self.corrupt)
        self.threshold = fleet.group.parameters.share_threshold
        self.delivered: dict[int, Delivered] = {}
        self._revealed: dict[Positions, dict[int, ShareRows]] = {}  # by responders, site
        self._own_keys: dict[int, X25519PrivateKey] = {}
        self._own_seeds: dict[int, bytes] = {}
        self._own_shares: dict[int, Mapping[int, SharePair]] = {}
        self._own_channels: dict[int, Mapping[int, bytes]] = {}
        self._own_parts: dict[tuple[Positions, str], npt.NDArray[np.int64]] = {}  # by responders and kind of share
        self._opened: tuple[dict[int, bytes], dict[int, X25519PrivateKey]] = {}, {}
        for site in self.corrupt:
            self._read_out(site)
        self._open(self.corrupt)

    @property
    def fewest_honest(self) -> int:
        """Honest sites in the smallest sum that opens when nobody lies."""
        return self.threshold + 1 - len(self.corrupt)

    def _read_out(self, site: int) -> None:
        state = self.fleet.states[site]
        assert state.prepared is not None
        self._own_keys[site], self._own_seeds[site] = state.prepared.round_key, state.prepared.seed
        self._own_channels[site] = state.prepared.channel_keys
        self._own_shares[site] = steps.open_round(state, self.keys.mask_request(site)).held

    def ask_vector(
        self, site: int, senders: Collection[int] | None = None, binding: RoundBinding | None = None
    ) -> None:
        """Has a site mask its vector with these partners (left out: all), for this round (left out: the fleet's).

        Raises:
            RefusedError: The site refuses.
        """
        chosen = self.keys.partners(site) if senders is None else tuple(sorted(senders))
        whole = MaskRequest.decode(self.keys.mask_request(site))
        rows = [whole.sealed[whole.senders.index(sender)] for sender in chosen]
        request = MaskRequest(self.keys.name, chosen, np.array(rows, dtype=np.uint8).reshape(-1, SEALED_BYTES))
        binding = self.fleet.binding(self.keys.name.epoch) if binding is None else binding
        answer = MaskedVector.decode(self.fleet.mask(site, request.encode(), binding), self.fleet.group.identities)
        self.delivered[site] = Delivered(answer.packed, chosen, binding)

    def ask_shares(self, site: int, told: View) -> None:
        """Tells a site who takes part, and keeps what it reveals.

        Raises:
            RefusedError: The site refuses.
        """
        request = UnmaskRequest(self.keys.name, told.cohort, told.survivors, told.responders)
        answer = RevealedShares.decode(self.fleet.reveal(site, request.encode()), self.fleet.group.identities)
        agreement = Agreement(self.delivered[site].binding, told.cohort, told.survivors, told.responders)
        assert answer.agreement == agreement.digest
        rows = self._unblinded(site, agreement, answer.rows)
        self._revealed.setdefault(told.responders, {})[site] = rows
        self._open(told.responders)
        answered = tuple(sorted({*self._revealed[told.responders], *self.corrupt}))
        if answered != told.responders:
            self._open(told.responders, answered)

    def _unblinded(self, site: int, agreement: Agreement, rows: ShareRows) -> ShareRows:
        """What a site revealed, without its masks with corrupt sites. ``(len(keys.cohort), NUM_SYMBOLS)``."""
        rows, adder = rows.copy(), MaskAdder()
        for other in set(self.corrupt) & set(agreement.responders) & set(self.keys.partners(site)):
            key = blinding_key(self._own_channels[other][site], agreement)
            adder.add([rows.reshape(-1)], key, -1 if site < other else 1)
        by_owner = dict(zip(agreement.cohort, rows, strict=True))
        nothing = np.zeros(NUM_SYMBOLS, dtype=np.uint32)
        return np.array([by_owner.get(owner, nothing) for owner in self.keys.cohort])

    def _open(self, told: Positions, holders: Positions | None = None) -> None:
        """Adds up what was revealed for the same responders, whatever else they were told, and keeps what fits.

        Args:
            told: The responders that sites were told of.
            holders: Whose shares to take the secrets from, by weights for these alone; left out: ``told``.
        """
        total = np.zeros((len(self.keys.cohort), NUM_SYMBOLS), dtype=np.uint32)
        for site, rows in self._revealed.get(told, {}).items():
            total += rows if holders is None else self._weighed_anew(rows, site, told, holders)
        holders = told if holders is None else holders
        seeds, round_keys = self._opened
        for place, owner in enumerate(self.keys.cohort):
            seed = opened_secret((total[place] + self._own_part(holders, "seed_share")[place]) % PRIME)
            if seed is not None and steps.seed_commitment(seed) == self.keys.advertisement(owner).seed_commitment:
                seeds[owner] = seed
            secret = opened_secret((total[place] + self._own_part(holders, "key_share")[place]) % PRIME)
            key = None if secret is None else X25519PrivateKey.from_private_bytes(secret)
            if key is not None and public_bytes(key) == self.keys.advertisement(owner).round_public:
                round_keys[owner] = key

    def _weights(self, site: int, responders: Positions) -> npt.NDArray[np.int64]:
        """What a site's share of everybody's secrets counts for. ``(len(keys.cohort), 1)``."""
        is_holder = self.keys.graph.are_neighbours(np.array(self.keys.cohort), np.array(responders))
        return holder_weights(site + 1, np.array(responders) + 1, is_holder)[:, None]

    def _weighed_anew(self, rows: ShareRows, site: int, told: Positions, holders: Positions) -> ShareRows:
        """What a site would have revealed to other responders, if nothing masks what it did reveal."""
        inverse = np.array([[pow(int(weight), -1, PRIME)] for weight in self._weights(site, told)[:, 0]])
        shares = rows.astype(np.int64) % PRIME * inverse % PRIME
        return np.asarray(shares * self._weights(site, holders) % PRIME, dtype=np.uint32)

    def _own_part(self, responders: Positions, kind: str) -> npt.NDArray[np.int64]:
        """What corrupt responders add to everybody's secrets of a kind. ``(len(keys.cohort), NUM_SYMBOLS)``."""
        if (responders, kind) not in self._own_parts:
            self._own_parts[responders, kind] = self._weighed(responders, kind)
        return self._own_parts[responders, kind]

    def _weighed(self, responders: Positions, kind: str) -> npt.NDArray[np.int64]:
        total = np.zeros((len(self.keys.cohort), NUM_SYMBOLS), dtype=np.int64)
        for site in set(self.corrupt) & set(responders):
            held = self._own_shares[site]
            is_held = [owner in held for owner in self.keys.cohort]
            shares = [getattr(held[owner], kind) for owner in self.keys.cohort if owner in held]
            total[is_held] += np.array(shares, dtype=np.int64) * self._weights(site, responders)[is_held] % PRIME
        return total

    def seed(self, owner: int) -> bytes | None:
        """A site's seed, if it was opened."""
        return self._own_seeds.get(owner) or self._opened[0].get(owner)

    def round_key(self, owner: int) -> X25519PrivateKey | None:
        """A site's round key, if it was opened."""
        return self._own_keys.get(owner) or self._opened[1].get(owner)

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

    def smallest_sums(self) -> list[set[int]]:
        """All sets of honest sites whose sum can be opened and that hold no smaller such set."""
        open_sites = {site for site in self.delivered if site in self.honest and self.seed(site) is not None}
        groups: list[set[int]] = []
        for first in sorted(open_sites):
            group, border = set[int](), [first]
            while border:
                site = border.pop()
                group.add(site)
                border += [other for other in self._bound_to(site) if other not in group]
            if group <= open_sites and group not in groups:
                groups.append(group)
        return groups

    def _bound_to(self, site: int) -> list[int]:
        """Honest partners whose masks with a site come off in one way only: in a sum with that partner."""
        if site not in self.delivered:
            return []
        others = (other for other in self.delivered[site].senders if other in self.honest)
        return [other for other in others if self.round_key(other) is None and self.round_key(site) is None]


def refuses(coordinator: LyingCoordinator, site: int, told: View) -> bool:
    """Whether a site refuses to reveal shares for this view."""
    try:
        coordinator.ask_shares(site, told)
    except RefusedError:
        return True
    return False
