"""The figures of a run, from scored clips. Documented in ``docs/metrics.md``."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from context.event import Event
from model_zoo.datasets.clip import Labels
from model_zoo.evaluation.frame_auc import ema, roc_auc
from simulation.site_scoring import CHANNELS, RaisedAlert, ScoredClip

Scores = npt.NDArray[np.float64]


def frame_auc(clips: Sequence[ScoredClip], variant: str, channel: str) -> float | None:
    """Micro frame AUC of the causal EMA; ``None`` without labels of both classes."""
    return _auc((clip.labels, clip.by_variant[variant].by_channel[channel]) for clip in clips)


def channel_aucs(clips: Sequence[ScoredClip], variant: str) -> dict[str, float | None]:
    """``frame_auc`` of each channel."""
    return {channel: frame_auc(clips, variant, channel) for channel in CHANNELS}


def context_auc(
    clips: Sequence[ScoredClip], variant: str, channel: str, context_dependent: frozenset[str]
) -> float | None:
    """Frame AUC with frames of context-dependent kinds as positives and all normal frames as negatives."""
    pairs = []
    for clip in clips:
        if clip.labels is None:
            continue
        is_dependent = np.zeros(len(clip.labels), dtype=np.bool_)
        for interval in clip.intervals:
            if interval.kind in context_dependent:
                is_dependent[interval.first_frame : interval.last_frame + 1] = True
        counts = is_dependent | (clip.labels == 0)
        scores = ema(clip.by_variant[variant].by_channel[channel])
        pairs.append((is_dependent[counts].astype(np.int64), scores[counts]))
    return _pooled_auc(pairs)


def _auc(clips: Iterable[tuple[Labels | None, Scores]]) -> float | None:
    return _pooled_auc([(labels, ema(scores)) for labels, scores in clips if labels is not None])


def _pooled_auc(pairs: Sequence[tuple[Labels, Scores]]) -> float | None:
    if not pairs:
        return None
    labels = np.concatenate([one for one, _ in pairs])
    return roc_auc(labels, np.concatenate([one for _, one in pairs])) if 0 < labels.mean() < 1 else None


def alert_counts(clips: Sequence[ScoredClip], variant: str) -> tuple[int, int, int]:
    """False alarms, anomalies found and anomalies there were, over all labelled clips.

    An alert that overlaps no anomaly is false; an anomaly that some alert overlaps is found.
    """
    num_false = num_found = num_anomalies = 0
    for clip in clips:
        alerts = clip.by_variant[variant].alerts
        num_false += sum(not is_true_alert(clip, alert) for alert in alerts)
        for interval in clip.intervals:
            num_anomalies += 1
            num_found += any(
                _overlaps(clip, alert.event, interval.first_frame, interval.last_frame) for alert in alerts
            )
    return num_false, num_found, num_anomalies


def is_true_alert(clip: ScoredClip, alert: RaisedAlert) -> bool:
    """Whether the alert overlaps an anomaly of the clip: what an operator would say after watching it."""
    return any(_overlaps(clip, alert.event, interval.first_frame, interval.last_frame) for interval in clip.intervals)


def _overlaps(clip: ScoredClip, event: Event, first_frame: int, last_frame: int) -> bool:
    began = (event.first.instant_s - clip.start_s) * clip.fps
    ended = (event.ended_s - clip.start_s) * clip.fps
    return began <= last_frame + 0.5 and ended >= first_frame - 0.5


def difference(first: float | None, second: float | None) -> float | None:
    """``first - second``, absent where either is."""
    return None if first is None or second is None else first - second


def flattened(groups: Iterable[Sequence[ScoredClip]]) -> list[ScoredClip]:
    """The clips of all sites in order."""
    return list(itertools.chain.from_iterable(groups))
