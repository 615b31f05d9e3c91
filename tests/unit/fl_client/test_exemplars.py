"""Accepted exceptions: what counts as a look-alike, and what does not."""

import dataclasses
import math

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fl_client.inference.exemplars import NO_EXEMPLARS, Exemplars
from model_zoo.normality.features import object_features
from model_zoo.perception.tubelet import CROP_SIDE, NUM_STEPS, Tubelets
from tests.fakes.tubelets import CLOSED, OPEN, Look, drawn_tubelets

MOTION = (0.8, 0.1, 0.8, 0.2, 1.0, 0.4, 0.5)


def machine(level: int = 60) -> npt.NDArray[np.uint8]:
    """Something low and long, its handle to the left. ``(S, S)``."""
    crop = np.full((CROP_SIDE, CROP_SIDE), level, np.uint8)
    cv2.rectangle(crop, (16, 36), (52, 52), 2 * level, -1)
    cv2.line(crop, (16, 36), (8, 12), 2 * level, 3)
    return crop


def person(level: int = 60) -> npt.NDArray[np.uint8]:
    """Something tall and narrow. ``(S, S)``."""
    crop = np.full((CROP_SIDE, CROP_SIDE), level, np.uint8)
    cv2.ellipse(crop, (32, 34), (8, 22), 0, 0, 360, 2 * level, -1)
    return crop


def accepted() -> Tubelets:
    """One tubelet of the machine."""
    drawn = drawn_tubelets(1, 3, look=Look(motion=MOTION, spread=0.0))
    return dataclasses.replace(drawn, crops=np.broadcast_to(machine(), (1, NUM_STEPS, CROP_SIDE, CROP_SIDE)).copy())


def most(crop: npt.NDArray[np.uint8], change: tuple[float, ...] = (0.0,) * 7, context: int = OPEN) -> float:
    """How surprising such an object can be once the machine is accepted, its motion changed by ``change``."""
    exemplars = Exemplars.of(accepted(), np.array([OPEN]))
    features = object_features(accepted().motion) + np.array(change)
    return float(exemplars.most_surprise(features, crop[None], np.array([context]))[0])


def test_the_same_thing_again_is_less_surprising_than_half_of_what_is_normal() -> None:
    assert most(machine()) == pytest.approx(0.3, abs=1e-6)


def test_the_same_thing_in_other_light_is_hardly_more() -> None:
    assert most(machine(level=90)) < 0.35


def test_the_same_thing_on_its_way_back_is_accepted_too() -> None:
    reversed_x, reversed_y = -2 * MOTION[0], -2 * MOTION[1]
    assert most(machine()[:, ::-1], (reversed_x, reversed_y, 0.0, 0.0, 0.0, 0.0, 0.0)) == pytest.approx(0.3, abs=1e-3)
    assert most(machine(), (reversed_x, reversed_y, 0.0, 0.0, 0.0, 0.0, 0.0)) > 0.5


def test_a_person_who_moves_like_it_stays_surprising() -> None:
    assert most(person()) > 4.0


def test_what_looks_like_it_and_moves_otherwise_stays_surprising() -> None:
    assert most(machine(), (0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0)) == pytest.approx(
        0.3 + 0.5 * 2**2 / math.log(10), abs=1e-6
    )


def test_an_exception_holds_in_its_context_only() -> None:
    assert most(machine(), context=CLOSED) == math.inf


def test_without_exemplars_or_objects_nothing_is_bounded() -> None:
    features = object_features(accepted().motion)
    assert NO_EXEMPLARS.most_surprise(features, machine()[None], np.array([OPEN])).tolist() == [math.inf]
    exemplars = Exemplars.of(accepted(), np.array([OPEN]))
    nothing = np.zeros((0, CROP_SIDE, CROP_SIDE), np.uint8)
    assert exemplars.most_surprise(features[:0], nothing, np.zeros(0, np.int64)).shape == (0,)
