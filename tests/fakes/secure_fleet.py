"""A fleet of sites in memory that sum under masks, and the coordinator that asks them."""

import dataclasses
import functools
import hashlib
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fl_protocol.roster import DEFAULT_DROPOUT_PERCENT
from fl_protocol.secure_sum import site as steps
from fl_protocol.secure_sum.binding import DIGEST_BYTES, RUN_BYTES, EpochName, RoundBinding
from fl_protocol.secure_sum.channel import ChannelOffer
from fl_protocol.secure_sum.epoch_keys import EpochKeys, KeyCollector, keys_request
from fl_protocol.secure_sum.group import SumGroup, sum_group
from fl_protocol.secure_sum.lanes import Lanes
from fl_protocol.secure_sum.masked_sum import MaskedSum, OpenedSum
from fl_protocol.secure_sum.messages import Positions, SetUp
from fl_protocol.secure_sum.vector import Layout, Segment, Values, segment_for, to_lanes

ROSTER_DIGEST = b"r" * DIGEST_BYTES
BEACON = b"b" * 32
RUN = b"R" * RUN_BYTES
MODEL_DIGEST = b"m" * DIGEST_BYTES
CONFIG_DIGEST = b"c" * DIGEST_BYTES

SiteValues = tuple[Values, ...]  # one array for each segment


@functools.cache
def identity_of(site: int) -> Ed25519PrivateKey:
    """The identity key of a site, the same in every fleet."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"identity" + site.to_bytes(4)).digest())


def small_layout(num_sites: int, size: int = 8) -> Layout:
    """A narrow segment beside a wide one."""
    num_bits = 8 + num_sites.bit_length()
    return (segment_for("update", size, num_bits, num_sites), segment_for("counts", 3, 64, num_sites))


def values_of(layout: Layout, seed: int) -> SiteValues:
    """Values over the whole range that a site may add."""
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(-part.limit, part.limit, part.size, endpoint=True) for part in layout)


def plain_sum(layout: Layout, sites: Iterable[int]) -> SiteValues:
    """The sum of ``values_of`` of those sites."""
    parts = [values_of(layout, site) for site in sites]
    return tuple(np.sum([part[place] for part in parts], axis=0, dtype=np.int64) for place in range(len(layout)))


def same(one: Iterable[Values], other: Iterable[Values]) -> bool:
    """Whether all segments hold the same."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@dataclasses.dataclass
class SecureFleet:
    """Sites of one roster in one run. Every site adds ``values_of(layout, site)``."""

    group: SumGroup
    layout: Layout
    states: dict[int, steps.SiteState]
    offers: dict[int, ChannelOffer]
    run: bytes = RUN

    @property
    def sites(self) -> Positions:
        """All positions of the roster."""
        return tuple(sorted(self.states))

    def name(self, epoch: int, round_number: int = 1) -> EpochName:
        """An epoch of this run."""
        return EpochName(self.run, epoch, round_number)

    def binding(
        self, epoch: int, model_digest: bytes = MODEL_DIGEST, config_digest: bytes = CONFIG_DIGEST
    ) -> RoundBinding:
        """What a round is about."""
        return RoundBinding(self.name(epoch), self.group.roster_digest, model_digest, config_digest)

    def advertise(self, site: int, epoch: int) -> bytes:
        """Has a site make its keys of an epoch."""
        message = keys_request(self.group, self.name(epoch), self.offers, site)
        self.states[site], answer = steps.advertise(self.states[site], message)
        return answer

    def keys(self, epoch: int, absent: Collection[int] = ()) -> EpochKeys:
        """Has all sites of an epoch make their keys, but for the absent ones."""
        collector = KeyCollector(self.group, self.name(epoch), self.offers)
        for site in sorted(self.group.graph(epoch).circle.tolist()):
            if site not in absent:
                collector.add(self.advertise(site, epoch))
        return collector.close()

    def lanes(self, site: int) -> list[Lanes]:
        """What a site adds."""
        return [to_lanes(part, values) for part, values in zip(self.layout, values_of(self.layout, site), strict=True)]

    def mask(self, site: int, message: bytes, binding: RoundBinding) -> bytes:
        """Has a site mask its values as a request asks it to."""
        opened = steps.open_round(self.states[site], message)
        self.states[site], answer = steps.mask(self.states[site], opened, self.lanes(site), self.layout, binding)
        return answer

    def masked_sum(self, keys: EpochKeys, absent: Collection[int] = ()) -> MaskedSum:
        """Has all sites with keys deliver, but for the absent ones; the sum is closed."""
        binding = self.binding(keys.name.epoch)
        total = MaskedSum(keys, self.layout, binding)
        for site in keys.cohort:
            if site not in absent:
                total.add(self.mask(site, keys.mask_request(site), binding))
        total.close()
        return total

    def reveal(self, site: int, message: bytes) -> bytes:
        """Has a site reveal shares."""
        self.states[site], answer = steps.reveal(self.states[site], message)
        return answer

    def open(self, total: MaskedSum, absent: Collection[int] = ()) -> OpenedSum:
        """Has the survivors reveal their shares, again without the absent ones if there are any, and opens the sum."""
        self.answer(total, absent)
        if total.silent:
            total.ask_again()
            self.answer(total)
        return total.open()

    def answer(self, total: MaskedSum, absent: Collection[int] = ()) -> None:
        """Has those that are asked reveal their shares, but for the absent ones."""
        request = total.unmask_request()
        for site in total.responders:
            if site not in absent:
                total.add_shares(self.reveal(site, request))

    def sum(self, epoch: int, *absent: Collection[int]) -> OpenedSum:
        """A whole round.

        Args:
            epoch: Which.
            absent: Sites that are gone from the keys on, from the vectors on, and from the shares on.
        """
        gone = [set().union(*absent[: step + 1]) for step in range(3)]
        return self.open(self.masked_sum(self.keys(epoch, gone[0]), gone[1]), gone[2])

    def restart(self, site: int) -> None:
        """Has a site begin anew with no more than its disk remembers."""
        self.states[site] = steps.join_run(
            self.group, site, identity_of(site), self.run, self.states[site].newest_epoch
        )
        self.offers[site] = SetUp.decode(steps.set_up(self.states[site]), self.group.identities).offer


def secure_fleet(
    num_sites: int,
    *,
    dropout_percent: int = DEFAULT_DROPOUT_PERCENT,
    num_drawn: int | None = None,
    layout: Layout | None = None,
    newest: Mapping[int, int] | None = None,
) -> SecureFleet:
    """A fleet that is set up.

    Args:
        num_sites: On the roster.
        dropout_percent: As of ``sum_group``.
        num_drawn: As of ``sum_group``.
        layout: Of the vectors; left out: ``small_layout``.
        newest: Epochs that sites remember from before; left out: none.
    """
    identities = tuple(identity_of(site).public_key().public_bytes_raw() for site in range(num_sites))
    group = sum_group(ROSTER_DIGEST, BEACON, identities, dropout_percent=dropout_percent, num_drawn=num_drawn)
    remembered = newest or {}
    states = {
        site: steps.join_run(group, site, identity_of(site), RUN, remembered.get(site, 0)) for site in range(num_sites)
    }
    offers = {site: SetUp.decode(steps.set_up(state), identities).offer for site, state in states.items()}
    return SecureFleet(group, small_layout(num_sites) if layout is None else layout, states, offers)


def one_segment(num_sites: int, size: int, num_bits: int) -> tuple[Segment]:
    """A layout of one kind of value."""
    return (segment_for("update", size, num_bits, num_sites),)
