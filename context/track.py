"""What ``context`` is told of one object over time, and objects followed over gaps and changed identities.

Lengths are in expected heights: one is what a standing person measures at that place of the picture, so near and far
compare. A tracker loses people and finds them under another number; whoever appears where somebody was lost a moment
ago is taken to be the same.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Point = tuple[float, float]

PERSON = "person"
RECENT_S = 2.0
"""Seconds of sightings that a track keeps."""

_BORDER_FRACTION = 0.01


class Sighting(NamedTuple):  # a frozen dataclass takes twice as long to make, and every object of a frame needs some
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

    @property
    def is_cut(self) -> bool:
        """Whether the box ends at the left, right or lower edge of the picture: then its size says little."""
        half = self.size[0] * self.unit[0] / 2
        left, right = self.foot[0] - half, self.foot[0] + half
        return left < _BORDER_FRACTION or max(right, self.foot[1]) > 1.0 - _BORDER_FRACTION


class Track(NamedTuple):
    """One object over time.

    Attributes:
        identity: A number of our own, which stays when the tracker's changes.
        recent: Its sightings of the last ``RECENT_S`` seconds, oldest first, at least one.
        is_new: Whether it was never seen before.
    """

    identity: int
    recent: tuple[Sighting, ...]
    is_new: bool = False

    @property
    def last(self) -> Sighting:
        """The newest sighting."""
        return self.recent[-1]


@dataclasses.dataclass(frozen=True)
class Following:
    """The objects of one camera that are in the picture or were a moment ago, by the tracker's number.

    ``num_identities`` have been given so far.
    """

    track_by_id: Mapping[int, Track] = dataclasses.field(default_factory=dict)
    num_identities: int = 0


NOBODY = Following()


def way(start: Sighting, end: Sighting) -> Point:
    """The way from one sighting to another (x right, y down) in expected heights, the mean of both places' counting."""
    return (
        2.0 * (end.foot[0] - start.foot[0]) / (start.unit[0] + end.unit[0]),
        2.0 * (end.foot[1] - start.foot[1]) / (start.unit[1] + end.unit[1]),
    )


def distance(first: Sighting, second: Sighting) -> float:
    """How far apart two sightings are, in expected heights."""
    return math.hypot(*way(first, second))


def follow(
    state: Following, sightings: Sequence[Sighting], memory_s: float, reach: float
) -> tuple[Following, tuple[Track, ...]]:
    """Takes the sightings of the next frame, all of one instant.

    Args:
        state: What is known so far.
        sightings: One for each object in the frame.
        memory_s: Seconds after which a lost object is forgotten.
        reach: Whoever appears within so many expected heights of a lost object is that object; not at the edge of the
            picture, where people come and go.

    Returns:
        The new state, and the track of each sighting, in their order.
    """
    known, seen = state.track_by_id, {one.track_id for one in sightings}
    lost = {number: track for number, track in known.items() if number not in seen}
    tracks: dict[int, Track] = {}
    num_identities = state.num_identities
    for one in sightings:
        before = known.get(one.track_id) or _found_again(lost, one, memory_s, reach)
        num_identities += before is None
        tracks[one.track_id] = Track(num_identities, (one,), is_new=True) if before is None else _extended(before, one)
    if sightings:
        oldest_s = sightings[0].instant_s - memory_s
        lost = {number: track for number, track in lost.items() if track.last.instant_s >= oldest_s}
    return Following({**lost, **tracks}, num_identities), tuple(tracks.values())


def _found_again(lost: dict[int, Track], one: Sighting, memory_s: float, reach: float) -> Track | None:
    """The nearest lost track within reach, taken out of ``lost``; ``None`` where there is none."""
    near = {
        number: distance(track.last, one)
        for number, track in lost.items()
        if one.instant_s - track.last.instant_s <= memory_s and not track.last.is_cut
    }
    nearest = min(near, key=near.__getitem__, default=None)
    return None if nearest is None or near[nearest] > reach else lost.pop(nearest)


def _extended(track: Track, one: Sighting) -> Track:
    recent, first = track.recent, 0
    oldest_s = one.instant_s - RECENT_S
    while first < len(recent) and recent[first].instant_s < oldest_s:
        first += 1
    return Track(track.identity, (*recent[first:], one))
