"""All frame-level figures of a set of clips: raw, causal and smoothed; micro and macro; with intervals.

Micro pools the frames of all clips; macro is the mean over the clips that hold both classes. Scores are never
normalised per clip. The interval comes from drawing whole clips with replacement: frames of one clip say nearly the
same, so drawing frames would make it far too narrow.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from model_zoo.evaluation.frame_auc import Labels, Scores, average_precision, ema, gaussian, roc_auc

Weights = npt.NDArray[np.integer]
"""How often each clip is drawn. ``(clips,)``."""

NUM_DRAWS = 2000
CONFIDENCE = (2.5, 97.5)

FRAME_FIGURES = ("micro", "macro", "average_precision", "ci95", "ci95_macro", "ci95_average_precision")

SMOOTHINGS: dict[str, Callable[[Scores], Scores]] = {"raw": np.asarray, "causal": ema, "smoothed": gaussian}
"""``raw`` as scored, ``causal`` by an EMA, ``smoothed`` by a Gaussian that looks ahead, as papers report."""


@dataclasses.dataclass(frozen=True)
class ScoredFrames:
    """One clip: its name, labels ``(N,)`` and raw causal scores ``(N,)``."""

    name: str
    labels: Labels
    scores: Scores

    def smoothed(self, smoothing: Callable[[Scores], Scores]) -> "ScoredFrames":
        """The clip with its scores smoothed."""
        return dataclasses.replace(self, scores=smoothing(self.scores))

    @property
    def is_mixed(self) -> bool:
        """Whether both classes are in it."""
        return bool(0 < self.labels.mean() < 1)


@dataclasses.dataclass(frozen=True)
class AlarmFigures:
    """What an alarm threshold on the causal EMA gives, fixed before the test was seen."""

    threshold: float
    recall: float | None
    """Share of anomalous frames above it; ``None`` where there is none."""
    false_frames_per_1000: float | None
    """``None`` where no frame is normal."""
    clips_found: int
    median_delay_frames: float | None
    """From a clip's first anomalous frame to the first alarm in one, over the clips found; ``None`` if none is."""


def frame_figures(clips: Sequence[ScoredFrames]) -> dict[str, Any]:
    """``micro``, ``macro`` and ``average_precision``, each by smoothing; fractions.

    Their 95 % intervals by bootstrap over clips are ``ci95``, ``ci95_macro`` and ``ci95_average_precision``.

    Args:
        clips: Of one test set; both classes must occur. Macro is ``None`` where no single clip holds both.

    Raises:
        ValueError: no clip, or a class is missing over all clips.
    """
    if not clips:
        raise ValueError("expected at least one clip")
    figures: dict[str, Any] = {measure: {} for measure in FRAME_FIGURES}
    for name, smoothing in SMOOTHINGS.items():
        smooth = [clip.smoothed(smoothing) for clip in clips]
        mixed = [roc_auc(clip.labels, clip.scores) for clip in smooth if clip.is_mixed]
        figures["micro"][name] = roc_auc(*_pooled(smooth))
        figures["macro"][name] = float(np.mean(mixed)) if mixed else None
        figures["average_precision"][name] = average_precision(*_pooled(smooth))
        figures["ci95"][name] = micro_interval(smooth)
        figures["ci95_macro"][name] = macro_interval(smooth)
        figures["ci95_average_precision"][name] = average_precision_interval(smooth)
    return figures


def micro_interval(clips: Sequence[ScoredFrames]) -> list[float]:
    """95 % interval of the micro AUC by bootstrap over clips; draws without both classes are drawn again.

    The AUC is the share of pairs in order, so those of every two clips are counted once, and a draw only weighs them.

    Raises:
        ValueError: a class is missing over all clips.
    """
    positive, negative = ([clip.scores[clip.labels == label] for clip in clips] for label in (1, 0))
    num_positive, num_negative = (np.array([len(scores) for scores in part]) for part in (positive, negative))
    if not num_positive.any() or not num_negative.any():
        raise ValueError("expected both anomalous (1) and normal (0) frames")
    in_order = np.array([[_pairs_in_order(high, np.sort(low)) for low in negative] for high in positive])

    def micro(weight: Weights) -> float | None:
        num_pairs = (weight @ num_positive) * (weight @ num_negative)
        return float(weight @ in_order @ weight / num_pairs) if num_pairs else None

    return _interval(len(clips), micro)


def macro_interval(clips: Sequence[ScoredFrames]) -> list[float] | None:
    """95 % interval of the macro AUC by bootstrap over clips; ``None`` where no clip holds both classes."""
    is_mixed = np.array([clip.is_mixed for clip in clips])
    if not is_mixed.any():
        return None
    auc = np.array([roc_auc(clip.labels, clip.scores) if clip.is_mixed else 0.0 for clip in clips])

    def macro(weight: Weights) -> float | None:
        num_mixed = weight @ is_mixed
        return float(weight @ auc / num_mixed) if num_mixed else None

    return _interval(len(clips), macro)


def average_precision_interval(clips: Sequence[ScoredFrames]) -> list[float]:
    """95 % interval of the average precision by bootstrap over clips; frames are sorted once, a draw weighs them."""
    labels, scores = _pooled(clips)
    order = np.argsort(-scores, kind="stable")
    clip_of = np.repeat(np.arange(len(clips)), [len(clip.labels) for clip in clips])[order]
    is_last_of_tie = np.append(np.diff(scores[order]) != 0, True)

    def precision(weight: Weights) -> float | None:
        weights = weight[clip_of]
        hits = np.cumsum(weights * labels[order])
        if not hits[-1]:
            return None
        counted = np.cumsum(weights)
        places = np.flatnonzero(is_last_of_tie & (counted > 0))
        return float(np.sum(np.diff(hits[places] / hits[-1], prepend=0.0) * hits[places] / counted[places]))

    return _interval(len(clips), precision)


def _interval(num_clips: int, figure: Callable[[Weights], float | None]) -> list[float]:
    """Of a figure over draws of whole clips; those that have none are drawn again.

    Args:
        num_clips: Drawn with replacement, as many as there are.
        figure: Of a draw: how often each clip is in it.
    """
    random = np.random.default_rng(0)
    draws: list[float] = []
    while len(draws) < NUM_DRAWS:
        drawn = figure(np.bincount(random.integers(0, num_clips, num_clips), minlength=num_clips))
        if drawn is not None:
            draws.append(drawn)
    return [float(bound) for bound in np.percentile(draws, CONFIDENCE)]


def _pairs_in_order(high: Scores, low: Scores) -> float:
    """Pairs of a score of ``high`` above one of ``low``, which is sorted; ties count one half."""
    below, not_above = np.searchsorted(low, high, side="left"), np.searchsorted(low, high, side="right")
    return float((below + not_above).sum() / 2)


def alarm_figures(clips: Sequence[ScoredFrames], threshold: float) -> AlarmFigures:
    """What alarms on the causal EMA above ``threshold`` find, and how often they are false.

    Raises:
        ValueError: no clip.
    """
    causal = [clip.smoothed(ema) for clip in clips]
    labels, scores = _pooled(causal)
    alarms, is_anomalous = scores > threshold, labels == 1
    delays = [delay for clip in causal if (delay := _delay(clip, threshold)) is not None]
    return AlarmFigures(
        threshold,
        recall=float(alarms[is_anomalous].mean()) if is_anomalous.any() else None,
        false_frames_per_1000=float(1000 * alarms[~is_anomalous].mean()) if not is_anomalous.all() else None,
        clips_found=len(delays),
        median_delay_frames=float(np.median(delays)) if delays else None,
    )


def _delay(clip: ScoredFrames, threshold: float) -> int | None:
    anomalous = np.flatnonzero(clip.labels == 1)
    alarms = np.flatnonzero((clip.labels == 1) & (clip.scores > threshold))
    return int(alarms[0] - anomalous[0]) if len(alarms) else None


def _pooled(clips: Sequence[ScoredFrames]) -> tuple[npt.NDArray[np.integer], Scores]:
    if not clips:
        raise ValueError("expected at least one clip")
    return np.concatenate([clip.labels for clip in clips]), np.concatenate([clip.scores for clip in clips])
