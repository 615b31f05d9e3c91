"""The score of a frame."""

import numpy as np
import pytest

from model_zoo.evaluation.frame_auc import ema
from model_zoo.scoring.frame_score import LINEAR_SURPRISE, MOST_SURPRISE, bounded, frame_score


def test_score_is_that_of_the_most_unusual_object_and_nothing_for_nobody() -> None:
    assert frame_score(np.array([0.3, 1.9, 1.2])) == 1.9
    assert frame_score(np.zeros(0)) == 0.0


def test_beyond_one_in_three_hundred_it_grows_ever_less_and_never_falls() -> None:
    surprise = np.linspace(0, 12, 500)
    scores = bounded(surprise)
    assert (np.diff(scores) > 0).all()
    assert scores.max() < MOST_SURPRISE
    np.testing.assert_allclose(scores[surprise <= LINEAR_SURPRISE], surprise[surprise <= LINEAR_SURPRISE])
    step = bounded(np.array([LINEAR_SURPRISE + 1e-6]))[0] - LINEAR_SURPRISE
    assert step == pytest.approx(1e-6, rel=1e-3), "no kink where it bends"


def test_an_alarm_comes_with_the_strangest_objects_second_frame_and_outlasts_it_by_less_than_five() -> None:
    usual, threshold = 1.2, LINEAR_SURPRISE
    strangest = float(bounded(np.array([12.0]))[0])
    scores = np.array([usual] * 10 + [strangest] * 60 + [usual] * 20)
    alarms = np.flatnonzero(ema(scores) > threshold)
    assert (alarms[0] - 10, alarms[-1] - 69) == (1, 4)
