"""What an object looks like, whatever the light: directions of edges by place, over one crop.

Source:
    Dalal and Triggs, 2005, Histograms of oriented gradients for human detection.
"""

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.tubelet import CROP_SIDE

Outlines = npt.NDArray[np.float32]  # (N, A) of unit length, or zero for a crop without an edge

_BLOCK, _CELL, _NUM_DIRECTIONS = (32, 32), (16, 16), 9
_SMOOTHING_PX = (5, 5)  # a small person's crop is scaled up, and by night most of its edges are noise
_HOG = cv2.HOGDescriptor((CROP_SIDE, CROP_SIDE), _BLOCK, _CELL, _CELL, _NUM_DIRECTIONS)
OUTLINE_SIZE = int(_HOG.getDescriptorSize())


def outlines(crops: npt.NDArray[np.uint8]) -> Outlines:
    """The outline of each crop; the scalar product of two is their likeness, 1 for the same.

    Args:
        crops: ``(N, S, S)``; none is allowed.
    """
    found = np.zeros((len(crops), OUTLINE_SIZE), np.float32)
    for row, crop in enumerate(crops):
        smooth = cv2.GaussianBlur(np.ascontiguousarray(crop), _SMOOTHING_PX, 0)
        found[row] = np.asarray(_HOG.compute(smooth)).ravel()
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.float32(1e-6)))
