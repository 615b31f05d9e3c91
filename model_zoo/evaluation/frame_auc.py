"""Frame-level figures: how well per-frame scores tell anomalous frames from normal ones."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

Labels = npt.NDArray[np.integer]  # (N,) 1 is anomalous, 0 normal
Scores = npt.NDArray[np.float64]  # (N,)

EMA_WEIGHT = 0.2
GAUSSIAN_SIGMA_FRAMES = 5.0


def roc_auc(labels: Labels, scores: Scores) -> float:
    """Area under the ROC curve by mid-ranks: ties count one half.

    Args:
        labels: 0 or 1. ``(N,)``.
        scores: Higher is more unusual. ``(N,)``.

    Raises:
        ValueError: a class is missing, or the lengths differ.
    """
    _check(labels, scores)
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mid_rank = np.cumsum(counts) - (counts - 1) / 2
    num_positive = int(labels.sum())
    num_negative = len(labels) - num_positive
    rank_sum = mid_rank[place][labels == 1].sum()
    return float((rank_sum - num_positive * (num_positive + 1) / 2) / (num_positive * num_negative))


def average_precision(labels: Labels, scores: Scores) -> float:
    """Area under the precision-recall curve by steps, ties taken together.

    Raises:
        ValueError: a class is missing, or the lengths differ.
    """
    _check(labels, scores)
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    last_of_tie = np.append(np.nonzero(np.diff(scores[order]))[0], len(labels) - 1)
    recall = hits[last_of_tie] / hits[-1]
    precision = hits[last_of_tie] / (last_of_tie + 1)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def _check(labels: Labels, scores: Scores) -> None:
    if labels.shape != scores.shape or labels.ndim != 1:
        raise ValueError(f"expected as many labels as scores, got {labels.shape} and {scores.shape}")
    if set(np.unique(labels).tolist()) != {0, 1}:
        raise ValueError("expected both anomalous (1) and normal (0) frames")


def frame_scores(num_frames: int, frame_index: npt.NDArray[np.integer], object_scores: Scores) -> Scores:
    """The score of each frame: that of its most unusual object, 0 where there is none.

    Args:
        num_frames: Frames of the clip.
        frame_index: Frame of each object, from 0. ``(N,)``.
        object_scores: Surprise of each object, at least 0. ``(N,)``.

    Returns:
        ``(num_frames,)``.
    """
    scores = np.zeros(num_frames)
    np.maximum.at(scores, frame_index, object_scores)
    return scores


def ema(scores: Scores, weight: float = EMA_WEIGHT) -> Scores:
    """Causal exponential mean, started at the first score. ``(N,)``.

    Args:
        scores: ``(N,)``; none is allowed.
        weight: Weight of the newest score, in ``(0, 1]``.
    """
    smooth = np.empty(len(scores))
    level = scores[0] if len(scores) else 0.0
    for index, score in enumerate(scores):
        level = (1 - weight) * level + weight * score
        smooth[index] = level
    return smooth


def gaussian(scores: Scores, sigma_frames: float = GAUSSIAN_SIGMA_FRAMES) -> Scores:
    """Scores smoothed by a Gaussian that looks ahead as far as back, cut off at four sigma and mirrored at the ends.

    Args:
        scores: ``(N,)``; none is allowed.
        sigma_frames: Deviation of the Gaussian.
    """
    return np.asarray(gaussian_filter1d(scores, sigma_frames, mode="reflect")) if len(scores) else scores


def micro_auc(clips: Iterable[tuple[Labels, Scores]]) -> float:
    """ROC AUC over all frames of all clips, scores smoothed by a causal EMA that starts anew with each clip.

    Args:
        clips: Labels and raw scores of each clip, ``(N,)`` each.

    Raises:
        ValueError: a class is missing over all clips, or lengths differ.
    """
    pairs: Sequence[tuple[Labels, Scores]] = list(clips)
    if not pairs:
        raise ValueError("expected at least one clip")
    return roc_auc(np.concatenate([labels for labels, _ in pairs]), np.concatenate([ema(s) for _, s in pairs]))
