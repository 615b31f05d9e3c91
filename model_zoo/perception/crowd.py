"""Splits a blob of several people into people.

A blob that is too large for one person and too loose for one vehicle is covered, greedily, with boxes of the size a
person has at that place: each time the box that holds the most foreground not yet covered.
"""

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Mask
from model_zoo.perception.perspective import Perspective

BoxPx = tuple[int, int, int, int]  # left, top, right, bottom

MAX_PEOPLE = 12

_WIDTH = 0.5
_STEP_PX = 2
_MIN_FILL = 0.35
_EMPTY_COST = 0.35


def split_crowd(blob: Mask, corner: tuple[int, int], picture_height_px: int, perspective: Perspective) -> list[BoxPx]:
    """Boxes of the people in one blob.

    Args:
        blob: The blob's own foreground inside its box, ``(h, w)``.
        corner: Left and top of the blob's box in the picture, in pixels.
        picture_height_px: Height of the picture.
        perspective: Expected heights.

    Returns:
        Boxes in the picture, in pixels, each as tight as its foreground; none where nobody fits.
    """
    rest = blob.copy()
    left, top = corner
    feet = np.arange(_STEP_PX, blob.shape[0] + 1, _STEP_PX)  # rows below the feet, inside the blob
    expected = perspective.expected_height((feet + top) / picture_height_px) * picture_height_px
    heads = np.maximum(np.rint(feet - expected).astype(int), 0)
    widths = np.maximum(np.rint(expected * _WIDTH).astype(int), 2)
    found: list[BoxPx] = []
    for _ in range(MAX_PEOPLE):
        person = _fullest(rest, feet, heads, widths)
        if person is None:
            break
        window = np.s_[person[1] : person[3], person[0] : person[2]]
        found.append(_tight(blob, person, left, top))
        rest[window] = 0
    return found


def _fullest(
    rest: Mask, feet: npt.NDArray[np.int64], heads: npt.NDArray[np.int64], widths: npt.NDArray[np.int64]
) -> BoxPx | None:
    """The person-sized box with the most foreground, less a cost for what is empty in it."""
    total = cv2.integral(rest)  # (h + 1, w + 1)
    left = np.arange(0, rest.shape[1], _STEP_PX)[None, :]
    right = np.minimum(left + widths[:, None], rest.shape[1])  # (feet, left)
    row, head = feet[:, None], heads[:, None]
    inside = total[row, right] - total[head, right] - total[row, left] + total[head, left]
    area = (feet - heads)[:, None] * widths[:, None]
    gain = inside - _EMPTY_COST * area
    best = np.unravel_index(int(np.argmax(gain)), gain.shape)
    if inside[best] < _MIN_FILL * area[best[0], 0]:
        return None
    return int(left[0, best[1]]), int(heads[best[0]]), int(right[best]), int(feet[best[0]])


def _tight(blob: Mask, box: BoxPx, left: int, top: int) -> BoxPx:
    rows = np.flatnonzero(blob[box[1] : box[3], box[0] : box[2]].any(axis=1)) + box[1]
    columns = np.flatnonzero(blob[box[1] : box[3], box[0] : box[2]].any(axis=0)) + box[0]
    return left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1
