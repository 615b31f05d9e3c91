"""Exposure: how long a camera was watched at each moment, whether or not anything moved.

Training draws foreign contexts from it, so that a context in which nothing ever appears is foreign to everything.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True)
class Exposure:
    """Moments that were watched; arrays of equal first length."""

    context: npt.NDArray[np.float32]  # (R, C)
    state: npt.NDArray[np.int64]  # (R,)
    watched_s: npt.NDArray[np.float64]  # (R,)

    def __len__(self) -> int:
        return len(self.context)


def join_exposures(parts: Sequence[Exposure]) -> Exposure:
    """Joins exposures in order.

    Raises:
        ValueError: ``parts`` is empty.
    """
    if not parts:
        raise ValueError("expected at least one exposure")
    return Exposure(
        np.concatenate([part.context for part in parts]),
        np.concatenate([part.state for part in parts]),
        np.concatenate([part.watched_s for part in parts]),
    )
