"""The keys of one epoch as the coordinator holds them: who advertised what, and who masks with whom."""

import hashlib
from collections.abc import Mapping

import numpy as np

from fl_protocol.errors import WireError
from fl_protocol.secure_sum.binding import EpochName
from fl_protocol.secure_sum.channel import SEALED_BYTES, ChannelOffer
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
    """

    def __init__(self, group: SumGroup, name: EpochName) -> None:
        self._group, self._name = group, name
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
        if site not in self._graph.circle or not set(advertisement.receivers) <= set(self._graph.neighbours(site)):
            raise WireError(f"site {site}: expected sealed shares for its neighbours alone")
        self._by_site[site] = advertisement
        return site

    def close(self) -> "EpochKeys":
        """The keys of the epoch."""
        return EpochKeys(self._group, self._name, self._by_site)


class EpochKeys:
    """All advertisements of one epoch; who masks with whom follows from them.

    A site with fewer partners than open a secret takes no part: its own would never open, and it masks with nobody. It
    is left out before anybody masks with it, so that one site that shares with too few cannot spoil the round.

    Args:
        group: Who may take part.
        name: The epoch.
        advertisements: By site; checked.
    """

    def __init__(self, group: SumGroup, name: EpochName, advertisements: Mapping[int, Advertisement]) -> None:
        self.group, self.name = group, name
        self._by_site = dict(advertisements)
        self._rows = {
            site: {receiver: row for row, receiver in enumerate(advertisement.receivers)}
            for site, advertisement in advertisements.items()
        }
        self._partners = _partners(self._rows, group.parameters.share_threshold)

    @property
    def sites(self) -> Positions:
        """Sites with keys and enough partners, ascending."""
        return tuple(sorted(self._partners))

    def advertisement(self, site: int) -> Advertisement:
        """What a site advertised.

        Raises:
            KeyError: Nothing.
        """
        return self._by_site[site]

    def partners(self, site: int) -> Positions:
        """Neighbours that a site masks with, ascending: both have keys, and sealed shares for each other."""
        return self._partners[site]

    def mask_request(self, site: int) -> bytes:
        """What brings a site its partners' sealed shares and asks it for its vector."""
        senders = self._partners[site]
        rows = [self._by_site[sender].sealed[self._rows[sender][site]] for sender in senders]
        sealed = np.array(rows, dtype=np.uint8).reshape(-1, SEALED_BYTES)
        return MaskRequest(self.name, senders, sealed).encode()


def _partners(rows: Mapping[int, Mapping[int, int]], fewest: int) -> dict[int, Positions]:
    """Partners of every site that has no fewer than ``fewest`` of them, all of which are such sites themselves."""
    partners = {site: tuple(other for other in own if site in rows.get(other, ())) for site, own in rows.items()}
    while any(len(others) < fewest for others in partners.values()):
        kept = {site for site, others in partners.items() if len(others) >= fewest}
        partners = {site: tuple(other for other in partners[site] if other in kept) for site in sorted(kept)}
    return partners


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
