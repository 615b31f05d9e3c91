"""How each object moves: points on what moves are found again in the picture before, object by object.

Sparse flow at full resolution costs about a millisecond, and keeps to small people where dense flow at half resolution
melts into the ground (docs/adr/0008).

Source:
    Pyramidal Lucas-Kanade: Bouguet, 2000, Intel Corporation technical report.
"""

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Mask, Picture
from model_zoo.perception.perspective import Boxes

Displacements = npt.NDArray[np.float64]  # (N, 4)

_STEP_PX = 4
_MAX_POINTS = 1500
_MIN_LOW_POINTS = 3
_WINDOW_PX = (9, 9)
_NUM_LEVELS = 3
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 6, 0.03)


@dataclasses.dataclass(frozen=True)
class Flow:
    """Where points of the foreground came from, in pixels of the analysis picture."""

    points: npt.NDArray[np.float32]  # (P, 2) x, y now
    shift: npt.NDArray[np.float32]  # (P, 2) x right, y down, since the picture before


class FlowEstimator:
    """Flow from the previous picture to the present one."""

    def __init__(self) -> None:
        self._previous: Picture | None = None

    def reset(self) -> None:
        """Forgets the previous picture."""
        self._previous = None

    def update(self, picture: Picture, mask: Mask) -> Flow | None:
        """Takes the next picture.

        Args:
            picture: ``(h, w)`` grey.
            mask: Its foreground, ``(h, w)``; only points on it are followed.

        Returns:
            The flow that led to it; ``None`` for the first picture.
        """
        previous, self._previous = self._previous, picture
        if previous is None:
            return None
        points = _grid_points(mask)
        if not len(points):
            return Flow(points, points)
        before, is_found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]  # None: no first guess
            picture, previous, points[:, None], None, winSize=_WINDOW_PX, maxLevel=_NUM_LEVELS - 1, criteria=_STOP
        )
        found = (is_found.ravel() > 0) & _is_inside(before[:, 0], picture.shape)
        return Flow(points[found], points[found] - before[found, 0])


def _is_inside(points: npt.NDArray[np.float32], size: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which points are in the picture."""
    return np.asarray(((points >= 0) & (points <= [size[1] - 1, size[0] - 1])).all(axis=1))


def _grid_points(mask: Mask) -> npt.NDArray[np.float32]:
    """Foreground points on a grid, thinned out where there are too many. ``(P, 2)``."""
    rows, columns = np.nonzero(mask[::_STEP_PX, ::_STEP_PX])
    points = np.stack([columns, rows], axis=1).astype(np.float32) * _STEP_PX
    return points[:: -(-len(points) // _MAX_POINTS)] if len(points) else points


def displacements(flow: Flow, boxes: Boxes, size: tuple[int, int]) -> Displacements:
    """Motion of each box since the previous picture, over the points inside it.

    Args:
        flow: Of the present picture.
        boxes: ``(N, 4)``.
        size: Height and width of the analysis picture.

    Returns:
        Median displacement x, median displacement y, median length of displacement, and articulation: the median
        distance of displacements in the lower half from the object's. All in pixels of the analysis picture; zero where
        a box holds no point. ``(N, 4)``.
    """
    height_px, width_px = size
    corners = boxes * [width_px, height_px, width_px, height_px]
    x, y = flow.points.T
    motion = np.zeros((len(boxes), 4))
    for row, (left, top, right, bottom) in enumerate(corners):
        inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        if inside.any():
            motion[row] = _summary(flow.shift[inside], y[inside] > (top + bottom) / 2)
    return motion


def _summary(shift: npt.NDArray[np.float32], is_low: npt.NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """A walker's legs swing about the body's motion, which tells walking from riding and rolling."""
    middle = _median(shift)
    away = np.hypot(*(shift - middle).T)
    lower = away[is_low] if np.count_nonzero(is_low) >= _MIN_LOW_POINTS else away
    return float(middle[0]), float(middle[1]), float(_median(np.hypot(*shift.T))), float(_median(lower))


def _median(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Along the first axis. NumPy's own takes ten times as long over so few values."""
    ordered, last = np.sort(values, axis=0), len(values) - 1
    return np.asarray((ordered[last // 2] + ordered[(last + 1) // 2]) / 2)
