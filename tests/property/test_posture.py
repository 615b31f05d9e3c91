"""Laws of postures: the tilt decides, whatever the side, the place and the size, and nothing is said unseen."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model_zoo.perception.posture import DOWN_RAD, LEAST_CONFIDENCE, UPRIGHT_RAD, Stance, stance_of
from tests.fakes.pose_models import figure

_EDGE = 0.01

_tilts = st.floats(0.0, math.pi)
_sides = st.sampled_from([-1.0, 1.0])
_upright = st.floats(0.0, UPRIGHT_RAD - _EDGE)
_down = st.floats(DOWN_RAD + _EDGE, math.pi)


def expected(tilt_rad: float) -> Stance | None:
    """What the stated angles say."""
    if abs(tilt_rad) <= UPRIGHT_RAD:
        return Stance.UPRIGHT
    return Stance.DOWN if abs(tilt_rad) >= DOWN_RAD else None


@given(tilt=_tilts.filter(lambda one: min(abs(one - UPRIGHT_RAD), abs(one - DOWN_RAD)) > _EDGE), side=_sides)
def test_turning_a_body_takes_it_from_upright_over_unknown_to_down_at_the_stated_angles(
    tilt: float, side: float
) -> None:
    assert stance_of(figure(side * tilt)) is expected(tilt)


@given(tilt=_tilts, scale=st.floats(0.05, 20.0), x=st.floats(-3.0, 3.0), y=st.floats(-3.0, 3.0))
def test_place_and_size_change_nothing(tilt: float, scale: float, x: float, y: float) -> None:
    body = figure(tilt)
    moved = body.copy()
    moved[:, :2] = body[:, :2] * scale + [x, y]
    near = min(abs(tilt - UPRIGHT_RAD), abs(tilt - DOWN_RAD)) < _EDGE
    assert near or stance_of(moved) is stance_of(body)


@given(tilt=_tilts, confidence=st.floats(0.0, LEAST_CONFIDENCE - 0.001) | st.just(math.nan))
def test_what_is_not_surely_seen_is_unknown(tilt: float, confidence: float) -> None:
    assert stance_of(figure(tilt, confidence)) is None


@given(trunk=_down, legs=_upright)
def test_who_bends_with_the_legs_upright_is_not_down(trunk: float, legs: float) -> None:
    assert stance_of(figure(trunk, leg_tilt_rad=legs)) is None


@given(trunk=_upright, legs=_down)
def test_who_sits_on_the_ground_is_not_upright(trunk: float, legs: float) -> None:
    assert stance_of(figure(trunk, leg_tilt_rad=legs)) is None


@given(tilt=_tilts.filter(lambda one: min(abs(one - UPRIGHT_RAD), abs(one - DOWN_RAD)) > _EDGE))
def test_without_legs_the_trunk_decides_and_without_hips_nobody_does(tilt: float) -> None:
    body = figure(tilt)
    body[13:, 2] = 0.0
    assert stance_of(body) is expected(tilt)
    body[11:13, 2] = 0.0
    assert stance_of(body) is None


def test_keypoints_all_at_one_place_say_nothing() -> None:
    assert stance_of(np.full((17, 3), 0.9, np.float32)) is None
