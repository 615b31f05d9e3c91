"""From a foreground mask to boxes of single objects.

Blobs of implausible size for their place are dropped (specks, slivers at the border), blobs wider than a person
are split into people where the foreground is thin between them. Sizes are in expected heights at the blob's foot.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Mask
from model_zoo.perception.crowd import split_crowd
from model_zoo.perception.perspective import Boxes, Perspective
from model_zoo.perception.tubelet import Box

Areas = npt.NDArray[np.float32]  # (N,) pixels
Sizes = npt.NDArray[np.float64]  # (N,)
Keep = npt.NDArray[np.bool_]  # (N,)

MAX_OBJECTS = 64

_HEIGHT_BOUNDS = (0.5, 3.5)
_MIN_AREA = 0.06
_MIN_FILL = 0.2
_BORDER_FRACTION = 0.006
_MIN_BORDER_WIDTH = 0.2
_PERSON_HEIGHT = 1.5
_PERSON_WIDTH = 1.1
_VEHICLE_FILL = 0.6


class Parts(NamedTuple):
    """The connected parts of a mask, whatever their size."""

    labels: npt.NDArray[np.int32]  # (h, w) number of the part from 1 at each pixel
    boxes: Boxes  # (N, 4)
    area_px: Areas  # (N,)


def blob_boxes(parts: Parts, perspective: Perspective) -> Boxes:
    """Boxes of the objects in a foreground mask, the largest ``MAX_OBJECTS`` at most.

    Args:
        parts: Of the mask.
        perspective: Expected heights.

    Returns:
        ``(N, 4)``.
    """
    labels, boxes, area_px = parts
    is_crowd = _is_crowd(boxes, area_px, labels.shape, perspective)
    for index in np.flatnonzero(is_crowd):
        people, people_area_px = _people(labels, int(index), boxes[index], perspective)
        boxes, area_px = np.concatenate([boxes, people]), np.concatenate([area_px, people_area_px])
    keep = _is_plausible(boxes, area_px, labels.shape, perspective)
    keep[: len(is_crowd)] &= ~is_crowd
    order = np.argsort(-area_px[keep], kind="stable")[:MAX_OBJECTS]
    return np.asarray(boxes[keep][order], np.float32)


def components(mask: Mask) -> Parts:
    """The connected parts of a mask ``(h, w)``, 1 being foreground."""
    parts = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, cv2.CV_32S, cv2.CCL_BBDT)  # half the default's time
    _, labels, stats, _ = parts
    left, top, width, height, area = stats[1:].T.astype(np.float32)
    corners_px = np.stack([left, top, left + width, top + height], axis=1)
    return Parts(
        np.asarray(labels, np.int32),
        np.asarray(corners_px / _corner_scale(mask.shape), np.float32),
        np.asarray(area),
    )


def _corner_scale(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    height, width = shape
    return np.array([width, height, width, height], np.float32)


def sizes(boxes: Boxes, shape: tuple[int, ...], perspective: Perspective) -> tuple[Sizes, Sizes, Sizes]:
    """Expected height in pixels, then height and width as multiples of it. ``(N,)`` each."""
    expected_px = perspective.expected_height(boxes[:, 3]) * shape[0]
    height = (boxes[:, 3] - boxes[:, 1]) * shape[0] / expected_px
    width = (boxes[:, 2] - boxes[:, 0]) * shape[1] / expected_px
    return expected_px, height, width


def _is_crowd(boxes: Boxes, area_px: Areas, shape: tuple[int, ...], perspective: Perspective) -> Keep:
    expected_px, height, width = sizes(boxes, shape, perspective)
    is_loose = area_px / expected_px**2 < _VEHICLE_FILL * height * width
    return np.asarray(is_loose & ((height > _PERSON_HEIGHT) | (width > _PERSON_WIDTH)))


def _people(labels: npt.NDArray[np.int32], index: int, box: Box, perspective: Perspective) -> tuple[Boxes, Areas]:
    """Boxes and areas of the people in one component."""
    scale = _corner_scale(labels.shape)
    left, top, right, bottom = np.rint(box * scale).astype(int).tolist()
    blob = (labels[top:bottom, left:right] == index + 1).astype(np.uint8)
    found = split_crowd(blob, (left, top), len(labels), perspective)
    area_px = [
        np.count_nonzero(blob[low_y - top : high_y - top, low_x - left : high_x - left])
        for low_x, low_y, high_x, high_y in found
    ]
    return np.array(found, np.float32).reshape(-1, 4) / scale, np.array(area_px, np.float32)


def _is_plausible(boxes: Boxes, area_px: Areas, shape: tuple[int, ...], perspective: Perspective) -> Keep:
    expected_px, height, width = sizes(boxes, shape, perspective)
    area = area_px / expected_px**2
    solid = (area > _MIN_AREA) & (area > _MIN_FILL * height * width)
    tall = (height > _HEIGHT_BOUNDS[0]) & (height < _HEIGHT_BOUNDS[1])
    at_side = (boxes[:, 0] < _BORDER_FRACTION) | (boxes[:, 2] > 1 - _BORDER_FRACTION)
    return np.asarray(solid & tall & ~(at_side & (width < _MIN_BORDER_WIDTH)))
