"""From a foreground mask to boxes of single objects.

Blobs of implausible size for their place are dropped (specks, slivers at the border), blobs wider than a person
are split into people where the foreground is thin between them. Sizes are in expected heights at the blob's foot.
"""

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Mask
from model_zoo.perception.perspective import Boxes, Perspective

MAX_OBJECTS = 64

_HEIGHT_BOUNDS = (0.45, 3.5)
_MIN_AREA = 0.06
_MIN_FILL = 0.2
_BORDER_FRACTION = 0.006
_MIN_BORDER_WIDTH = 0.2


def blob_boxes(mask: Mask, perspective: Perspective) -> Boxes:
    """Boxes of the plausible blobs of a foreground mask, the largest ``MAX_OBJECTS`` at most.

    Args:
        mask: ``(h, w)``, 1 is foreground.
        perspective: Expected heights.

    Returns:
        ``(N, 4)``.
    """
    boxes, area = component_boxes(mask)
    keep = _is_plausible(boxes, area, mask.shape, perspective)
    order = np.argsort(-area[keep], kind="stable")[:MAX_OBJECTS]
    return np.asarray(boxes[keep][order], np.float32)


def component_boxes(mask: Mask) -> tuple[Boxes, npt.NDArray[np.float32]]:
    """Boxes ``(N, 4)`` and areas in pixels ``(N,)`` of all connected parts of a mask, whatever their size."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    left, top, width, height, area = stats[1:].T.astype(np.float32)
    corners_px = np.stack([left, top, left + width, top + height], axis=1)
    return np.asarray(corners_px / _corner_scale(mask), np.float32), np.asarray(area)


def _corner_scale(mask: Mask) -> npt.NDArray[np.float32]:
    height, width = mask.shape
    return np.array([width, height, width, height], np.float32)


def _is_plausible(
    boxes: Boxes, area_px: npt.NDArray[np.float32], shape: tuple[int, ...], perspective: Perspective
) -> npt.NDArray[np.bool_]:
    height_px, width_px = shape
    expected_px = perspective.expected_height(boxes[:, 3]) * height_px
    height = (boxes[:, 3] - boxes[:, 1]) * height_px / expected_px
    width = (boxes[:, 2] - boxes[:, 0]) * width_px / expected_px
    area = area_px / expected_px**2
    solid = (area > _MIN_AREA) & (area > _MIN_FILL * height * width)
    tall = (height > _HEIGHT_BOUNDS[0]) & (height < _HEIGHT_BOUNDS[1])
    at_side = (boxes[:, 0] < _BORDER_FRACTION) | (boxes[:, 2] > 1 - _BORDER_FRACTION)
    return np.asarray(solid & tall & ~(at_side & (width < _MIN_BORDER_WIDTH)))
