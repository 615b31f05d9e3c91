"""Things that stand where they are for long, and are the same thing when they are found again.

A tracker loses a parked car at night or behind a passer, and finds it under another number: to a rule that would be a
car that enters, once more, for ever. So what stood still for ``SETTLE_S`` is remembered at its place: whatever of its
kind appears there is it. People are not: another person may come to the same place.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from context.seen import Look, Seen, apart
from context.track import PERSON

SETTLE_S = 10.0
MEMORY_S = 24 * 3600.0
REACH = 0.5
"""Expected heights around its place in which it is found again."""
MOST_REMEMBERED = 256


class Resident(NamedTuple):
    """One object and its place.

    Attributes:
        identity: What rules know it by.
        anchor: As it was seen first at its place.
        since_s: When that was.
        seen_s: When it was seen there last.
    """

    identity: int
    anchor: Seen
    since_s: float
    seen_s: float

    @property
    def is_settled(self) -> bool:
        """Whether it has been there long enough to be remembered."""
        return self.seen_s - self.since_s >= SETTLE_S


@dataclasses.dataclass(frozen=True)
class Residents:
    """What stands at one camera.

    Attributes:
        by_identity: Every object that is no person and was seen lately, or is remembered.
        alias: Identity that rules know each object in the picture by, where it is another than it came with.
    """

    by_identity: Mapping[int, Resident] = dataclasses.field(default_factory=dict)
    alias: Mapping[int, int] = dataclasses.field(default_factory=dict)


NOBODY_RESIDES = Residents()


def find_again(state: Residents, look: Look) -> tuple[Residents, Look]:
    """Gives what is found at its place the identity it had there.

    Returns:
        The new state, and the look as rules are told of it.
    """
    known = {
        key: one
        for key, one in state.by_identity.items()
        if look.instant_s - one.seen_s <= (MEMORY_S if one.is_settled else 0.0) or _is_seen(key, state.alias, look)
    }
    alias = {raw: key for raw, key in state.alias.items() if any(one.identity == raw for one in look.seen)}
    taken = {alias.get(one.identity, one.identity) for one in look.seen}
    told = []
    for one in look.seen:
        key = alias.get(one.identity, one.identity)
        if one.kind != PERSON and key not in known:
            place = _own_place(known, taken, one)
            if place is not None:
                taken.add(place)
                alias[one.identity] = key = place
        if one.kind != PERSON:
            known[key] = _moved(known.get(key), one._replace(identity=key), look.instant_s)
        told.append(one._replace(identity=key))
    known = dict(sorted(known.items(), key=lambda item: item[1].seen_s)[-MOST_REMEMBERED:])
    remembered = frozenset(key for key, one in known.items() if one.is_settled and key not in taken)
    return Residents(known, alias), look._replace(seen=tuple(told), remembered=remembered)


def _is_seen(key: int, alias: Mapping[int, int], look: Look) -> bool:
    return any(alias.get(one.identity, one.identity) == key for one in look.seen)


def _own_place(known: Mapping[int, Resident], taken: set[int], one: Seen) -> int | None:
    """Who stood where this appears, and is not seen elsewhere; None where nobody did."""
    near = {
        key: apart(one, resident.anchor.foot)
        for key, resident in known.items()
        if key not in taken and resident.is_settled and resident.anchor.kind == one.kind
    }
    nearest = min(near, key=near.__getitem__, default=None)
    return None if nearest is None or near[nearest] > REACH else nearest


def _moved(before: Resident | None, one: Seen, now_s: float) -> Resident:
    """Its place with what is seen now; another place begins where it has left the one before."""
    if before is None or apart(one, before.anchor.foot) > REACH:
        return Resident(one.identity, one, now_s, now_s)
    return before._replace(seen_s=now_s)
