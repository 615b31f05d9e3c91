"""Bounds of one round for the next: when they serve, and that they always can be told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fl_protocol.round_vector import RoundSettingsMessage
from fl_server.rounds.update_bounds import SMALLEST_MAX_NORM, RoundTerms, UpdateBounds

TERMS = RoundTerms(num_steps=16, proximal_mu=0.0, trained_parts="all", personal_parts="none")
FIRST = UpdateBounds(max_norm=20.0, max_examples=1, terms=TERMS)
LEARNED = FIRST.taught(0.25, 400)


def test_what_a_round_taught_serves_the_next_of_the_same_terms() -> None:
    assert FIRST.or_learned(LEARNED) is LEARNED
    assert (LEARNED.max_norm, LEARNED.max_examples, LEARNED.terms) == (0.25, 400, TERMS)


def test_first_round_begins_with_the_first_bounds() -> None:
    assert FIRST.or_learned(None) is FIRST


@pytest.mark.parametrize(
    "changed",
    [
        {"num_steps": 8},
        {"proximal_mu": 0.1},
        {"trained_parts": "film-and-heads"},
        {"personal_parts": "heads"},
        {"first_noisy_norm": 1.0},
    ],
)
def test_rounds_of_other_terms_begin_anew(changed: dict[str, Any]) -> None:
    other = FIRST.model_copy(update={"terms": TERMS.model_copy(update=changed)})
    assert other.or_learned(LEARNED) is other
    assert FIRST.or_learned(other.taught(0.25, 400)) is FIRST


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_whatever_sites_tell_the_bounds_can_be_told_and_kept(max_norm: float, max_examples: int) -> None:
    bounds = FIRST.taught(max_norm, max_examples)
    RoundSettingsMessage(
        round_number=1,
        seed=0,
        num_steps=1,
        is_conditioned=True,
        tubelet_steps=12,
        num_sites=3,
        max_norm=bounds.max_norm,
        max_examples=bounds.max_examples,
    )
    assert UpdateBounds.model_validate_json(bounds.model_dump_json()) == bounds  # bit for bit


@pytest.mark.parametrize(
    ("told", "kept"),
    [((-3.0, -7), (SMALLEST_MAX_NORM, 1)), ((1e300, 10**40), (1e9, 2**31 - 1)), ((0.5, 2), (0.5, 2))],
)
def test_what_a_site_makes_up_is_brought_within_bounds(told: tuple[float, int], kept: tuple[float, int]) -> None:
    bounds = FIRST.taught(*told)
    assert (bounds.max_norm, bounds.max_examples) == kept
