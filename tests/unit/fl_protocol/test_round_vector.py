"""The vector of a training round: what sites put in comes out as sums, and what does not fit is refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fl_protocol.errors import RecordError
from fl_protocol.round_vector import (
    RoundSettingsMessage,
    RoundVector,
    SiteContribution,
    round_totals,
    round_vector,
    site_lanes,
)
from fl_protocol.secure_sum.vector import Values, from_lanes, layout_bytes

ROOT = Path(__file__).parents[3]
SETTINGS = RoundSettingsMessage(
    round_number=3,
    seed=1,
    num_steps=8,
    is_conditioned=True,
    tubelet_steps=12,
    num_sites=4,
    max_norm=1.0,
    max_examples=100,
)
VECTOR = round_vector(SETTINGS, 50, 3, 2)
SITE = SiteContribution(
    np.linspace(-0.1, 0.1, 50, dtype=np.float32), 50, 0.7, np.array([10.0, 6.0, 5.5]), np.array([1.0, -2.25])
)


def summed(sites: list[SiteContribution], vector: RoundVector = VECTOR) -> tuple[Values, ...]:
    """Adds vectors as the masked sum does."""
    rng = np.random.default_rng(0)
    lanes = [site_lanes(site, vector, rng) for site in sites]
    return tuple(
        from_lanes(segment, np.sum([one[place] for one in lanes], axis=0, dtype=lanes[0][place].dtype))
        for place, segment in enumerate(vector.layout)
    )


@pytest.mark.parametrize(
    ("num_parameters", "num_bytes"), [(307_305, 524_416), (261_448, 449_536), (71_377, 140_032), (0, 23_552)]
)
def test_vectors_of_twenty_sites_have_the_bytes_that_the_docs_say(num_parameters: int, num_bytes: int) -> None:
    vector = round_vector(SETTINGS.model_copy(update={"num_sites": 20}), num_parameters, 18, 2900)
    found = layout_bytes(vector.layout) if num_parameters else layout_bytes(vector.layout[1:])
    assert found == num_bytes
    assert f"{num_bytes:,}".replace(",", " ") in (ROOT / "docs" / "secure-rounds.md").read_text(encoding="utf-8")


def test_mean_update_is_weighted_by_examples_and_sums_are_sums() -> None:
    other = dataclasses.replace(SITE, update=-SITE.update, num_examples=25, loss=0.4)
    totals = round_totals(summed([SITE, other]), 2, VECTOR)
    np.testing.assert_allclose(totals.mean_update, SITE.update / 3, atol=0.01)
    assert totals.mean_loss == pytest.approx((50 * 0.7 + 25 * 0.4) / 75, rel=1e-3)
    assert totals.num_cut == 0
    assert (totals.examples.mean, totals.examples.deviation) == pytest.approx((37.5, 12.5), rel=1e-3)
    assert totals.norms.mean == pytest.approx(float(np.linalg.norm(SITE.update)), rel=1e-3)
    assert totals.norms.deviation < 0.01
    assert (totals.evaluation.tolist(), totals.normality.tolist()) == ([20.0, 12.0, 11.0], [2.0, -4.5])


def test_site_with_more_examples_counts_as_the_most_do() -> None:
    other = dataclasses.replace(SITE, update=-SITE.update, num_examples=10**5)
    totals = round_totals(summed([dataclasses.replace(SITE, num_examples=100), other]), 2, VECTOR)
    np.testing.assert_allclose(totals.mean_update, 0.0, atol=0.01)
    assert totals.examples.mean == 50_050.0
    assert totals.examples.deviation == pytest.approx(49_950.0)


@given(st.lists(st.tuples(st.integers(1, 5000), st.floats(0.01, 10.0)), min_size=2, max_size=4))
def test_spread_is_that_of_the_survivors(told: list[tuple[int, float]]) -> None:
    unit = SITE.update / np.linalg.norm(SITE.update)
    sites = [dataclasses.replace(SITE, num_examples=many, update=np.float32(norm) * unit) for many, norm in told]
    totals = round_totals(summed(sites), len(sites), VECTOR)
    examples, norms = np.array(told).T
    for spread, values in ((totals.examples, examples), (totals.norms, norms)):
        assert spread.mean == pytest.approx(values.mean(), rel=1e-3)
        assert spread.deviation == pytest.approx(values.std(), rel=0.01, abs=0.05)


def test_site_far_beyond_its_bounds_spoils_the_spread_alone() -> None:
    other = dataclasses.replace(SITE, num_examples=2**40)
    totals = round_totals(summed([SITE, other]), 2, VECTOR)
    np.testing.assert_allclose(totals.mean_update, SITE.update, atol=0.01)
    assert totals.examples.mean == 2**39 + 25
    assert totals.examples.deviation == 0.0


def test_all_count_alike_where_one_example_counts() -> None:
    vector = round_vector(SETTINGS.model_copy(update={"max_examples": 1}), 50, 3, 2)
    other = dataclasses.replace(SITE, update=-SITE.update, num_examples=1)
    totals = round_totals(summed([SITE, other], vector), 2, vector)
    np.testing.assert_allclose(totals.mean_update, 0.0, atol=0.01)
    assert totals.examples.mean == 25.5


def test_settings_are_read_back_and_their_bytes_are_stable() -> None:
    assert RoundSettingsMessage.decode(SETTINGS.encode()) == SETTINGS
    assert SETTINGS.encode() == RoundSettingsMessage.decode(SETTINGS.encode()).encode()


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (b"", "settings: body: Invalid JSON"),
        (b" " * 10_001, "settings: expected at most 10000 bytes, got 10001"),
        (SETTINGS.encode().replace(b'"num_sites":4', b'"num_sites":2'), "settings: num_sites: Input should be greater"),
        (SETTINGS.encode().replace(b'"max_norm":1.0', b'"max_norm":null'), "settings: max_norm: "),
        (SETTINGS.encode().replace(b'"seed":1', b'"seed":1,"more":1'), "settings: more: Extra inputs"),
    ],
)
def test_other_settings_are_refused(message: bytes, problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        RoundSettingsMessage.decode(message)


def test_weights_that_cannot_be_are_refused() -> None:
    values = summed([SITE])
    values[1][0] = 3 << 16
    with pytest.raises(RecordError, match=r"expected weights of 1 sites, got 3\.0"):
        round_totals(values, 1, VECTOR)
    values[1][0] = 0
    with pytest.raises(RecordError, match="expected weights of 1 sites"):
        round_totals(values, 1, VECTOR)


def test_sums_beyond_64_bits_are_refused_at_the_site() -> None:
    with pytest.raises(ValueError, match="expected sums that fit 64 bits, got 1 beyond"):
        site_lanes(dataclasses.replace(SITE, normality=np.array([1e18, 0.0])), VECTOR, np.random.default_rng(0))
