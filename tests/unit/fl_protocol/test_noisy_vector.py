"""The vector of a round with noise: what sites put in comes out in the mean, with the noise that was meant."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from fl_protocol.errors import RecordError
from fl_protocol.noise import keystream, largest_noise
from fl_protocol.noisy_vector import (
    NoisyContribution,
    NoisyTotals,
    NoisyVector,
    bounded_values,
    noisy_lanes,
    noisy_totals,
)
from fl_protocol.round_vector import (
    RoundSettingsMessage,
    SiteContribution,
    noisy_round_vector,
    site_vector,
)
from fl_protocol.rounding import rounded_max_norm
from fl_protocol.secure_sum.vector import from_lanes
from tests.fakes.round_noise import round_noise

NUM_SITES, NUM_PARAMETERS = 6, 1500
NOISE = round_noise()
SETTINGS = RoundSettingsMessage(
    round_number=3,
    seed=1,
    num_steps=8,
    is_conditioned=True,
    tubelet_steps=12,
    num_sites=NUM_SITES,
    max_norm=1.0,
    max_examples=1,
    noise=NOISE,
)
VECTOR = noisy_round_vector(SETTINGS, NOISE, NUM_PARAMETERS)
UPDATE = (0.9 / math.sqrt(NUM_PARAMETERS) * np.where(np.arange(NUM_PARAMETERS) % 3, 1, -1)).astype(np.float32)
SITE = NoisyContribution(UPDATE, 0.6, 0.8)
RARE = 1e-9


def summed(
    sites: list[NoisyContribution], seed: int, vector: NoisyVector = VECTOR
) -> tuple[npt.NDArray[np.int64], ...]:
    """Adds vectors as the masked sum does."""
    source = keystream(seed.to_bytes(32))
    lanes = [noisy_lanes(site, vector, source) for site in sites]
    return tuple(
        from_lanes(segment, np.sum([one[place] for one in lanes], axis=0, dtype=lanes[0][place].dtype))
        for place, segment in enumerate(vector.layout)
    )


def totals_of(sites: list[NoisyContribution], seed: int) -> NoisyTotals:
    return noisy_totals(summed(sites, seed), len(sites), VECTOR)


def test_mean_of_many_sums_is_the_mean_of_the_sites() -> None:
    others = [dataclasses.replace(SITE, loss=1.0, auc=0.5)] * 2
    told = [totals_of([SITE, SITE, *others], seed) for seed in range(200)]
    wanted = 4 * np.sqrt(200)  # deviations of a mean of so many sums
    part = VECTOR.update
    deviation = part.sigma * part.step / wanted * 2
    error = np.mean([one.mean_update for one in told], axis=0) - UPDATE
    assert np.abs(error).max() < 6 * deviation
    assert np.std(error) == pytest.approx(deviation, rel=0.1)
    statistics = VECTOR.statistics.sigma * VECTOR.statistics.step / wanted * 2
    assert np.mean([one.mean_loss for one in told]) == pytest.approx(0.8, abs=6 * statistics)
    assert np.mean([one.mean_auc for one in told]) == pytest.approx(0.65, abs=3 * statistics)
    bit = VECTOR.norm_bit.sigma * VECTOR.norm_bit.step / wanted
    assert np.mean([one.inside_fraction for one in told]) == pytest.approx(1.0, abs=6 * bit)


def test_noise_of_the_sum_is_as_large_as_that_of_all_survivors() -> None:
    nothing = NoisyContribution(np.zeros(NUM_PARAMETERS, dtype=np.float32), 1.0, 0.5)
    for num_survivors in (NUM_SITES - NOISE.max_dropouts, NUM_SITES):
        update, *_ = summed([nothing] * num_survivors, num_survivors)
        sigma = VECTOR.update.sigma * math.sqrt(num_survivors)
        squares = float(update @ update) / sigma**2
        assert stats.chi2.ppf(RARE, update.size) < squares < stats.chi2.isf(RARE, update.size)
        assert (
            stats.kstest((update + np.random.default_rng(0).uniform(-0.5, 0.5, update.size)) / sigma, "norm").pvalue
            > RARE
        )
        fewest_honest = num_survivors - NOISE.max_corrupt
        assert VECTOR.update.sigma * math.sqrt(fewest_honest) >= VECTOR.update.sensitivity * 0.999


def test_noise_of_a_site_is_scaled_for_drop_outs_and_corrupt_sites() -> None:
    for part, noise in zip(VECTOR.parts, (NOISE.update, NOISE.statistics, NOISE.norm_bit), strict=True):
        fewest_honest = NUM_SITES - NOISE.max_dropouts - NOISE.max_corrupt
        assert part.sigma == pytest.approx(noise.noise_multiplier * noise.sensitivity / math.sqrt(fewest_honest))
        assert part.segment.limit >= part.largest + largest_noise(part.sigma)
        assert NUM_SITES * part.segment.limit < 2 ** (part.segment.num_bits - 1)


def test_update_beyond_the_bound_is_scaled_down_and_its_bit_says_so() -> None:
    long = dataclasses.replace(SITE, update=(100 * UPDATE).astype(np.float32), loss=1e9, auc=-3.0)
    update, statistics, bit = bounded_values(long, VECTOR)
    assert np.linalg.norm(update) == pytest.approx(VECTOR.max_norm, rel=1e-5)
    assert (statistics.tolist(), bit.tolist()) == ([1.0, -1.0], [-1.0])
    assert bounded_values(SITE, VECTOR)[2].tolist() == [1.0]
    assert bounded_values(dataclasses.replace(SITE, update=0 * UPDATE), VECTOR)[2].tolist() == [1.0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"update": UPDATE[:-1]}, r"expected 1500 finite values, got shape \(1499,\)"),
        ({"update": np.full_like(UPDATE, np.nan)}, "norm nan"),
        ({"loss": math.nan}, "expected one vector of finite numbers"),
        ({"auc": math.nan}, "expected one vector of finite numbers"),
    ],
)
def test_what_cannot_be_bounded_is_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        noisy_lanes(dataclasses.replace(SITE, **change), VECTOR, keystream(bytes(32)))  # type: ignore[arg-type]  # on purpose


def test_settings_with_noise_give_a_vector_without_counts_and_normality() -> None:
    evaluation = np.array([10.0, 7.0, 8.0, 1.0, 1.0, 1.0])
    contribution = SiteContribution(UPDATE, 123, 0.6, evaluation, np.arange(9.0))
    layout, lanes = site_vector(SETTINGS, contribution, np.random.default_rng(0), keystream(bytes(32)))
    assert (layout, [segment.size for segment in layout]) == (VECTOR.layout, [2048, 2, 1])
    for ours, told in zip(lanes, noisy_lanes(SITE, VECTOR, keystream(bytes(32))), strict=True):
        np.testing.assert_array_equal(ours, told)


def test_site_without_held_out_tubelets_tells_an_auc_of_a_half() -> None:
    contribution = SiteContribution(UPDATE, 123, 0.6, np.zeros(6), np.zeros(9))
    _, lanes = site_vector(SETTINGS, contribution, np.random.default_rng(0), keystream(bytes(32)))
    half = noisy_lanes(dataclasses.replace(SITE, auc=0.5), VECTOR, keystream(bytes(32)))
    np.testing.assert_array_equal(lanes[1], half[1])


def test_settings_with_noise_are_read_back() -> None:
    assert RoundSettingsMessage.decode(SETTINGS.encode()) == SETTINGS
    assert RoundSettingsMessage.decode(SETTINGS.model_copy(update={"noise": None}).encode()).noise is None


@pytest.mark.parametrize(
    ("noise", "examples", "problem"),
    [
        (round_noise(max_dropouts=3, max_corrupt=3), 1, "expected more than max_dropouts"),
        (
            round_noise(multiplier=0.01),
            1,
            "update: expected noise of 0.707 to 4096 steps a site, got 0.[0-9]+; choose a finer",
        ),
        (round_noise(multiplier=500.0), 1, "choose a coarser step"),
        (round_noise(), 2, "max_examples: expected 1 with noise, as every site counts once, got 2"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(noise: object, examples: int, problem: str) -> None:
    message = SETTINGS.model_copy(update={"noise": noise, "max_examples": examples}).encode()
    with pytest.raises(RecordError, match=f"settings: body: Value error, .*{problem}"):
        RoundSettingsMessage.decode(message)


def test_accountant_is_told_the_segments_that_travel() -> None:
    told = NOISE.segments(NUM_PARAMETERS)
    assert [(one.name, one.num_values) for one in told] == [(one.name, one.size) for one in VECTOR.layout]
    assert told[0].sensitivity == rounded_max_norm(90.0, 2048) == VECTOR.update.sensitivity
