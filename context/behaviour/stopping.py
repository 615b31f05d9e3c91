"""Stopping: something that moved stands still."""

import dataclasses

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.rest import Rest, rest
from context.behaviour.settings import StopSettings
from context.track import Sighting, distance


@dataclasses.dataclass(frozen=True, slots=True)
class Halt:
    """Where an object stands.

    Attributes:
        origin: Its first sighting.
        has_moved: Whether it has been away from there.
        rest: Its present stay.
    """

    origin: Sighting
    has_moved: bool
    rest: Rest


def stopping(state: Halt | None, one: Sighting, settings: StopSettings) -> tuple[Halt, Finding]:
    """Takes the next sighting of an object; ``None`` begins.

    The value is the seconds it has stood still, 0 for what never moved: furniture does not stop.
    """
    if state is None:
        state = Halt(one, has_moved=False, rest=Rest(one, one.instant_s))
    else:
        has_moved = state.has_moved or distance(state.origin, one) >= settings.moved
        state = Halt(state.origin, has_moved, rest(state.rest, one, settings.radius, settings.away_s))
    value = state.rest.still_s if state.has_moved else 0.0
    return state, Finding(Behaviour.STOPPED, value, value >= settings.limit_s, one.zone)
