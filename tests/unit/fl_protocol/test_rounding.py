"""Rounding: right in the mean, never beyond the norm, and the norm's formula against its paper."""

import math

import numpy as np
import pytest

from fl_protocol.noise import keystream
from fl_protocol.rounding import MAX_NORM, RETRY_SHARE, round_within, rounded_max_norm


@pytest.mark.parametrize(("max_norm", "num_values"), [(0.0, 1), (3.0, 1), (20.0, 50), (1000.0, 10**6)])
def test_bound_is_the_papers(max_norm: float, num_values: int) -> None:
    beta = math.exp(-0.5)
    paper = min(
        (max_norm + math.sqrt(num_values)) ** 2,
        max_norm**2 + num_values / 4 + math.sqrt(2 * math.log(1 / beta)) * (max_norm + math.sqrt(num_values) / 2),
    )
    assert rounded_max_norm(max_norm, num_values) == pytest.approx(math.sqrt(paper), rel=1e-12)


@pytest.mark.parametrize("scale", [0.0, 0.3, 5.0])
def test_most_roundings_keep_the_bound(scale: float) -> None:
    source = keystream(bytes(32))
    values = scale * np.sin(np.arange(400.0)) + 0.5
    bound = rounded_max_norm(float(np.linalg.norm(values)), 400)
    freely = [round_within(values, 10_000.0, source) for _ in range(200)]
    assert np.mean([np.linalg.norm(rounded) > bound for rounded in freely]) < RETRY_SHARE


def test_rounding_is_right_in_the_mean() -> None:
    values = np.array([0.0, 0.25, -0.25, 7.9, -7.9, 3.0], dtype=np.float32)
    source = keystream(bytes(32))
    mean = np.mean([round_within(values, 1e3, source) for _ in range(1500)], axis=0)
    assert np.abs(mean - values).max() < 5 * 0.5 / np.sqrt(1500)
    assert mean[0] == 0.0
    assert mean[5] == 3.0


def test_outcome_beyond_the_norm_is_drawn_again() -> None:
    """Both values may go up, and the norm allows one."""
    source = keystream(bytes(32))
    drawn = {tuple(round_within(np.array([0.5, 0.5]), 1.0, source).tolist()) for _ in range(100)}
    assert drawn == {(0, 0), (0, 1), (1, 0)}


@pytest.mark.parametrize("byte", [b"\x00", b"\xff"])
def test_stream_that_never_succeeds_ends_nearer_to_zero(byte: bytes) -> None:
    values = np.array([2.5, -2.5])
    assert round_within(values, 3.0, lambda num_bytes: byte * num_bytes).tolist() == [2, -2]


def test_norm_equal_to_the_bound_is_kept() -> None:
    assert round_within(np.array([3.0, 4.0]), 5.0, keystream(bytes(32))).tolist() == [3, 4]


def test_integer_parts_just_beyond_the_bound_are_refused() -> None:
    values = np.array([3.0, 4.0])
    with pytest.raises(
        ValueError, match=r"values: expected whole parts of norm at most 4\.99\d* steps, got more; largest 4"
    ):
        round_within(values, math.nextafter(5.0, 0.0), keystream(bytes(32)))


@pytest.mark.parametrize("values", [np.array([1e300]), np.array([4e9, 0.0]), np.full(10, 100.0)])
def test_vector_beyond_the_bound_is_refused(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
    with pytest.raises(
        ValueError, match=r"values: expected whole parts of norm at most 100\.0 steps, got more; largest "
    ):
        round_within(values, 100.0, keystream(bytes(32)))


@pytest.mark.parametrize("values", [np.array([np.nan]), np.array([np.inf]), np.zeros((2, 2))])
def test_values_that_are_no_finite_vector_are_refused(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
    with pytest.raises(ValueError, match="values: expected one vector of finite numbers, got shape"):
        round_within(values, 1.0, keystream(bytes(32)))


@pytest.mark.parametrize("max_norm", [-1.0, 2.1 * MAX_NORM, math.nan])
def test_norm_outside_its_range_is_refused(max_norm: float) -> None:
    with pytest.raises(ValueError, match="max_norm: expected 0 to 2147483648 steps"):
        round_within(np.zeros(1), max_norm, keystream(bytes(32)))
    with pytest.raises(ValueError, match="max_norm: expected 0 to 1073741824 steps"):
        rounded_max_norm(max_norm, 1)


def test_bound_of_no_values_is_refused() -> None:
    with pytest.raises(ValueError, match="num_values: expected at least 1, got 0"):
        rounded_max_norm(1.0, 0)
