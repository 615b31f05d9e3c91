"""Dwell: how long an object has been in one zone.

A short gap and a moment outside do not end a stay: the box of somebody at a zone's edge goes in and out. Everything
outside the zones is one zone without a name.
"""

from typing import NamedTuple

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.settings import DwellSettings
from context.track import Sighting


class Stay(NamedTuple):
    """A stay in one zone, from the first sighting there to the last."""

    zone: str
    since_s: float
    last_s: float


def dwell(state: Stay | None, one: Sighting, settings: DwellSettings) -> tuple[Stay, Finding]:
    """Takes the next sighting of an object; ``None`` begins its first stay."""
    zone, now_s = one.zone, one.instant_s
    if state is not None and zone == state.zone:
        state = Stay(zone, state.since_s, now_s)
    elif state is None or now_s - state.last_s > settings.away_s:
        state = Stay(zone, now_s, now_s)
    value = state.last_s - state.since_s
    return state, Finding(Behaviour.DWELL, value, value >= settings.limit_s, state.zone)
