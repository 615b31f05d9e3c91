"""Where objects may be: from an object detector, or from the foreground alone where no detector is configured.

The detector runs every few frames; in between its boxes are carried on by the flow inside them. Only what moves counts:
a box over furniture, a lamp or a parked car holds no foreground and is dropped.

Letters in shapes: N objects.
"""

import dataclasses
import functools
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Frame, Mask
from model_zoo.perception.detector import MIN_CONFIDENCE, Detections
from model_zoo.perception.flow import Flow, displacements
from model_zoo.perception.object_kind import PERSON, kind_by_shape
from model_zoo.perception.perspective import Boxes, Perspective
from model_zoo.perception.proposals import Parts, blob_boxes, components, sizes

MIN_MOVING_SHARE = 0.12
"""Share of a box that must be foreground."""

_HEIGHT_BOUNDS = (0.5, 3.5)
_MOST_SIDE_SHARE = 0.85
_BORDER_FRACTION = 0.006
_SLIVER_ASPECT = 0.3
_SLIVER_WIDTH = 0.4
_TALL_SLIVER = (1.7, 0.6)
_LOW_AT_BOTTOM = 0.6
_HELD_SHARE = 0.7


@dataclasses.dataclass(frozen=True)
class Look:
    """One frame as proposals are drawn from it."""

    frame: Frame
    mask: Mask
    flow: Flow | None
    """From the frame before; ``None`` for the first."""

    @functools.cached_property
    def parts(self) -> Parts:
        """The connected parts of the mask."""
        return components(self.mask)


class ObjectDetector(Protocol):
    """Finds objects in one picture."""

    def detect(self, frame: Frame, min_confidence: float = ...) -> Detections:
        """Finds objects of all classes."""


class Proposer(Protocol):
    """Proposes objects frame by frame."""

    @property
    def follows_edges(self) -> bool:
        """Whether the edges of a box keep to the object well enough to tell its speed by."""

    def propose(self, look: Look) -> Detections:
        """The objects of the next frame; confidence is 0 where a box was only carried on."""

    def reset(self) -> None:
        """Forgets the frames before."""


class BlobProposer:
    """Objects are the blobs of the foreground; their kind is a guess by size."""

    follows_edges = True

    def __init__(self, perspective: Perspective) -> None:
        self._perspective = perspective

    def reset(self) -> None:
        """Nothing is kept between frames."""

    def propose(self, look: Look) -> Detections:
        """The blobs, each with full confidence in its box."""
        boxes = blob_boxes(look.parts, self._perspective)
        _, height, width = sizes(boxes, look.mask.shape, self._perspective)
        return Detections(boxes, np.ones(len(boxes), np.float32), kind_by_shape(height, width))


class DetectorProposer:
    """Objects are what a detector finds every ``every`` frames, carried on by flow in between.

    Args:
        detector: Finds objects in one picture.
        perspective: Expected heights.
        every: The detector runs on each so many frames.
        min_confidence: Least confidence of a detection, in ``(0, 1)``.

    Raises:
        ValueError: ``every`` is less than 1.
    """

    follows_edges = False

    def __init__(
        self, detector: ObjectDetector, perspective: Perspective, every: int, min_confidence: float = MIN_CONFIDENCE
    ) -> None:
        if every < 1:
            raise ValueError(f"expected to detect on every first frame at least, got every {every}")
        self._detector, self._perspective = detector, perspective
        self._every, self._min_confidence = every, min_confidence
        self.reset()

    def reset(self) -> None:
        """Detects afresh on the next frame."""
        self._carried = _NOTHING
        self._until_detection = 0

    def propose(self, look: Look) -> Detections:
        """Detects, or carries the last boxes on; a still picture costs neither."""
        if self._until_detection and look.flow is not None:
            found = _carried_on(self._carried, look, look.flow)
            self._until_detection -= 1
        elif look.mask.any():
            found = self._detector.detect(look.frame, self._min_confidence)
            self._until_detection = self._every - 1
        else:
            found = _NOTHING
        keep = is_plausible(found.boxes, look.mask.shape, self._perspective) & ~is_group(found)
        keep &= moving_share(found.boxes, look.mask) > MIN_MOVING_SHARE
        self._carried = found.select(keep)
        return self._carried


_NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


def _carried_on(detections: Detections, look: Look, flow: Flow) -> Detections:
    """The boxes moved by the flow inside them; their confidence is 0, for nothing new was seen."""
    height_px, width_px = look.mask.shape
    moved = displacements(flow, detections.boxes, look.mask.shape)[:, :2] / [width_px, height_px]
    boxes = np.asarray(detections.boxes + moved[:, [0, 1, 0, 1]], np.float32)
    return Detections(boxes, np.zeros(len(boxes), np.float32), detections.kind)


def moving_share(boxes: Boxes, mask: Mask) -> npt.NDArray[np.float64]:
    """Share of each box that is foreground; 0 for a box outside the picture. ``(N,)``."""
    height_px, width_px = mask.shape
    total = cv2.integral(mask)  # (h + 1, w + 1)
    corners = np.clip(np.rint(boxes * [width_px, height_px, width_px, height_px]), 0, [width_px, height_px] * 2)
    left, top, right, bottom = corners.astype(np.int64).T
    inside = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    return np.asarray(inside / np.maximum((right - left) * (bottom - top), 1))


def is_group(detections: Detections) -> npt.NDArray[np.bool_]:
    """Which boxes called a person hold two people and more: a row of heads and legs that only looks like one.

    What is called a vehicle may hold people, they sit in it. ``(N,)``.
    """
    boxes = detections.boxes
    is_person = detections.kind == PERSON
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.prod(np.clip(high - low, 0.0, None), axis=-1)  # (N, N)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    holds = (common > _HELD_SHARE * area[None]) & (area[:, None] > area[None]) & is_person[None]
    return np.asarray(is_person & (holds.sum(axis=1) > 1))


def is_plausible(boxes: Boxes, shape: tuple[int, ...], perspective: Perspective) -> npt.NDArray[np.bool_]:
    """Which detected boxes can be one whole object, by their size for their place.

    What is dropped: boxes over several people at once, specks, and at the border slivers of what is mostly outside.

    Args:
        boxes: ``(N, 4)``.
        shape: Height and width of the analysis picture.
        perspective: Expected heights.
    """
    _, height, width = sizes(boxes, shape, perspective)
    keep = (height > _HEIGHT_BOUNDS[0]) & (height < _HEIGHT_BOUNDS[1])
    keep &= ((boxes[:, 2:] - boxes[:, :2]) < _MOST_SIDE_SHARE).any(axis=1)
    at_side = (boxes[:, 0] < _BORDER_FRACTION) | (boxes[:, 2] > 1 - _BORDER_FRACTION)
    is_sliver = (width < _SLIVER_ASPECT * height) | (width < _SLIVER_WIDTH)
    is_sliver |= (height > _TALL_SLIVER[0]) & (width < _TALL_SLIVER[1])
    at_bottom = boxes[:, 3] > 1 - _BORDER_FRACTION
    return np.asarray(keep & ~(at_side & is_sliver) & ~(at_bottom & (height < _LOW_AT_BOTTOM)))
