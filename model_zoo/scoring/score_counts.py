"""Counts of frame scores, from which sites read one alarm threshold together without showing a single score."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from model_zoo.errors import NormalityError
from model_zoo.scoring.frame_score import MOST_SURPRISE

Scores = npt.NDArray[np.float64]  # (N,)

BIN_WIDTH = 0.001
"""Frame scores are told apart by thousandths; a score of 0, a frame without objects, has a bin of its own."""
NUM_BINS = math.ceil(MOST_SURPRISE / BIN_WIDTH) + 1


@dataclasses.dataclass(frozen=True)
class ScoreCounts:
    """How many frames scored about a multiple of ``BIN_WIDTH``. Adding two is pooling their frames."""

    counts: npt.NDArray[np.int64]  # (NUM_BINS,)

    @classmethod
    def of(cls, scores: Scores) -> "ScoreCounts":
        """Counts frame scores.

        Args:
            scores: From 0 to ``MOST_SURPRISE``; none is allowed. ``(N,)``.

        Raises:
            NormalityError: A score is not finite, or outside its range.
        """
        bins = np.rint(scores / BIN_WIDTH)
        if not ((bins >= 0) & (bins < NUM_BINS)).all():
            raise NormalityError(f"expected frame scores from 0 to {MOST_SURPRISE}")
        return cls(np.bincount(bins.astype(np.int64), minlength=NUM_BINS))

    def __add__(self, other: "ScoreCounts") -> "ScoreCounts":
        return ScoreCounts(self.counts + other.counts)

    def quantile(self, share: float) -> float:
        """The score that a share of the frames does not exceed, as ``np.quantile`` of all of them, within one bin.

        Args:
            share: From 0 to 1.

        Raises:
            NormalityError: No frame was counted.
        """
        up_to = np.cumsum(self.counts)
        if not up_to[-1]:
            raise NormalityError("expected at least one frame score")
        place = share * (up_to[-1] - 1)
        low, high = (np.searchsorted(up_to, rank, side="right") for rank in (math.floor(place), math.ceil(place)))
        return float(BIN_WIDTH * (low + (place - math.floor(place)) * (high - low)))
