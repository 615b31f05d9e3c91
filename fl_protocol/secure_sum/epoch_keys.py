"""The keys of one epoch as the coordinator holds them: who advertised what, and who masks with whom."""

import bisect
import hashlib
from collections.abc import Collection, Mapping

import numpy as np

from fl_protocol.errors import WireError
from fl_protocol.secure_sum.binding import EpochName
from fl_protocol.secure_sum.channel import SEALED_BYTES, ChannelOffer
from fl_protocol.secure_sum.graph import Graph
from fl_protocol.secure_sum.group import SumGroup
from fl_protocol.secure_sum.messages import Advertisement, KeysRequest, MaskRequest, Positions


def keys_request(group: SumGroup, name: EpochName, offers: Mapping[int, ChannelOffer], site: int) -> bytes:
    """What asks ``site`` for its keys of an epoch: the channel keys of those neighbours that are set up.

    Raises:
        ValueError: The site was not drawn for this epoch.
    """
    positions = tuple(other for other in group.graph(name.epoch).neighbours(site) if other in offers)
    return KeysRequest(name, positions, tuple(offers[position] for position in positions)).encode()


class KeyCollector:
    """Takes the advertisements of one epoch.

    Args:
        group: Who may take part.
        name: The epoch.
        offered: Sites whose channel keys are set up: every site was asked to seal for its neighbours among them.
    """

    def __init__(self, group: SumGroup, name: EpochName, offered: Collection[int]) -> None:
        self._group, self._name, self._offered = group, name, frozenset(offered)
        self._graph = group.graph(name.epoch)
        self._by_site: dict[int, Advertisement] = {}
        self._digests: dict[int, bytes] = {}

    @property
    def sites(self) -> Positions:
        """Sites whose advertisement came, ascending."""
        return tuple(sorted(self._by_site))

    def add(self, message: bytes) -> int:
        """Takes an advertisement; returns whose.

        Raises:
            WireError: It cannot be read, is of another epoch, or another one of the same site came before.
            SealError: It is not signed by the site it names.
        """
        advertisement = Advertisement.decode(message, self._group.identities)
        check_name(advertisement.name, self._name)
        site, digest = advertisement.site, hashlib.sha256(message).digest()
        if self._digests.setdefault(site, digest) != digest:
            raise WireError(f"site {site}: expected one advertisement for an epoch")
        if site not in self._graph.circle:
            raise WireError(f"site {site}: expected keys of sites that were drawn")
        if set(advertisement.receivers) != self._offered & set(self._graph.neighbours(site)):
            raise WireError(f"site {site}: expected sealed shares for all neighbours it was asked to seal for")
        self._by_site[site] = advertisement
        return site

    def close(self) -> "EpochKeys":
        """The keys of the epoch."""
        return EpochKeys(self._group, self._name, self._by_site)


class EpochKeys:
    """All advertisements of one epoch; the cohort, and so who masks with whom, follows from them.

    A site with fewer neighbours in the cohort than open a secret takes no part: its own would never open.

    Args:
        group: Who may take part.
        name: The epoch.
        advertisements: By site; checked.
    """

    def __init__(self, group: SumGroup, name: EpochName, advertisements: Mapping[int, Advertisement]) -> None:
        self.group, self.name, self.graph = group, name, group.graph(name.epoch)
        self._by_site = dict(advertisements)
        self._partners = _partners(self.graph, tuple(sorted(advertisements)))

    @property
    def cohort(self) -> Positions:
        """Sites with keys and enough partners, ascending."""
        return tuple(sorted(self._partners))

    def advertisement(self, site: int) -> Advertisement:
        """What a site advertised.

        Raises:
            KeyError: Nothing.
        """
        return self._by_site[site]

    def partners(self, site: int) -> Positions:
        """Neighbours that a site masks with, ascending: all of them in the cohort."""
        return self._partners[site]

    def mask_request(self, site: int) -> bytes:
        """What brings a site its partners' sealed shares and asks it for its vector."""
        senders = self._partners[site]
        sent = (self._by_site[sender] for sender in senders)
        rows = [one.sealed[bisect.bisect_left(one.receivers, site)] for one in sent]
        sealed = np.array(rows, dtype=np.uint8).reshape(-1, SEALED_BYTES)
        return MaskRequest(self.name, senders, sealed).encode()


def _partners(graph: Graph, sites: Positions) -> dict[int, Positions]:
    """Neighbours of every site that has enough of them, all of which are such sites themselves."""
    kept = np.array(sites, dtype=np.int64)
    while True:
        are_near = graph.are_neighbours(kept, kept)
        have_enough = are_near.sum(axis=1) >= graph.parameters.share_threshold
        if have_enough.all():
            return {site: tuple(kept[near].tolist()) for site, near in zip(kept.tolist(), are_near, strict=True)}
        kept = kept[have_enough]


def check_name(got: EpochName, expected: EpochName) -> None:
    """Checks that an answer is of the epoch that is under way.

    Raises:
        WireError: It is of another.
    """
    if got != expected:
        raise WireError(
            f"expected an answer of epoch {expected.epoch}, round {expected.round_number}; "
            f"got epoch {got.epoch}, round {got.round_number}{', another run' if got.run != expected.run else ''}"
        )
