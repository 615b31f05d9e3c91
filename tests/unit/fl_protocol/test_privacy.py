"""The cost of a round against its paper and against divergences computed from the laws themselves."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt
import pytest

from fl_protocol.errors import PrivacyError
from fl_protocol.noise import SAMPLER_DISTANCE, discrete_gaussian, keystream
from fl_protocol.privacy import (
    CohortBounds,
    NoisySegment,
    check_survivors,
    round_cost,
    segment_rho,
    site_sigma,
    sum_divergence,
)

COHORT = CohortBounds(num_sites=20, max_dropouts=5, max_corrupt=3)
UPDATE = NoisySegment("update", 10_000, sensitivity=200.0, noise_multiplier=1.2)

Law = npt.NDArray[np.float64]


def _law(sigma: float, scale: float = 1.0) -> Law:
    """The discrete Gaussian of ``scale * sigma`` on -36 sigma to 36 sigma, where a float still tells it from zero."""
    reach = int(36 * sigma)
    weights = np.exp(-(np.arange(-reach, reach + 1.0) ** 2) / (2 * (scale * sigma) ** 2))
    return np.asarray(weights / weights.sum())


def _sum_law(sigma: float, num_noises: int) -> Law:
    """The sum's law on the same integers; only near the ends does it miss what is beyond them."""
    law = _law(sigma)
    for _ in range(num_noises - 1):
        law = np.convolve(law, _law(sigma), mode="same")
    return law


def _renyi(law: Law, shift: int, order: float) -> float:
    """Divergence of the shifted law from the law, on the inner two thirds."""
    kept = slice(law.size // 6, -(law.size // 6))
    logs = order * np.log(np.roll(law, shift)[kept]) + (1 - order) * np.log(law[kept])
    return float(np.log(np.exp(logs).sum()) / (order - 1))


@pytest.mark.parametrize("num_noises", [2, 3, 6])
@pytest.mark.parametrize("sigma", [0.7072, 0.8, 1.0])
def test_sum_of_discrete_gaussians_is_as_near_to_one_as_is_said(sigma: float, num_noises: int) -> None:
    quotient = _sum_law(sigma, num_noises) / _law(sigma, math.sqrt(num_noises))
    middle = quotient.size // 2
    largest = np.abs(np.log(quotient[middle - 8 : middle + 9])).max()
    assert largest <= sum_divergence(sigma, num_noises) / 2
    if num_noises == 2:
        assert largest > sum_divergence(sigma, num_noises) / 8


def test_one_discrete_gaussian_is_one() -> None:
    assert sum_divergence(1.0, 1) == 0.0


@pytest.mark.parametrize("sigma", [0.7072, 0.9, 1.5])
@pytest.mark.parametrize("num_noises", [1, 2, 5])
def test_divergence_of_a_shifted_sum_is_within_its_cost(sigma: float, num_noises: int) -> None:
    law = _sum_law(sigma, num_noises)
    for shift in (1, 2):
        rho = segment_rho(NoisySegment("one", 1, float(shift), 1.0), sigma, num_noises)
        for order in (1.01, 1.5, 2.0, 3.0):
            assert _renyi(law, shift, order) <= order * rho * (1 + 1e-9)


def test_cost_is_the_papers() -> None:
    sigma, honest, values, sensitivity = 1.1, 12, 10_000, 200.0
    tau = 10 * sum(math.exp(-2 * math.pi**2 * sigma**2 * k / (k + 1)) for k in range(1, honest))
    square = sensitivity**2 / (honest * sigma**2)
    paper = min(math.sqrt(square + 2 * tau * values), math.sqrt(square) + tau * math.sqrt(values))
    assert segment_rho(UPDATE, sigma, honest) == pytest.approx(paper**2 / 2, rel=1e-12)


def test_sites_noise_adds_up_to_what_is_wanted_with_the_fewest_honest_survivors() -> None:
    assert COHORT.fewest_survivors == 15
    assert COHORT.fewest_honest == 12
    assert math.sqrt(12) * site_sigma(UPDATE, COHORT) == pytest.approx(1.2 * 200.0)


def test_noise_drawn_by_the_fewest_honest_survivors_is_as_much_as_wanted() -> None:
    sources = [keystream(bytes([site]) * 32) for site in range(COHORT.fewest_honest)]
    drawn = sum(discrete_gaussian(site_sigma(UPDATE, COHORT), UPDATE.num_values, source) for source in sources)
    assert np.std(drawn) == pytest.approx(1.2 * 200.0, rel=5 / math.sqrt(2 * UPDATE.num_values))


def test_cost_of_ample_noise_is_that_of_the_gaussian_mechanism() -> None:
    assert round_cost([UPDATE], COHORT).rho == pytest.approx(1 / (2 * 1.2**2), rel=1e-12)


def test_costs_of_segments_add_up() -> None:
    bit = NoisySegment("norm-bit", 1, sensitivity=64.0, noise_multiplier=8.0)
    both, update, one = (round_cost(segments, COHORT) for segments in ([UPDATE, bit], [UPDATE], [bit]))
    assert both.rho == pytest.approx(update.rho + one.rho, rel=1e-12)
    assert one.rho == pytest.approx(1 / 128, rel=1e-9)
    assert both.distance == 20 * 10_001 * SAMPLER_DISTANCE
    assert round_cost([], COHORT).rho == 0.0


def test_tolerated_drop_outs_cost_no_more_and_others_would() -> None:
    sigma, charged = site_sigma(UPDATE, COHORT), round_cost([UPDATE], COHORT).rho
    by_survivors = {count: segment_rho(UPDATE, sigma, count - COHORT.max_corrupt) for count in range(10, 21)}
    assert all(rho <= charged for count, rho in by_survivors.items() if count >= 15)
    assert all(rho > charged for count, rho in by_survivors.items() if count < 15)
    assert by_survivors[14] == pytest.approx(charged * 12 / 11)


@pytest.mark.parametrize("num_survivors", [15, 16, 20])
def test_sum_with_enough_noise_is_unmasked(num_survivors: int) -> None:
    check_survivors(num_survivors, COHORT)


@pytest.mark.parametrize("num_survivors", [0, 14, 21])
def test_sum_with_too_little_noise_is_not_unmasked(num_survivors: int) -> None:
    with pytest.raises(PrivacyError, match=f"unmasking: expected 15 to 20 survivors, got {num_survivors}"):
        check_survivors(num_survivors, COHORT)


@pytest.mark.parametrize(
    ("numbers", "problem"),
    [
        ((5, 3, 2), "num_sites: expected more than max_dropouts"),
        ((0, 0, 0), "num_sites: expected more than max_dropouts"),
        ((9, -1, 0), "max_dropouts and max_corrupt: expected at least 0"),
        ((9, 0, -1), "max_dropouts and max_corrupt: expected at least 0"),
    ],
)
def test_cohort_without_an_honest_survivor_is_refused(numbers: tuple[int, int, int], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        CohortBounds(*numbers)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("num_values", 0, "update: num_values: expected at least 1, got 0"),
        ("sensitivity", 0.0, "update: sensitivity: expected a positive number, got 0.0"),
        ("sensitivity", math.inf, "update: sensitivity: expected a positive number, got inf"),
        ("noise_multiplier", -1.0, "update: noise_multiplier: expected a positive number, got -1.0"),
        ("noise_multiplier", math.nan, "update: noise_multiplier: expected a positive number, got nan"),
    ],
)
def test_impossible_segment_is_refused(field: str, value: float, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        dataclasses.replace(UPDATE, **{field: value})  # type: ignore[arg-type]  # one of several fields


@pytest.mark.parametrize(
    ("sensitivity", "problem"),
    [
        (1.0, "update: expected noise of 0.707 to 4096 steps a site, got 0.346; choose a finer step"),
        (1e5, r"update: expected noise of 0.707 to 4096 steps a site, got 3.46e\+04; choose a coarser step"),
    ],
)
def test_noise_that_cannot_be_had_is_refused_with_what_to_change(sensitivity: float, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        round_cost([dataclasses.replace(UPDATE, sensitivity=sensitivity)], COHORT)


@pytest.mark.parametrize(("sigma", "num_noises"), [(0.7, 2), (1.0, 0)])
def test_divergence_outside_its_proof_is_refused(sigma: float, num_noises: int) -> None:
    with pytest.raises(ValueError, match=r"expected sigma >= 0\.707 and a noise, got "):
        sum_divergence(sigma, num_noises)
