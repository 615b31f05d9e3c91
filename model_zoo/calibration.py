"""Calibration: from a score to the share of normal tubelets of the same context that score lower.

Scores of normal tubelets are counted in fixed bins per context, so calibrations of two stretches of footage add up
and memory is bounded. A context with few samples leans on all contexts of the camera. Beyond the largest scores seen
an exponential tail, fitted to the top of the normal scores, goes on telling unusual from more unusual.

Letters in shapes: N tubelets, K contexts, B bins.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from model_zoo.errors import ModelFileError

Scores = npt.NDArray[np.float64]  # (N,)
Contexts = npt.NDArray[np.int64]  # (N,)

NUM_BINS = 512
MAX_SURPRISE = 12.0

_SCALE = 2.0
_LARGEST_SCORE = 1e4
_EDGES = _SCALE * np.sinh(np.linspace(-1.0, 1.0, NUM_BINS + 1) * np.arcsinh(_LARGEST_SCORE / _SCALE))  # (B + 1,)
_CENTRES = (_EDGES[:-1] + _EDGES[1:]) / 2
_PARENT_SAMPLES = 50.0
_PRIOR_SAMPLES = 1.0
_PRIOR_SCALE = 1.0
_UNIFORM_SHARE = 1e-3  # of the prior, spread over all bins: between two normal scores far apart the order is kept
_LEAST_SAMPLES = 1e-12
_TAIL_SHARE = 0.05
_MIN_TAIL_SCALE = 0.1
_LINEAR_SURPRISE = 6.0


@dataclasses.dataclass(frozen=True)
class _Survival:
    """The share of normal scores above a score, as its logarithm: at the bin edges, then an exponential tail."""

    log_share: npt.NDArray[np.float64]  # (K, B + 1) at the edges
    tail_start: npt.NDArray[np.int64]  # (K,) index of an edge
    tail_scale: npt.NDArray[np.float64]  # (K,) mean excess over the start of the tail


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Counts of normal scores per context."""

    counts: npt.NDArray[np.float64]  # (K, B)

    def __add__(self, other: "Calibration") -> "Calibration":
        if self.counts.shape != other.counts.shape:
            raise ValueError(f"expected counts of shape {self.counts.shape}, got {other.counts.shape}")
        return Calibration(self.counts + other.counts)

    @functools.cached_property
    def _survival(self) -> _Survival:
        return _fit_survival(self.counts)

    def surprise(self, scores: Scores, context: Contexts) -> Scores:
        """How rare a score is in its context: ``-log10(1 - calibrated)``.

        Strictly growing with the score; exact up to 6 (one in a million), from there compressed towards 12.

        Args:
            scores: ``(N,)``, finite.
            context: Context of each, from 0. ``(N,)``.

        Returns:
            In ``[0, 12)``. ``(N,)``.
        """
        rarity = -_log_share_above(self._survival, scores, context) / np.log(10.0)
        room = MAX_SURPRISE - _LINEAR_SURPRISE
        beyond = np.maximum(rarity - _LINEAR_SURPRISE, 0.0)
        return np.asarray(np.minimum(rarity, _LINEAR_SURPRISE) + room * beyond / (room + beyond))

    def calibrated(self, scores: Scores, context: Contexts) -> Scores:
        """The share of normal tubelets of the same context that score lower, in ``[0, 1)``. ``(N,)``."""
        return np.asarray(1.0 - 10.0 ** -self.surprise(scores, context))

    def arrays(self) -> dict[str, npt.NDArray[np.float64]]:
        """The calibration as plain arrays, for saving."""
        return {"calibration_counts": self.counts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.float64]]) -> "Calibration":
        """Reads what ``arrays`` gave.

        Raises:
            ModelFileError: an array is missing or of a wrong shape, or a count is negative or not finite.
        """
        counts = arrays.get("calibration_counts")
        if counts is None or counts.ndim != 2 or counts.shape[1] != NUM_BINS or not len(counts):
            raise ModelFileError(f"expected calibration counts (K, {NUM_BINS})")
        if not np.isfinite(counts).all() or (counts < 0).any():
            raise ModelFileError("expected calibration counts of at least 0")
        return cls(counts.astype(np.float64))


def fit_calibration(scores: Scores, context: Contexts, num_contexts: int) -> Calibration:
    """Counts the scores of normal tubelets.

    Scores should come from tubelets the scoring model was not fitted on, else everything looks rare.

    Args:
        scores: ``(N,)``, finite; none is allowed, then only a broad guess remains.
        context: Context of each, from 0 to ``num_contexts - 1``. ``(N,)``.
        num_contexts: K.

    Raises:
        ValueError: a score is not finite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("expected finite scores")
    counts = np.zeros((num_contexts, NUM_BINS))
    bins = np.clip(np.searchsorted(_EDGES, scores, side="right") - 1, 0, NUM_BINS - 1)
    np.add.at(counts, (context, bins), 1.0)
    return Calibration(counts)


def _fit_survival(counts: npt.NDArray[np.float64]) -> _Survival:
    total = counts.sum(axis=0)
    num_scores = max(float(total.sum()), 1.0)
    shared = counts + total * (min(_PARENT_SAMPLES, num_scores) / num_scores)  # (K, B)
    above = _above_edges(shared)  # (K, B + 1)
    is_tail = above <= _TAIL_SHARE * above[:, :1]
    tail_start = np.where(above[:, 0] > 0, np.argmax(is_tail, axis=1), NUM_BINS)
    guess = (1.0 - _UNIFORM_SHARE) * np.exp(-np.logaddexp(0.0, _EDGES / _PRIOR_SCALE))
    prior = _PRIOR_SAMPLES * (guess + _UNIFORM_SHARE * np.linspace(1.0, 0.0, NUM_BINS + 1))
    log_share = np.log(np.maximum(above + prior, _LEAST_SAMPLES)) - np.log(above[:, :1] + _PRIOR_SAMPLES)
    excess = np.maximum(_CENTRES - _EDGES[tail_start][:, None], 0.0)  # (K, B)
    in_tail = np.arange(NUM_BINS) >= tail_start[:, None]
    mass = (shared * in_tail).sum(axis=1)
    scale = ((shared * in_tail * excess).sum(axis=1) + _PRIOR_SAMPLES * _PRIOR_SCALE) / (mass + _PRIOR_SAMPLES)
    return _Survival(log_share, tail_start, np.maximum(scale, _MIN_TAIL_SCALE))


def _above_edges(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Samples at or above each edge. ``(K, B + 1)``."""
    from_top = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([from_top, np.zeros((len(counts), 1))], axis=1)


def _log_share_above(survival: _Survival, scores: Scores, context: Contexts) -> Scores:
    bins = np.clip(np.searchsorted(_EDGES, scores, side="right") - 1, 0, NUM_BINS - 1)
    low, high = survival.log_share[context, bins], survival.log_share[context, bins + 1]
    share = (scores - _EDGES[bins]) / (_EDGES[bins + 1] - _EDGES[bins])
    start = survival.tail_start[context]
    tail = survival.log_share[context, start] - (scores - _EDGES[start]) / survival.tail_scale[context]
    return np.asarray(np.where(scores >= _EDGES[start], tail, np.minimum(low + share * (high - low), 0.0)))
