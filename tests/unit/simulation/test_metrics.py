"""The figures of a run, worked out by hand on a few frames."""

import numpy as np
import pytest

from context.event import Event, Observation
from fl_client.storage.tubelet_store import no_tubelets
from simulation import metrics
from simulation.footage import Interval
from simulation.site_scoring import CHANNELS, ClipScores, RaisedAlert, ScoredClip

NO_BOXES = np.zeros((0, 4), dtype=np.float32)


def alert(started_s: float, ended_s: float) -> RaisedAlert:
    first = Observation(started_s, 0.9)
    return RaisedAlert(Event(first, first, ended_s), no_tubelets())


def clip(
    scores: list[float], intervals: tuple[tuple[int, int, str], ...] | None, alerts: tuple[RaisedAlert, ...] = ()
) -> ScoredClip:
    """A clip at 10 frames a second from instant 100; without intervals nothing is known of it."""
    values = np.array(scores)
    labels = None
    if intervals is not None:
        labels = np.zeros(len(scores), dtype=np.int64)
        for first, last, _ in intervals:
            labels[first : last + 1] = 1
    known = tuple(Interval(first, last, kind, NO_BOXES) for first, last, kind in intervals or ())
    scored = ClipScores(dict.fromkeys(CHANNELS, values), values, alerts, None)
    states = ("open",) * len(scores)
    return ScoredClip("clip", "site", 100.0, 10.0, states, labels, known, {"int8": scored})


def test_scores_that_rise_with_the_anomaly_are_perfect_and_those_that_fall_are_the_opposite() -> None:
    rising, falling = [0.0] * 5 + [9.0] * 5, [9.0] * 5 + [0.0] * 5
    assert metrics.frame_auc([clip(rising, ((5, 9, "running"),))], "int8", "fused") == 1.0
    assert metrics.frame_auc([clip(falling, ((5, 9, "running"),))], "int8", "fused") == 0.0


def test_clips_are_pooled_before_the_area_is_taken() -> None:
    quiet, loud = clip([1.0] * 4, ((0, 3, "x"),)), clip([2.0] * 4, ())
    assert metrics.frame_auc([quiet, loud], "int8", "fused") == 0.0


@pytest.mark.parametrize("intervals", [None, ()])
def test_clips_without_labels_or_without_one_class_have_no_area(intervals: tuple[()] | None) -> None:
    assert metrics.frame_auc([clip([1.0, 2.0], intervals)], "int8", "fused") is None
    assert metrics.channel_aucs([clip([1.0, 2.0], intervals)], "int8") == dict.fromkeys(CHANNELS)
    assert metrics.frame_auc([], "int8", "fused") is None


def test_context_area_leaves_out_frames_of_the_other_kinds() -> None:
    scores = [0.0] * 4 + [9.0] * 4 + [5.0] * 4
    known = clip(scores, ((4, 7, "vehicle"), (8, 11, "intrusion")))
    assert metrics.context_auc([known], "int8", "fused", frozenset({"intrusion"})) == 1.0
    assert metrics.context_auc([known], "int8", "fused", frozenset({"loitering"})) is None


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ((), (0, 0, 1)),
        ((alert(100.5, 100.9),), (0, 1, 1)),
        ((alert(100.0, 100.3),), (1, 0, 1)),
        ((alert(100.0, 100.5), alert(100.8, 100.9), alert(101.0, 101.1)), (1, 1, 1)),
    ],
)
def test_alert_that_overlaps_no_anomaly_is_false_and_an_overlapped_anomaly_is_found(
    alerts: tuple[RaisedAlert, ...], expected: tuple[int, int, int]
) -> None:
    assert metrics.alert_counts([clip([0.0] * 20, ((5, 8, "running"),), alerts)], "int8") == expected


def test_difference_with_something_absent_is_absent() -> None:
    assert metrics.difference(0.75, 0.5) == 0.25
    assert metrics.difference(None, 0.5) is metrics.difference(0.5, None) is None
