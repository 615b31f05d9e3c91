"""Left objects: a thing that appeared beside somebody who has gone away.

A thing is known by where it stands, whatever number the tracker gives it: people who pass hide it and take its number
along. Its owners are the people beside it when it appeared, and whoever is first seen beside it later: that is an
owner the tracker had lost. What appeared beside nobody was left by nobody.
"""

import dataclasses
from collections.abc import Sequence

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.settings import LeftObjectSettings
from context.track import PERSON, Sighting, Track, distance

NO_FINDINGS: dict[int, Finding] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class Thing:
    """Something at one place.

    Attributes:
        anchor: Its first sighting there.
        last_s: When it was last seen there.
        owners: Identities of the people it belongs to.
        attended_s: When one of them was last near; when it appeared, where it belongs to nobody.
    """

    anchor: Sighting
    last_s: float
    owners: frozenset[int]
    attended_s: float

    @property
    def unattended_s(self) -> float:
        """Seconds it was seen there without an owner; 0 for what belongs to nobody."""
        return max(0.0, self.last_s - self.attended_s) if self.owners else 0.0


def left_objects(
    state: tuple[Thing, ...], instant_s: float, tracks: Sequence[Track], settings: LeftObjectSettings
) -> tuple[tuple[Thing, ...], dict[int, Finding]]:
    """Takes all tracks of the next frame.

    Args:
        state: The things of the camera so far; none at first.
        instant_s: Of the frame.
        tracks: One for each object in it.
        settings: The limits.

    Returns:
        The new things, and by identity of the track how long each of them in the frame has been unattended.
    """
    still = [track for track in tracks if _may_be_left(track.last, settings)]
    if not still and not state:
        return state, NO_FINDINGS
    people = [track for track in tracks if track.last.kind == PERSON and track not in still]
    unseen, seen = list(state), {}
    for track in still:
        thing = next((one for one in unseen if distance(one.anchor, track.last) <= settings.radius), None)
        if thing is None:
            thing = Thing(track.last, instant_s, _beside(track.last, people, settings), instant_s)
        else:
            unseen.remove(thing)
            thing = dataclasses.replace(thing, last_s=instant_s)
        seen[track.identity] = _watched(thing, instant_s, people, settings)
    hidden = [_watched(one, instant_s, people, settings) for one in unseen if _is_remembered(one, instant_s, settings)]
    zones = {track.identity: track.last.zone for track in still}
    return (*seen.values(), *hidden), {
        identity: Finding(
            Behaviour.LEFT_OBJECT, thing.unattended_s, thing.unattended_s >= settings.limit_s, zones[identity]
        )
        for identity, thing in seen.items()
    }


def _may_be_left(one: Sighting, settings: LeftObjectSettings) -> bool:
    is_thing = one.kind != PERSON or one.size[1] <= settings.most_height
    return is_thing and one.speed <= settings.most_speed and not one.is_cut


def _beside(one: Sighting, people: Sequence[Track], settings: LeftObjectSettings) -> frozenset[int]:
    return frozenset(person.identity for person in people if distance(one, person.last) <= settings.reach)


def _is_remembered(thing: Thing, instant_s: float, settings: LeftObjectSettings) -> bool:
    """Whether an unseen thing may only be hidden; what never settled was no thing."""
    has_settled = thing.last_s - thing.anchor.instant_s >= settings.settle_s
    return has_settled and instant_s - thing.last_s <= settings.memory_s


def _watched(thing: Thing, instant_s: float, people: Sequence[Track], settings: LeftObjectSettings) -> Thing:
    """The thing after a look at who is near it; what belongs to nobody goes on belonging to nobody."""
    if not thing.owners:
        return thing
    newcomers = _beside(thing.anchor, [person for person in people if person.is_new], settings)
    owners = thing.owners | newcomers
    near = any(person.identity in owners and distance(thing.anchor, person.last) <= settings.away for person in people)
    return dataclasses.replace(thing, owners=owners, attended_s=instant_s) if near else thing
