"""Tracks drawn by hand: who is where, and who was found there."""

import numpy as np
import numpy.typing as npt

from model_zoo.datasets.clip import TrueTracks
from model_zoo.evaluation.track_figures import FoundTracks

Seen = dict[int, float]
"""Left edge of each identity's box, which is 0.1 wide and the picture high."""


def _boxes(seen: Seen) -> npt.NDArray[np.float64]:
    return np.array([(left, 0.0, left + 0.1, 1.0) for left in seen.values()]).reshape(-1, 4)


def clip(*frames: tuple[Seen, Seen]) -> list[tuple[TrueTracks, FoundTracks]]:
    """Truth and tracks of each frame."""
    return [
        (
            TrueTracks(np.array(list(truth), np.int64), _boxes(truth)),
            FoundTracks(np.array(list(found), np.int64), _boxes(found).astype(np.float32)),
        )
        for truth, found in frames
    ]
