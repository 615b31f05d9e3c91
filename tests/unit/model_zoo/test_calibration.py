"""From scores to shares of normal tubelets."""

import numpy as np
import pytest

from model_zoo.calibration import MAX_SURPRISE, NUM_BINS, Calibration, fit_calibration
from model_zoo.errors import ModelFileError


def zeros(count: int) -> np.ndarray:
    return np.zeros(count, np.int64)


def normal_scores(count: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng([2]).exponential(2.0, count) + shift


def test_calibrated_is_the_share_of_normal_scores_that_are_lower() -> None:
    scores = normal_scores(20_000)
    calibration = fit_calibration(scores, zeros(20_000), 1)
    asked = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
    shares = [(scores < one).mean() for one in asked]
    assert calibration.calibrated(asked, zeros(5)) == pytest.approx(shares, abs=0.01)


def test_tail_goes_on_as_the_top_of_the_normal_scores_did() -> None:
    calibration = fit_calibration(normal_scores(20_000), zeros(20_000), 1)
    asked = np.array([8.0, 16.0, 24.0])
    assert calibration.surprise(asked, zeros(3)) == pytest.approx(asked / 2 / np.log(10), rel=0.12)


def test_surprise_far_out_keeps_the_order_and_stays_below_its_bound() -> None:
    calibration = fit_calibration(normal_scores(1000), zeros(1000), 1)
    surprise = calibration.surprise(np.array([50.0, 500.0, 5e3, 5e4]), zeros(4))
    assert (np.diff(surprise) > 0).all()
    assert surprise[-1] < MAX_SURPRISE
    assert (calibration.calibrated(np.array([5e4]), zeros(1)) < 1.0).all()


def test_each_context_has_its_own_calibration_once_it_has_samples() -> None:
    scores = np.concatenate([normal_scores(5000), normal_scores(5000, shift=10.0), normal_scores(5, shift=10.0)])
    context = np.repeat([0, 1, 2], [5000, 5000, 5])
    calibration = fit_calibration(scores, context, 3)
    low, high, few = calibration.surprise(np.array([14.0] * 3), np.arange(3))
    assert low > 2.0
    assert high < 1.1
    assert high < few < low


def test_without_samples_a_broad_guess_remains() -> None:
    surprise = fit_calibration(np.zeros(0), zeros(0), 2).surprise(np.array([-50.0, 0.0, 20.0, 2e4]), zeros(4))
    assert (np.diff(surprise) > 0).all()
    assert surprise[2] == pytest.approx(3.5, abs=0.2)


def test_calibrations_of_two_stretches_add_up() -> None:
    scores, context = normal_scores(300), np.arange(300) % 3
    added = fit_calibration(scores[:100], context[:100], 3) + fit_calibration(scores[100:], context[100:], 3)
    assert added.counts.tolist() == fit_calibration(scores, context, 3).counts.tolist()
    with pytest.raises(ValueError, match=rf"expected counts of shape \(3, {NUM_BINS}\), got \(1, {NUM_BINS}\)"):
        added + fit_calibration(scores, zeros(300), 1)


def test_calibration_survives_a_round_trip_and_refuses_damage() -> None:
    calibration = fit_calibration(normal_scores(50), zeros(50), 2)
    assert Calibration.from_arrays(calibration.arrays()).counts.tolist() == calibration.counts.tolist()
    for damaged in ({}, {"calibration_counts": np.zeros((2, 3))}):
        with pytest.raises(ModelFileError, match=rf"expected calibration counts \(K, {NUM_BINS}\)"):
            Calibration.from_arrays(damaged)
    for value in (-1.0, np.nan):
        with pytest.raises(ModelFileError, match="expected calibration counts of at least 0"):
            Calibration.from_arrays({"calibration_counts": np.full((2, NUM_BINS), value)})


def test_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="expected finite scores"):
        fit_calibration(np.array([np.nan]), zeros(1), 1)
