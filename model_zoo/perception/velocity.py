"""How fast an object moves: the median of three witnesses.

Dense flow is precise for walkers but loses fast people: it saw half of a runner's speed. The edges of a track's boxes
do follow runners, but jump where blobs merge and part. Per axis, the median of the flow and of both edges' speeds
outvotes whichever is wrong.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model_zoo.perception.perspective import Boxes
from model_zoo.perception.tracker import Track

EdgeSpeeds = npt.NDArray[np.float64]  # (N, 4) left, top, right, bottom; NaN where a track is too young
Velocities = npt.NDArray[np.float64]  # (N, 2)

WINDOW_STEPS = 6
MIN_STEPS = 4


class EdgeTracker:
    """Remembers the last boxes of every track."""

    def __init__(self) -> None:
        self._paths: dict[int, deque[npt.NDArray[np.float64]]] = {}

    def reset(self) -> None:
        """Forgets all tracks."""
        self._paths.clear()

    def update(self, tracks: Sequence[Track], alive: set[int], boxes: Boxes, instant_s: float) -> EdgeSpeeds:
        """Takes the next boxes.

        Args:
            tracks: The track of each box.
            alive: Identities worth remembering.
            boxes: ``(N, 4)``.
            instant_s: When they were seen.

        Returns:
            Least-squares speed of each edge over the track's last boxes, in fractions of the picture a second.
        """
        self._paths = {track_id: path for track_id, path in self._paths.items() if track_id in alive}
        speeds = np.full((len(boxes), 4), np.nan)
        for row, (track, box) in enumerate(zip(tracks, boxes, strict=True)):
            path = self._paths.setdefault(track.track_id, deque(maxlen=WINDOW_STEPS))
            path.append(np.array([instant_s, *box], dtype=np.float64))
            if len(path) >= MIN_STEPS:
                speeds[row] = _slopes(np.stack(path))
        return speeds


def fused_velocity(flow: Velocities, edges: EdgeSpeeds) -> Velocities:
    """Per axis the median of the flow and both edges; the flow alone where a track is too young.

    Args:
        flow: x right, y down. ``(N, 2)``.
        edges: In the same unit. ``(N, 4)``.

    Returns:
        ``(N, 2)``.
    """
    witnesses = np.stack([flow, edges[:, :2], edges[:, 2:]])  # (3, N, 2)
    return np.where(np.isnan(edges[:, :2]), flow, np.median(witnesses, axis=0))


def _slopes(path: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    elapsed_s = path[:, 0] - path[:, 0].mean()  # (P,)
    return np.asarray(elapsed_s @ path[:, 1:] / (elapsed_s @ elapsed_s))
