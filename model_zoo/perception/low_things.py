"""Low things at rest: bags on the floor and people who lie, seen for behaviours and never scored.

What is lower than half a person is mostly shadows, feet and specks, so proposals leave it out, and what is scored
would suffer from it. Here it is tracked apart, and told of only once it keeps to its place.

Letters in shapes: N boxes, M boxes of scored objects.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Mask
from model_zoo.perception.detector import Detections
from model_zoo.perception.object_kind import OTHER
from model_zoo.perception.perspective import Boxes, Perspective
from model_zoo.perception.proposals import components, sizes
from model_zoo.perception.tracker import Track, Tracker
from model_zoo.perception.tubelet import Box

MAX_LOW_THINGS = 16
LEAST_AGE = 3
"""Frames in sight before a low thing is told of."""

_HEIGHT_BOUNDS = (0.12, 0.5)
_MOST_WIDTH = 1.7
_MIN_AREA = 0.03
_MIN_AREA_PX = 24.0
_MIN_FILL = 0.35
_MOST_TAKEN_SHARE = 0.5
_BORDER_FRACTION = 0.01
_MOST_SPEED = 0.5  # expected heights a second: a third of a stroll


@dataclasses.dataclass(frozen=True)
class LowThing:
    """One low thing in one frame."""

    track_id: int
    """Below 0: no scored object has such a number."""
    box: Box
    speed: float
    """Of the box's middle, in expected heights a second."""


class LowThings:
    """Follows the low things of one camera.

    Args:
        perspective: Expected heights.
    """

    def __init__(self, perspective: Perspective) -> None:
        self._perspective = perspective
        self._tracker = Tracker()

    def reset(self) -> None:
        """Ends all tracks; their numbers are never used again."""
        self._tracker.reset()

    def update(self, mask: Mask, taken: Boxes, elapsed_s: float) -> tuple[LowThing, ...]:
        """Takes the foreground of the next frame.

        Args:
            mask: ``(h, w)``, 1 is foreground.
            taken: Boxes of what is scored, ``(M, 4)``: what lies in them is part of it.
            elapsed_s: Seconds since the frame before, > 0.

        Returns:
            The low things that keep to their place.
        """
        boxes = low_boxes(mask, taken, self._perspective)
        if not len(boxes) and not self._tracker.tracks:
            return ()
        found = Detections(boxes, np.ones(len(boxes), np.float32), np.full(len(boxes), OTHER))
        _, tracks = self._tracker.update(found)
        speeds = self._speeds(tracks, mask.shape, elapsed_s)
        return tuple(
            LowThing(-track.track_id, box, speed)
            for track, box, speed in zip(tracks, boxes, speeds, strict=True)
            if track.in_sight >= LEAST_AGE and speed <= _MOST_SPEED
        )

    def _speeds(self, tracks: tuple[Track, ...], shape: tuple[int, ...], elapsed_s: float) -> list[float]:
        height_px, width_px = shape
        velocity = np.array([track.velocity for track in tracks]).reshape(-1, 2) * [width_px / height_px, 1.0]
        expected = self._perspective.expected_height(np.array([track.place[3] for track in tracks]))
        return [float(speed) for speed in np.hypot(*velocity.T) / (expected * elapsed_s)]


def low_boxes(mask: Mask, taken: Boxes, perspective: Perspective) -> Boxes:
    """Boxes of solid foreground lower than half a person, wholly in the picture, the largest first.

    Args:
        mask: ``(h, w)``, 1 is foreground.
        taken: Boxes of what is scored, ``(M, 4)``.
        perspective: Expected heights.

    Returns:
        ``(N, 4)``, at most ``MAX_LOW_THINGS``.
    """
    _, boxes, area_px = components(mask)
    large = area_px >= _MIN_AREA_PX
    boxes, area_px = boxes[large], area_px[large]
    if not len(boxes):
        return boxes
    expected_px, height, width = sizes(boxes, mask.shape, perspective)
    area = area_px / expected_px**2
    keep = (height > _HEIGHT_BOUNDS[0]) & (height <= _HEIGHT_BOUNDS[1]) & (width < _MOST_WIDTH)
    keep &= (area > _MIN_AREA) & (area > _MIN_FILL * height * width)
    keep &= (boxes[:, 0] > _BORDER_FRACTION) & (boxes[:, 2:] < 1 - _BORDER_FRACTION).all(axis=1)
    boxes, area_px = boxes[keep], area_px[keep]
    free = _taken_share(boxes, taken) <= _MOST_TAKEN_SHARE
    order = np.argsort(-area_px[free], kind="stable")[:MAX_LOW_THINGS]
    return np.asarray(boxes[free][order], np.float32)


def _taken_share(boxes: Boxes, taken: Boxes) -> npt.NDArray[np.float64]:
    """The largest share of each box that lies in one of those taken. ``(N,)``."""
    low = np.maximum(boxes[:, None, :2], taken[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], taken[None, :, 2:])
    common = np.prod(np.clip(high - low, 0.0, None), axis=-1)  # (N, M)
    return np.asarray(common.max(axis=1, initial=0.0) / np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
