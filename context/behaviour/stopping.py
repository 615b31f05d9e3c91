"""Stopping: something that moved stands still."""

from typing import NamedTuple

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.settings import StopSettings
from context.track import Sighting, Track, distance


class Journey(NamedTuple):
    """Where an object was first seen, and whether it has been away from there."""

    origin: Sighting
    has_moved: bool = False


def stopping(state: Journey | None, track: Track, settings: StopSettings) -> tuple[Journey, Finding]:
    """Takes the next sighting of an object; ``None`` begins.

    The value is the seconds it has stood still, 0 for what never moved: furniture does not stop.
    """
    one = track.recent[-1]
    if state is None:
        state = Journey(one)
    elif not state.has_moved and distance(state.origin, one) >= settings.moved:
        state = Journey(state.origin, has_moved=True)
    value = track.rest.still_s if state.has_moved else 0.0
    return state, Finding(Behaviour.STOPPED, value, value >= settings.limit_s, one.zone)
