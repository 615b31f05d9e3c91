"""Which charts a report holds, and what each says in words for readers who cannot see it."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from simulation.report.chart import Band, Chart, Frame, Scale, Values, axis, highest_of_bins, line, runs_of
from simulation.report.content import Roc, RoundPoint, Timeline

NUM_COLOURS = 8
_SMALL = Frame(width=380, height=230, left=60)  # room for five digits beside the words
_SQUARE = Frame(width=460, height=440)
_WIDE = Frame(width=1100, height=180, top=20)
_MAX_POINTS = 700
_MINUTE_S = 60.0


@dataclasses.dataclass(frozen=True)
class RocCurve:
    """One context in the detection section; without ``auc`` there is no curve, as one class is absent."""

    context: str
    num_anomalous: int
    num_normal: int
    auc: float | None
    false_alarm_rate: Values
    detection_rate: Values


def training_charts(rounds: Sequence[RoundPoint]) -> list[Chart]:
    """Loss, AUC and bytes by round; a figure that no round has gets no chart."""
    numbers = np.array([point.round_number for point in rounds], dtype=np.float64)
    unit, unit_bytes = _unit_of_bytes(max(point.bytes_up for point in rounds))
    figures = {
        ("Training loss", "mean loss of the clients"): [point.loss for point in rounds],
        ("Pseudo-anomalies told apart", "held-out AUC (1 is perfect)"): [point.auc for point in rounds],
        ("Sent by all clients together", unit): [point.bytes_up / unit_bytes for point in rounds],
    }
    series = {words: np.array(values, dtype=np.float64) for words, values in figures.items()}  # an absent AUC is NaN
    return [
        _by_round(title, unit, numbers[np.isfinite(values)], values[np.isfinite(values)])
        for (title, unit), values in series.items()
        if np.isfinite(values).any()
    ]


def _unit_of_bytes(most: int) -> tuple[str, float]:
    """Name and size of the unit in which ``most`` bytes is a number of a few digits."""
    units = (("gigabytes", 1e9), ("megabytes", 1e6), ("kilobytes", 1e3))
    return next(((name, size) for name, size in units if most >= size), ("bytes", 1.0))


def _by_round(title: str, unit: str, numbers: Values, values: Values) -> Chart:
    frame, is_amount = _SMALL, unit.endswith("bytes")
    margin = 0.08 * (values.max() - values.min())
    low = 0.0 if is_amount else values.min() - margin  # an amount is read against zero
    y_axis = axis(unit, low, values.max() + margin, (frame.bottom, frame.top), 5)
    num_ticks = int(min(6, max(1, numbers.max() - numbers.min())))
    x_axis = axis("round", numbers.min(), numbers.max(), (frame.left, frame.right), num_ticks)
    drawn = line(x_axis.scale.px(numbers), y_axis.scale.px(values), has_marks=len(numbers) <= 40)
    ends = f"from {values[0]:.4g} in round {numbers[0]:.0f} to {values[-1]:.4g} in round {numbers[-1]:.0f}"
    return Chart(title, f"{unit}: {ends}.", frame, x_axis, y_axis, (drawn,))


def roc_curve(roc: Roc) -> RocCurve:
    """The ROC of one context, thinned for drawing; AUC is of all frames."""
    from sklearn import metrics

    num_anomalous = int(roc.labels.sum())
    num_normal = len(roc.labels) - num_anomalous
    if not (num_anomalous and num_normal):
        return RocCurve(roc.context, num_anomalous, num_normal, None, np.array([]), np.array([]))
    false_alarm_rate, detection_rate, _ = metrics.roc_curve(roc.labels, roc.scores)
    auc = float(metrics.auc(false_alarm_rate, detection_rate))
    kept = np.unique(np.linspace(0, len(false_alarm_rate) - 1, _MAX_POINTS).astype(np.int64))
    return RocCurve(roc.context, num_anomalous, num_normal, auc, false_alarm_rate[kept], detection_rate[kept])


def roc_chart(curves: Sequence[RocCurve]) -> Chart | None:
    """All curves in one chart, coloured by their place in ``curves``; ``None`` where no context has one."""
    drawn = [(index, curve) for index, curve in enumerate(curves) if curve.auc is not None]
    if not drawn:
        return None
    x_axis = axis("share of usual frames called unusual", 0.0, 1.0, (_SQUARE.left, _SQUARE.right), 5)
    y_axis = axis("share of unusual frames found", 0.0, 1.0, (_SQUARE.bottom, _SQUARE.top), 5)
    lines = tuple(
        line(
            x_axis.scale.px(curve.false_alarm_rate),
            y_axis.scale.px(curve.detection_rate),
            index % NUM_COLOURS,
            curve.context,
        )
        for index, curve in drawn
    )
    words = "; ".join(f"{curve.context}: AUC {curve.auc:.3f}" for _, curve in drawn)
    return Chart("ROC by context", words, _SQUARE, x_axis, y_axis, lines, has_diagonal=True)


def timeline_chart(timeline: Timeline) -> Chart:
    """Score over time, with ground truth as bands and the alert threshold as a line."""
    frame, num_frames = _WIDE, len(timeline.scores)
    unit_s, unit = (_MINUTE_S, "minutes") if num_frames / timeline.fps > 3 * _MINUTE_S else (1.0, "seconds")
    x_axis = axis(f"time ({unit})", 0.0, num_frames / timeline.fps / unit_s, (frame.left, frame.right), 10)
    finite = timeline.scores[np.isfinite(timeline.scores)].tolist()
    low, high = min([timeline.alert_threshold, *finite]), max([timeline.alert_threshold, *finite])
    y_axis = axis("score", low, high + 0.08 * (high - low), (frame.bottom, frame.top), 4)
    frames, scores = highest_of_bins(np.asarray(timeline.scores, dtype=np.float64), _MAX_POINTS)
    y_px = np.where(np.isfinite(scores), y_axis.scale.px(scores), np.nan)
    drawn = line(x_axis.scale.px((frames + 0.5) / timeline.fps / unit_s), y_px)
    threshold_px = float(y_axis.scale.px(timeline.alert_threshold))
    bands = _truth_bands(timeline, Scale(0.0, num_frames, frame.left, frame.right))
    return Chart(timeline.title, _timeline_words(timeline), frame, x_axis, y_axis, (drawn,), bands, threshold_px)


def _truth_bands(timeline: Timeline, frame_scale: Scale) -> tuple[Band, ...]:
    """A band for each run of anomalous frames, named by the kinds that overlap it."""
    bands = []
    for first, last in [] if timeline.truth is None else runs_of(timeline.truth):
        names = dict.fromkeys(kind.label for kind in timeline.kinds if kind.first <= last and kind.last >= first)
        left_px, right_px = frame_scale.px([first, last + 1]).tolist()
        bands.append(Band(left_px, right_px - left_px, ", ".join(names)))
    return tuple(bands)


def _timeline_words(timeline: Timeline) -> str:
    alarms = runs_of(timeline.scores > timeline.alert_threshold)
    if timeline.truth is None:
        return f"{_counted(len(alarms), 'alarm')}; this footage has no labels."
    anomalies = runs_of(timeline.truth)
    found = sum(bool((timeline.scores[first : last + 1] > timeline.alert_threshold).any()) for first, last in anomalies)
    false = _counted(sum(not timeline.truth[first : last + 1].any() for first, last in alarms), "false alarm")
    return f"{found} of {_counted(len(anomalies), 'anomaly', 'anomalies')} found; {false}."


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
