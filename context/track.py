"""What ``context`` is told of one object over time, and whether it keeps to its place.

Lengths are in expected heights: one is what a standing person measures at that place of the picture, so near and far
compare. Named tuples, for they are made by the hundred: a frozen dataclass takes more than twice as long.
"""

import enum
import math
from typing import NamedTuple

Point = tuple[float, float]

PERSON = "person"
RECENT_S = 2.0
"""Seconds of sightings that a track keeps."""

_BORDER_FRACTION = 0.01


class Posture(enum.StrEnum):
    """How a body is held, where something better than its box can tell."""

    UPRIGHT = "upright"
    DOWN = "down"


class Sighting(NamedTuple):
    """One object at one instant.

    Attributes:
        instant_s: Seconds on any clock, the same for all.
        track_id: The tracker's number.
        kind: Name of what it is, such as "person".
        foot: Bottom centre of its box (x right, y down), fractions of the frame.
        unit: One expected height at that foot, as fractions of the frame's width and of its height; both > 0.
        size: Width and height of its box in expected heights.
        speed: Expected heights a second, at least 0.
        zone: Name of the zone its foot is in; "" outside every zone.
        flow: Permitted direction of travel there (x right, y down), of length 1; ``None`` where any is.
        posture: How it is held; ``None`` where only the box is known.
        is_low: Whether it is one of those low things that mostly are shadows, feet and specks.
    """

    instant_s: float
    track_id: int
    kind: str
    foot: Point
    unit: Point
    size: Point
    speed: float
    zone: str = ""
    flow: Point | None = None
    posture: Posture | None = None
    is_low: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether the box ends at the left, right or lower edge of the picture: then its size says little."""
        half = self.size[0] * self.unit[0] / 2
        left, right = self.foot[0] - half, self.foot[0] + half
        return left < _BORDER_FRACTION or max(right, self.foot[1]) > 1.0 - _BORDER_FRACTION


class Rest(NamedTuple):
    """A stay at one place.

    Attributes:
        anchor: The sighting it began with.
        last_s: When the object was last seen there.
    """

    anchor: Sighting
    last_s: float

    @property
    def still_s(self) -> float:
        """Seconds from the first sighting at the place to the last."""
        return self.last_s - self.anchor.instant_s


class Track(NamedTuple):
    """One object over time.

    Attributes:
        identity: A number of our own, which stays when the tracker's changes.
        recent: Its sightings of the last ``RECENT_S`` seconds, oldest first, at least one.
        rest: Its present stay at one place, however short.
        home: The last place it rested at before, if any.
        is_new: Whether it was never seen before.
    """

    identity: int
    recent: tuple[Sighting, ...]
    rest: Rest
    home: Rest | None = None
    is_new: bool = False

    @property
    def last(self) -> Sighting:
        """The newest sighting."""
        return self.recent[-1]


def way(start: Sighting, end: Sighting) -> Point:
    """The way from one sighting to another (x right, y down) in expected heights, the mean of both places' counting."""
    return (
        2.0 * (end.foot[0] - start.foot[0]) / (start.unit[0] + end.unit[0]),
        2.0 * (end.foot[1] - start.foot[1]) / (start.unit[1] + end.unit[1]),
    )


def distance(first: Sighting, second: Sighting) -> float:
    """How far apart two sightings are, in expected heights."""
    return math.hypot(*way(first, second))


def rest(state: Rest, one: Sighting, radius: float, away_s: float) -> Rest:
    """Takes the next sighting of something that stayed at a place.

    Args:
        state: The stay so far.
        one: The next sighting.
        radius: Expected heights around the anchor that are the same place.
        away_s: Seconds elsewhere that end the stay and begin another; less is a jump of the box.
    """
    if distance(state.anchor, one) <= radius:
        return Rest(state.anchor, one.instant_s)
    return state if one.instant_s - state.last_s <= away_s else Rest(one, one.instant_s)
