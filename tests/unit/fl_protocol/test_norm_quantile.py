"""The norm bound follows the quantile."""

import math

import numpy as np
import pytest

from fl_protocol.norm_quantile import fraction_below, next_max_norm


@pytest.mark.parametrize(("below", "above", "share"), [(10, 0, 1.0), (0, 10, 0.0), (3, 1, 0.75)])
def test_share_of_votes_without_noise_is_exact(below: int, above: int, share: float) -> None:
    assert fraction_below(64 * below - 64 * above, below + above, 64) == share


def test_bound_moves_as_in_the_paper() -> None:
    assert next_max_norm(2.0, 0.9, 0.5, 0.2) == pytest.approx(2.0 * math.exp(-0.2 * (0.9 - 0.5)))


def test_bound_at_the_quantile_stays() -> None:
    assert next_max_norm(2.0, 0.5, 0.5, 0.2) == 2.0


@pytest.mark.parametrize(("noisy", "as_if"), [(7.0, 1.0), (-3.0, 0.0)])
def test_share_beyond_its_ends_counts_as_the_end(noisy: float, as_if: float) -> None:
    assert next_max_norm(1.0, noisy, 0.5, 0.2) == next_max_norm(1.0, as_if, 0.5, 0.2)


@pytest.mark.parametrize("start", [0.01, 100.0])
def test_bound_settles_at_the_quantile_of_the_norms(start: float) -> None:
    norms = np.arange(1.0, 101.0)
    bound = start
    for _ in range(200):
        num_below = int((norms <= bound).sum())
        bound = next_max_norm(bound, fraction_below(2 * num_below - 100, 100, 1), 0.8, 0.2)
    assert bound == pytest.approx(80.0, rel=0.03)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((0.0, 0.5, 0.5, 0.2), "max_norm, learning_rate: expected positive numbers, got 0.0, 0.2"),
        ((math.inf, 0.5, 0.5, 0.2), "max_norm, learning_rate: expected positive numbers, got inf, 0.2"),
        ((1.0, 0.5, 0.5, 0.0), "max_norm, learning_rate: expected positive numbers, got 1.0, 0.0"),
        ((1.0, 0.5, 1.1, 0.2), r"expected a quantile in \[0, 1\] of a finite share, got 1.1, 0.5"),
        ((1.0, math.nan, 0.5, 0.2), r"expected a quantile in \[0, 1\] of a finite share, got 0.5, nan"),
    ],
)
def test_bad_setting_is_refused(arguments: tuple[float, float, float, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        next_max_norm(*arguments)


@pytest.mark.parametrize("counts", [(0, 1), (1, 0)])
def test_share_of_nobody_is_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="num_survivors, bit_steps: expected at least 1"):
        fraction_below(0, *counts)
