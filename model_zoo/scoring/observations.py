"""What was measured of every object of one clip: the rows that normality is fitted to and scored on.

Letters in shapes: R rows (one object in one frame), F features, C contexts.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from model_zoo.normality.features import Features
from model_zoo.perception.object_kind import Votes
from model_zoo.perception.perspective import Boxes


@dataclasses.dataclass(frozen=True)
class Observations:
    """Arrays of equal first length, one row per object and frame, in order of frames."""

    frame: npt.NDArray[np.int64]  # (R,) from 0
    track_id: npt.NDArray[np.int64]  # (R,)
    age: npt.NDArray[np.int64]  # (R,) observations of the track since it was last lost
    boxes: Boxes  # (R, 4)
    features: Features  # (R, F), columns as MOTION_FEATURES
    votes: Votes  # (R, len(KINDS))
    network: npt.NDArray[np.float64]  # (R,) score of the network; 0 where there is none
    oddity: npt.NDArray[np.float64]  # (R,) that of its last head; 0 where there is none
    context: npt.NDArray[np.int64]  # (R,)

    def __len__(self) -> int:
        return len(self.frame)

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Observations":
        """The rows given by indices or mask, in that order."""
        return Observations(*(values[rows] for values in self.columns()))

    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """The arrays in the order of the fields."""
        return tuple(getattr(self, field.name) for field in dataclasses.fields(self))


def joined(parts: Sequence[Observations]) -> Observations:
    """Rows of several in their order.

    Raises:
        ValueError: there is no part.
    """
    if not parts:
        raise ValueError("expected at least one set of observations")
    return Observations(*(np.concatenate(column) for column in zip(*(part.columns() for part in parts), strict=True)))
