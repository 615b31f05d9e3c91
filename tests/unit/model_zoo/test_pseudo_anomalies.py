"""Pseudo-anomalies: each changes what it says and nothing else."""

import math

import numpy as np
import pytest

from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, NUM_STEPS
from model_zoo.training.pseudo_anomalies import Example, linger, mix_up, reshape_object, speed_up, turn_round
from tests.fakes.tubelets import drawn_tubelets

VELOCITY, SPEEDS, SIZES, DWELL = slice(0, 2), slice(0, 4), slice(4, 6), 6


def example(seed: int) -> Example:
    tubelet = drawn_tubelets(1, seed)
    return tubelet.crops[0], tubelet.motion[0]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def test_speed_up_scales_all_speeds_by_one_factor_and_skips_frames(rng: np.random.Generator) -> None:
    (crops, motion), (played, faster) = example(1), speed_up(example(1), example(2), rng)
    factors = faster[:, SPEEDS] / motion[:, SPEEDS]
    assert 1.8 <= factors.min() <= factors.max() <= 3.5
    assert np.ptp(factors) < 1e-5
    np.testing.assert_array_equal(faster[:, 4:], motion[:, 4:])
    shown = [next(step for step in range(NUM_STEPS) if np.array_equal(crops[step], crop)) for crop in played]
    assert shown[0] == 0
    assert 1.8 - 1 <= shown[1] <= 3.5
    assert max(np.abs(np.diff(shown))) <= 4


def test_turning_round_twice_is_as_before_and_once_is_not(rng: np.random.Generator) -> None:
    once = turn_round(example(1), example(2), rng)
    crops, motion = turn_round(once, example(2), rng)
    np.testing.assert_array_equal(crops, example(1)[0])
    np.testing.assert_array_equal(motion, example(1)[1])
    np.testing.assert_array_equal(once[1][:, VELOCITY], -motion[:, VELOCITY])
    np.testing.assert_array_equal(once[1][:, 2:], motion[:, 2:])
    np.testing.assert_array_equal(once[0][:, :, 0], crops[:, :, -1])


@pytest.mark.parametrize("already_s", [0.0, 1.0, 300.0])
def test_lingering_adds_fifteen_to_ninety_seconds_and_stops_the_object(
    rng: np.random.Generator, already_s: float
) -> None:
    crops, motion = example(1)
    motion[:, DWELL] = math.log1p(already_s)
    frozen, standing = linger((crops, motion), example(2), rng)
    added_s = np.expm1(standing[:, DWELL].astype(np.float64)) - already_s
    assert 14.9 < added_s.min() <= added_s.max() < 90.1
    assert (np.abs(standing[:, SPEEDS]) <= 0.15 * np.abs(motion[:, SPEEDS]) + 1e-6).all()
    assert (frozen == frozen[0]).all()
    assert any(np.array_equal(frozen[0], crop) for crop in crops)


def test_reshaping_changes_both_sizes_by_a_third_to_threefold_and_no_speed(rng: np.random.Generator) -> None:
    (crops, motion), (shown, reshaped) = example(1), reshape_object(example(1), example(2), rng)
    factors = np.abs(np.log(reshaped[:, SIZES] / motion[:, SIZES]))
    assert 0.3 - 1e-5 <= factors.min() <= factors.max() <= 1.0 + 1e-5
    np.testing.assert_array_equal(reshaped[:, SPEEDS], motion[:, SPEEDS])
    assert not np.array_equal(shown, crops)


def test_mixed_up_object_looks_like_the_donor_and_moves_as_before(rng: np.random.Generator) -> None:
    crops, motion = mix_up(example(1), example(2), rng)
    np.testing.assert_array_equal(crops, example(2)[0])
    np.testing.assert_array_equal(motion, example(1)[1])


def test_examples_are_as_long_as_stored_tubelets() -> None:
    assert example(1)[0].shape == (NUM_STEPS, CROP_SIDE, CROP_SIDE)
    assert example(1)[1].shape == (NUM_STEPS, NUM_MOTION)
