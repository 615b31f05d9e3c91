"""Judging frames: severity, zone, smoothed score, and another scorer taking over."""

import numpy as np
import pytest

from context.severity import severity_score
from context.site import Camera
from fl_client.inference.judging import FrameJudge
from model_zoo.evaluation.frame_auc import EMA_WEIGHT
from model_zoo.normality.features import Features, object_features
from model_zoo.perception.tubelet import NUM_STEPS
from tests.fakes.tubelets import Look, drawn_tubelets
from tests.unit.fl_client.test_scoring import camera_scorer, frame, statistics

CAMERA = Camera.model_validate({"name": "c"})


@pytest.fixture(scope="module")
def normal() -> Features:
    return object_features(drawn_tubelets(200, 1, look=Look(spread=0.2)).motion)


def test_objects_carry_the_severity_of_their_calibrated_score_and_the_frame_the_worst(normal: Features) -> None:
    judge = FrameJudge(camera_scorer(statistics(normal), normal), CAMERA)
    tubelets = drawn_tubelets(2, 5)
    tubelets.motion[1, :, 2] = 9.0
    for step in range(NUM_STEPS):
        judged, surprise = judge.judge(frame(tubelets, step))
    slow, fast = judged.objects
    assert [one.severity for one in judged.objects] == [severity_score(float(c)) for c in surprise.calibrated]
    assert judged.severity == fast.severity > slow.severity
    assert (fast.track_id, fast.zone, fast.why[:6]) == (1, "", "fast: ")
    assert (judged.is_learning, judged.operational_state) == (False, "open")


def test_score_is_the_causal_mean_of_the_worst_surprise_and_goes_on_over_a_new_scorer(normal: Features) -> None:
    scorer = camera_scorer(statistics(normal), normal)
    judge, level = FrameJudge(scorer, CAMERA), None
    for step in range(NUM_STEPS):
        if step == 6:
            judge.take_over(scorer)
        judged, surprise = judge.judge(frame(drawn_tubelets(1, 5), step))
        top = float(surprise.fused.max(initial=0.0))
        level = top if level is None else (1 - EMA_WEIGHT) * level + EMA_WEIGHT * top
        assert judged.score == pytest.approx(level)


def test_empty_frame_is_of_no_severity(normal: Features) -> None:
    judged, _ = FrameJudge(camera_scorer(statistics(normal), normal), CAMERA).judge(frame(drawn_tubelets(0, 1), 0))
    assert (judged.objects, judged.score, judged.severity) == ((), 0.0, 0.0)
    assert np.isfinite(judged.score)
