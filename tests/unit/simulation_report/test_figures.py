"""What the charts of a report show and say."""

import numpy as np
import pytest
from sklearn import metrics

from simulation.report.content import Interval, Roc, RoundPoint, Timeline
from simulation.report.figures import roc_chart, roc_curve, timeline_chart, training_charts


def _timeline(scores: list[float], truth: list[int] | None, kinds: tuple[Interval, ...] = ()) -> Timeline:
    flags = None if truth is None else np.array(truth, dtype=np.bool_)
    return Timeline("door", 10.0, np.array(scores), flags, kinds, alert_threshold=1.0)


def test_training_is_loss_auc_and_bytes() -> None:
    charts = training_charts([RoundPoint(1, 0.9, None, 4_000_000), RoundPoint(2, 0.5, 0.8, 6_000_000)])
    assert [chart.y_axis.label for chart in charts] == [
        "mean loss of the clients",
        "held-out AUC (1 is perfect)",
        "megabytes",
    ]
    assert charts[0].description == "mean loss of the clients: from 0.9 in round 1 to 0.5 in round 2."
    assert charts[1].lines[0].marks[0][0] == pytest.approx(charts[1].x_axis.scale.px(2.0))
    assert charts[2].y_axis.scale.low == 0.0


def test_a_figure_that_no_round_has_gets_no_chart() -> None:
    charts = training_charts([RoundPoint(1, float("nan"), None, 700)])
    assert [chart.y_axis.label for chart in charts] == ["bytes"]


def test_auc_of_a_context_is_that_of_all_its_frames() -> None:
    rng = np.random.default_rng(1)
    labels = rng.random(5000) < 0.2
    scores = rng.normal(size=5000) + labels
    curve = roc_curve(Roc("open", labels, scores))
    assert curve.auc == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert (curve.num_anomalous, curve.num_normal) == (int(labels.sum()), int((~labels).sum()))
    assert len(curve.detection_rate) <= 700
    assert (curve.detection_rate[-1], curve.false_alarm_rate[0]) == (1.0, 0.0)


def test_a_context_with_one_class_has_no_curve_and_keeps_its_row() -> None:
    both = roc_curve(Roc("open", np.array([True, False]), np.array([1.0, 0.0])))
    one = roc_curve(Roc("closed", np.array([False, False]), np.array([1.0, 0.0])))
    assert (one.auc, one.num_normal) == (None, 2)
    chart = roc_chart([one, both])
    assert chart is not None
    assert [(drawn.name, drawn.colour) for drawn in chart.lines] == [("open", 1)]
    assert roc_chart([one]) is None


def test_ground_truth_is_shaded_and_named() -> None:
    kinds = (Interval(2, 3, "running"), Interval(3, 3, "intrusion"), Interval(8, 9, "elsewhere"))
    chart = timeline_chart(_timeline([0, 0, 2, 2, 0, 2, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0, 1, 0, 0], kinds))
    assert [band.label for band in chart.bands] == ["running, intrusion", ""]
    width_px = chart.frame.right - chart.frame.left
    assert chart.bands[0].left_px == pytest.approx(chart.frame.left + 0.2 * width_px)
    assert chart.bands[0].width_px == pytest.approx(0.2 * width_px)
    assert chart.description == "1 of 2 anomalies found; 1 false alarm."


def test_a_timeline_without_labels_counts_alarms_only() -> None:
    chart = timeline_chart(_timeline([0, 2, 0, 2], None))
    assert chart.bands == ()
    assert chart.description == "2 alarms; this footage has no labels."


def test_the_threshold_is_inside_the_chart_even_if_no_score_reaches_it() -> None:
    chart = timeline_chart(_timeline([0.1, 0.2], [0, 0]))
    assert chart.threshold_px is not None
    assert chart.frame.top <= chart.threshold_px < chart.frame.bottom
    assert chart.threshold_px == pytest.approx(chart.y_axis.scale.px(1.0))


def test_long_footage_is_measured_in_minutes() -> None:
    assert timeline_chart(_timeline([0.0] * 6000, None)).x_axis.label == "time (minutes)"
    assert timeline_chart(_timeline([0.0] * 600, None)).x_axis.label == "time (seconds)"
