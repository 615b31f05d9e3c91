"""Synthetic paths: sightings of objects as functions of time."""

from collections.abc import Iterable

from context.track import Rest, Sighting, Track

UNIT = (0.1, 0.2)
STANDING, LYING, BAG = (0.4, 1.0), (1.0, 0.4), (0.35, 0.35)

SOMEBODY = Sighting(0.0, 1, "person", (0.5, 0.5), UNIT, STANDING, 0.0)
"""Somebody who stands in the middle of the picture."""


def at(instant_s: float, x: float = 0.0, y: float = 0.0, one: Sighting = SOMEBODY) -> Sighting:
    """``one`` seen ``x`` expected heights right of and ``y`` below the middle of the picture."""
    foot = (0.5 + x * one.unit[0], 0.5 + y * one.unit[1])
    return one._replace(instant_s=instant_s, foot=foot)


def times(until_s: float, fps: float = 10.0, start_s: float = 0.0) -> list[float]:
    """Instants from ``start_s`` to ``until_s``, both included."""
    return [start_s + index / fps for index in range(round((until_s - start_s) * fps) + 1)]


def track(sightings: Iterable[Sighting]) -> Track:
    """A track of these sightings, resting since the first."""
    seen = tuple(sightings)
    return Track(1, seen, Rest(seen[0], seen[-1].instant_s))
