"""How each object moves: dense optical flow at half resolution, read over the object's moving pixels.

Source:
    DIS: Kroeger et al., 2016. https://arxiv.org/abs/1603.03590
"""

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Mask, Picture
from model_zoo.perception.perspective import Boxes

Flow = npt.NDArray[np.float32]  # (h/2, w/2, 2) x right, y down, in half-resolution pixels a frame
Displacements = npt.NDArray[np.float64]  # (N, 3)


class FlowEstimator:
    """Dense flow from the previous picture to the present one."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._dis.setFinestScale(1)  # the preset stops a level earlier, where small people melt into the ground
        self._dis.setPatchStride(6)  # much less work for hardly less precision
        self._previous: Picture | None = None

    def reset(self) -> None:
        """Forgets the previous picture."""
        self._previous = None

    def update(self, picture: Picture, *, is_needed: bool = True) -> Flow | None:
        """Takes the next picture; returns the flow that led to it, None for the first or where not needed."""
        half = np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        previous, self._previous = self._previous, half
        if previous is None or not is_needed:
            return None
        start = np.zeros((*half.shape, 2), np.float32)
        return np.asarray(self._dis.calc(previous, half, start), np.float32)


def displacements(flow: Flow, mask: Mask, boxes: Boxes) -> Displacements:
    """Motion of each box since the previous picture, over its foreground pixels.

    Args:
        flow: ``(h/2, w/2, 2)``.
        mask: Foreground, ``(h, w)``.
        boxes: ``(N, 4)``.

    Returns:
        Mean displacement x, y and median length of displacement of the moving pixels, in pixels of the analysis
        picture; zero where a box holds no foreground. ``(N, 3)``.
    """
    height_px, width_px = flow.shape[:2]
    moving = mask[: 2 * height_px : 2, : 2 * width_px : 2] > 0
    length = np.hypot(flow[..., 0], flow[..., 1])
    field = np.stack([flow[..., 0], flow[..., 1], length])  # (3, h/2, w/2)
    corners = np.rint(boxes * [width_px, height_px, width_px, height_px]).astype(int).tolist()
    motion = np.zeros((len(boxes), 3))
    for row, (left, top, right, bottom) in enumerate(corners):
        window = np.s_[top : max(bottom, top + 1), left : max(right, left + 1)]
        inside = field[:, *window][:, moving[window]]  # (3, P)
        if inside.shape[1]:
            motion[row] = _faster_half(inside)
    return 2.0 * motion


def _faster_half(inside: npt.NDArray[np.float32]) -> tuple[float, float, float]:
    """Mean x, y and median length of the faster half of the displacements ``(3, P)``.

    The slower half is ground between the legs and at the outline, where dense flow fades into stillness.
    """
    order = np.argsort(inside[2])
    faster = inside[:, order[len(order) // 2 :]]
    mean_x, mean_y, _ = faster.mean(axis=1)
    return float(mean_x), float(mean_y), float(faster[2, faster.shape[1] // 2])
