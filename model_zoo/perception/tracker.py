"""A small tracker: boxes of one frame are assigned to the tracks whose prediction they overlap most.

* A track follows a straight line through its last boxes: its speed is the line's, not the noise of the last step.
* What the detector is sure of chooses first. The rest may continue a track that is left, never begin one.
* A track without a box moves on along its line and is found again within ``MAX_MISSES`` frames; a young one ends.

Letters in shapes: N boxes, T tracks.

Source:
    Two stages by confidence: Zhang et al., 2022. https://arxiv.org/abs/2110.06864
    Gains of a line fitted step by step: Brookner, 1998, Tracking and Kalman Filtering Made Easy, section 1.2.10.
"""

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from model_zoo.perception.detector import Detections
from model_zoo.perception.perspective import Boxes

Overlaps = npt.NDArray[np.float64]  # (N, M)
Indices = npt.NDArray[np.int64]  # (N,)

MAX_MISSES = 12
"""Frames without a box that a track outlives."""

LOST_MISSES = 3
"""After more frames without a box an object is measured anew when it is found again: who it is may be told from where
it is, but not how it moves and what it looks like now."""

SURE_CONFIDENCE = 0.15
"""Least confidence of a box that begins a track. With 0.3 fewer identities switch, and alarms find less: ADR 8."""

_YOUNG_AGE = 4
_MIN_OVERLAP = 0.1
_LINE_BOXES = 6


@dataclasses.dataclass(frozen=True)
class Track:
    """One object over time.

    ``place`` is its box in the last frame as its line has it, seen or not. ``age`` counts its observations from 1,
    ``in_sight`` those since it was last lost, ``misses`` the frames since the last.
    """

    track_id: int
    place: npt.NDArray[np.float64]  # (4,)
    velocity: npt.NDArray[np.float64]  # (2,) fractions a frame
    age: int = 1
    in_sight: int = 1
    misses: int = 0

    @property
    def predicted(self) -> npt.NDArray[np.float64]:
        """The box expected in the next frame. ``(4,)``."""
        return self.place + self.velocity[[0, 1, 0, 1]]

    @property
    def is_lost(self) -> bool:
        """Whether it is to be measured anew when it is found again."""
        return self.misses > LOST_MISSES

    @property
    def has_ended(self) -> bool:
        """Whether it was missed for too long; what was missed when hardly begun was most likely nothing."""
        return self.misses > (MAX_MISSES if self.age >= _YOUNG_AGE else 0)

    def continued(self, box: npt.NDArray[np.float64]) -> "Track":
        """The track after it was seen in the next frame, its line turned to the box as least squares would turn it."""
        count = min(self.age + 1, _LINE_BOXES)
        place_gain = 2 * (2 * count - 1) / (count * (count + 1))
        speed_gain = 6 / (count * (count + 1) * (self.misses + 1))
        predicted = self.predicted
        error = box - predicted  # (4,)
        velocity = self.velocity + speed_gain * (error[:2] + error[2:]) / 2
        in_sight = 1 if self.is_lost else self.in_sight + 1
        return Track(self.track_id, predicted + place_gain * error, velocity, self.age + 1, in_sight)

    def missed(self) -> "Track":
        """The track after it was not seen in the next frame."""
        return dataclasses.replace(self, place=self.predicted, misses=self.misses + 1)


def overlaps(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> Overlaps:
    """Intersection over union of each box of ``first`` ``(N, 4)`` with each of ``second`` ``(M, 4)``. ``(N, M)``."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0.0)  # (N, M, 2)
    common = sides[..., 0] * sides[..., 1]
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    return np.asarray(common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-12))


class Tracker:
    """Gives the boxes of every frame the identity of their track."""

    def __init__(self) -> None:
        self._tracks: tuple[Track, ...] = ()
        self._next_id = 0

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The living tracks, seen in the last frame or not."""
        return self._tracks

    def reset(self) -> None:
        """Ends all tracks; identities are never used again."""
        self._tracks = ()

    def update(self, found: Detections) -> tuple[Detections, tuple[Track, ...]]:
        """Takes what was found in the next frame.

        Returns:
            The part of it that has a track, in the same order, and the track of each: what is unsure and continues
            none is left out.
        """
        is_sure = found.confidence >= SURE_CONFIDENCE
        index = _matched(found.boxes, is_sure, self._tracks)  # (N,)
        missed = set(range(len(self._tracks))) - set(index.tolist())
        kept = is_sure | (index >= 0)
        found = found.select(kept)
        seen = tuple(
            self._tracks[known].continued(box) if known >= 0 else self._born(box)
            for known, box in zip(index[kept].tolist(), found.boxes.astype(np.float64), strict=True)
        )
        waiting = [self._tracks[one].missed() for one in sorted(missed)]
        self._tracks = (*seen, *(track for track in waiting if not track.has_ended))
        return found, seen

    def _born(self, box: npt.NDArray[np.float64]) -> Track:
        self._next_id += 1
        return Track(self._next_id, box, np.zeros(2))


def _matched(boxes: Boxes, is_sure: npt.NDArray[np.bool_], tracks: tuple[Track, ...]) -> Indices:
    """Index of each box's track, -1 where no free one overlaps enough; sure boxes choose first. ``(N,)``."""
    index = np.full(len(boxes), -1)
    if not tracks:
        return index
    overlap = overlaps(boxes, np.stack([track.predicted for track in tracks]))  # (N, T)
    overlap[overlap < _MIN_OVERLAP] = 0.0
    for stage in (np.flatnonzero(is_sure), np.flatnonzero(~is_sure)):
        rows, columns = linear_sum_assignment(overlap[stage], maximize=True)
        is_match = overlap[stage[rows], columns] > 0.0
        index[stage[rows[is_match]]] = columns[is_match]
        overlap[:, columns[is_match]] = 0.0
    return index
