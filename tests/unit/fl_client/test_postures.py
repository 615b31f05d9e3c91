"""Asking a pose model: how often, of how many at once, and how long an answer is kept."""

import math

import numpy as np
import pytest

from context.track import Posture
from fl_client.inference.postures import ASK_EVERY_S, KEPT_S, MOST_A_FRAME, Asked, PostureWatch
from model_zoo.perception.pose import PoseModel
from tests.fakes.pose_models import figure, simcc

FRAME = np.zeros((120, 160, 3), np.uint8)
BOX = np.array([0.4, 0.4, 0.6, 0.9], np.float32)
STEP_S = 0.1


def people(count: int) -> list[Asked]:
    return [Asked(number, BOX) for number in range(count)]


def watch(tilt_rad: float = math.pi / 2, confidence: float = 0.9) -> PostureWatch:
    return PostureWatch(PoseModel(simcc(figure(tilt_rad, confidence)), "m"))


@pytest.mark.parametrize(("tilt_rad", "posture"), [(0.0, Posture.UPRIGHT), (math.pi / 2, Posture.DOWN)])
def test_posture_is_what_the_model_sees(tilt_rad: float, posture: Posture) -> None:
    assert watch(tilt_rad).look(FRAME, people(1), 10.0) == {0: posture}


def test_what_the_model_does_not_see_is_not_told() -> None:
    assert watch(confidence=0.1).look(FRAME, people(1), 10.0) == {}


def test_few_are_asked_in_a_frame_and_all_in_turn() -> None:
    asking = watch()
    known = [set(asking.look(FRAME, people(5), 10.0 + index * STEP_S)) for index in range(3)]
    assert [len(one) for one in known] == [MOST_A_FRAME, 2 * MOST_A_FRAME, 5]


def test_nobody_is_asked_again_at_once_and_everybody_after_a_while() -> None:
    asking, asked_s = watch(), []
    for index in range(20):
        before = dict(asking._answers)
        asking.look(FRAME, people(1), 10.0 + index * STEP_S)
        asked_s += [10.0 + index * STEP_S] * (before.get(0) is not asking._answers[0])
    assert np.diff(asked_s).min() >= ASK_EVERY_S
    assert np.diff(asked_s).max() <= ASK_EVERY_S + STEP_S


def test_answer_is_kept_for_a_moment_where_others_come_first() -> None:
    asking = watch()
    asking.look(FRAME, people(1), 10.0)
    crowd = [Asked(number, BOX) for number in range(1, 30)]
    kept = [0 in asking.look(FRAME, [*crowd, *people(1)], 10.0 + step * STEP_S) for step in range(1, 12)]
    assert kept.count(True) == math.floor(KEPT_S / STEP_S)
    assert kept == sorted(kept, reverse=True)


def test_clock_that_steps_back_is_asked_anew() -> None:
    asking = watch()
    asking.look(FRAME, people(1), 10.0)
    asking.look(FRAME, people(1), 9.0)
    assert asking._answers[0].instant_s == 9.0
