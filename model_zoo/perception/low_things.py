"""Low things at rest: bags on the floor and people who lie, seen for behaviours and never scored.

What is lower than half a person is mostly shadows, feet and specks, so proposals leave it out, and what is scored
would suffer from it. Here it is tracked apart, and told of only once it keeps to its place.

Letters in shapes: N boxes, M boxes of scored objects.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from model_zoo.perception.detector import Detections
from model_zoo.perception.object_kind import OTHER
from model_zoo.perception.perspective import Boxes, Perspective
from model_zoo.perception.proposals import Parts, sizes
from model_zoo.perception.proposer import Look
from model_zoo.perception.tracker import Track, Tracker
from model_zoo.perception.tubelet import Box

MAX_LOW_THINGS = 16
LOOK_EVERY_S = 0.15
"""Shortest time between two looks, which makes every other frame at 10 a second: what matters stays for seconds."""

LEAST_AGE = 2
"""Looks that a low thing must be seen in before it is told of."""

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
        self.reset()

    def reset(self) -> None:
        """Ends all tracks; their numbers are never used again."""
        self._tracker.reset()
        self._things: tuple[LowThing, ...] = ()
        self._looked_s = -math.inf

    def update(self, look: Look, taken: Boxes, instant_s: float) -> tuple[LowThing, ...]:
        """Takes the next frame.

        Args:
            look: The frame.
            taken: Boxes of what is scored, ``(M, 4)``: what lies in them is part of it.
            instant_s: When it was taken, later than the frame before.

        Returns:
            The low things that keep to their place, as last looked at.
        """
        elapsed_s = instant_s - self._looked_s
        if elapsed_s >= LOOK_EVERY_S:
            self._things = self._looked_at(low_boxes(look.parts, taken, self._perspective), look.mask.shape, elapsed_s)
            self._looked_s = instant_s
        return self._things

    def _looked_at(self, boxes: Boxes, shape: tuple[int, ...], elapsed_s: float) -> tuple[LowThing, ...]:
        if not len(boxes) and not self._tracker.tracks:
            return ()
        found = Detections(boxes, np.ones(len(boxes), np.float32), np.full(len(boxes), OTHER))
        _, tracks = self._tracker.update(found)
        speeds = self._speeds(tracks, shape, elapsed_s)
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


def low_boxes(parts: Parts, taken: Boxes, perspective: Perspective) -> Boxes:
    """Boxes of solid foreground lower than half a person, wholly in the picture, the largest first.

    Args:
        parts: Connected parts of the foreground.
        taken: Boxes of what is scored, ``(M, 4)``.
        perspective: Expected heights.

    Returns:
        ``(N, 4)``, at most ``MAX_LOW_THINGS``.
    """
    large = parts.area_px >= _MIN_AREA_PX
    boxes, area_px = parts.boxes[large], parts.area_px[large]
    expected_px, height, width = sizes(boxes, parts.labels.shape, perspective)
    keep = (height > _HEIGHT_BOUNDS[0]) & (height <= _HEIGHT_BOUNDS[1]) & (width < _MOST_WIDTH)
    if not keep.any():  # the usual case
        return boxes[keep]
    area = area_px / expected_px**2
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
