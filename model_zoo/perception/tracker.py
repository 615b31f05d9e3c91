"""A small tracker: boxes of one frame are assigned to the tracks whose prediction they overlap most.

Tracks move with constant velocity, are born at once and are dropped after ``MAX_MISSES`` frames without a box.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from model_zoo.perception.perspective import Boxes

Overlaps = npt.NDArray[np.float64]  # (N, M)

MAX_MISSES = 3

_MIN_OVERLAP = 0.1
_VELOCITY_WEIGHT = 0.4


@dataclasses.dataclass(frozen=True)
class Track:
    """One object over time; ``box`` is its last box, carried on by ``velocity`` while it is missed."""

    track_id: int
    box: npt.NDArray[np.float64]  # (4,)
    velocity: npt.NDArray[np.float64]  # (2,) fractions a frame
    age: int = 1
    misses: int = 0

    @property
    def predicted(self) -> npt.NDArray[np.float64]:
        """The box expected in the next frame. ``(4,)``."""
        return self.box + self.velocity[[0, 1, 0, 1]]


def overlaps(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> Overlaps:
    """Intersection over union of each box of ``first`` ``(N, 4)`` with each of ``second`` ``(M, 4)``. ``(N, M)``."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.clip(high - low, 0.0, None), axis=-1)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return np.asarray(common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-12))


class Tracker:
    """Gives every box of every frame the identity of its track."""

    def __init__(self) -> None:
        self._tracks: tuple[Track, ...] = ()
        self._next_id = 0

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The living tracks."""
        return self._tracks

    def reset(self) -> None:
        """Ends all tracks; identities are never used again."""
        self._tracks = ()

    def update(self, boxes: Boxes) -> tuple[Track, ...]:
        """Takes the boxes ``(N, 4)`` of the next frame; returns the track of each, in their order."""
        matches = _match(self._tracks, boxes)
        missed = set(range(len(self._tracks))) - set(matches.values())
        seen = [
            _continued(self._tracks[matches[row]], box) if row in matches else self._born(box)
            for row, box in enumerate(boxes.astype(np.float64))
        ]
        self._tracks = (*seen, *_carried_on([self._tracks[index] for index in sorted(missed)]))
        return tuple(seen)

    def _born(self, box: npt.NDArray[np.float64]) -> Track:
        self._next_id += 1
        return Track(self._next_id, box, np.zeros(2))


def _match(tracks: Sequence[Track], boxes: Boxes) -> dict[int, int]:
    """Index of the track by row of the box, for the pairs that overlap enough."""
    if not tracks or not len(boxes):
        return {}
    overlap = overlaps(boxes, np.stack([track.predicted for track in tracks]))
    rows, columns = linear_sum_assignment(-overlap)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {row: column for row, column in pairs if overlap[row, column] >= _MIN_OVERLAP}


def _continued(track: Track, box: npt.NDArray[np.float64]) -> Track:
    moved = (box[:2] + box[2:] - track.box[:2] - track.box[2:]) / 2
    weight = max(_VELOCITY_WEIGHT, 1.0 / track.age)
    velocity = track.velocity + weight * (moved - track.velocity)
    return Track(track.track_id, box, velocity, track.age + 1)


def _carried_on(tracks: Sequence[Track]) -> list[Track]:
    kept = [track for track in tracks if track.misses < MAX_MISSES]
    return [dataclasses.replace(track, box=track.predicted, misses=track.misses + 1) for track in kept]
