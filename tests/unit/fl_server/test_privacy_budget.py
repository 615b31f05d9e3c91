"""The budget against the accounting library, and the refusal of a round beyond it."""

import json
import math
from typing import Any

import pytest

from fl_protocol.noise import SAMPLER_DISTANCE
from fl_protocol.privacy import CohortBounds, NoisySegment, RoundCost, round_cost
from fl_server.errors import BudgetError, CheckpointError
from fl_server.rounds.privacy_budget import PrivacyBudget

COHORT = CohortBounds(num_sites=20, max_dropouts=5, max_corrupt=3)
SEGMENTS = (
    NoisySegment("update", 1_000_000, sensitivity=800.0, noise_multiplier=4.0),
    NoisySegment("statistics", 3_000, sensitivity=300.0, noise_multiplier=10.0),
    NoisySegment("norm-bit", 1, sensitivity=64.0, noise_multiplier=20.0),
)
COST = round_cost(SEGMENTS, COHORT)
FRESH = PrivacyBudget(target_epsilon=8.0, target_delta=1e-5)


@pytest.fixture(scope="module", autouse=True)
def _accounting_library() -> None:
    """Imported once, for it takes a second or two."""
    import dp_accounting.rdp  # noqa: F401


def _after(budget: PrivacyBudget, num_rounds: int, cost: RoundCost = COST) -> PrivacyBudget:
    for _ in range(num_rounds):
        budget = budget.after_round(cost)
    return budget


@pytest.mark.parametrize("num_rounds", [1, 10, 30])
def test_epsilon_is_the_accounting_librarys(num_rounds: int) -> None:
    from dp_accounting import ZCDpEvent
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant()
    accountant.compose(ZCDpEvent(COST.rho), num_rounds)
    assert _after(FRESH, num_rounds).spent() == pytest.approx(accountant.get_epsilon(1e-5), rel=1e-12)


def test_epsilon_is_that_of_gaussians_with_the_same_multipliers() -> None:
    from dp_accounting import ComposedDpEvent, GaussianDpEvent
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant()
    accountant.compose(ComposedDpEvent([GaussianDpEvent(segment.noise_multiplier) for segment in SEGMENTS]), 10)
    assert _after(FRESH, 10).spent() == pytest.approx(accountant.get_epsilon(1e-5), rel=1e-9)


def test_nothing_is_spent_before_the_first_round() -> None:
    assert FRESH.spent() == 0.0


def test_every_round_spends_more() -> None:
    states = [_after(FRESH, count) for count in range(5)]
    spent = [state.spent() for state in states]
    assert spent == sorted(set(spent))
    assert [state.num_rounds for state in states] == [0, 1, 2, 3, 4]


def test_round_beyond_the_budget_is_refused_and_the_state_stays() -> None:
    budget = _after(FRESH, 32)
    assert 7.8 < budget.spent() <= 8.0
    with pytest.raises(BudgetError, match=r"round 33: expected epsilon of at most 8 at delta 1e-05, got 8\.\d+"):
        budget.after_round(COST)
    assert budget == _after(FRESH, 32)


def test_cheaper_round_may_follow_a_refused_one() -> None:
    dear = RoundCost(rho=10.0, distance=0.0)
    with pytest.raises(BudgetError):
        FRESH.after_round(dear)
    assert FRESH.after_round(COST).num_rounds == 1


def test_distance_of_the_noise_is_taken_from_delta() -> None:
    from dp_accounting import ZCDpEvent
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant()
    accountant.compose(ZCDpEvent(0.01))
    distance = 5e-6 / (1 + math.exp(8.0))
    assert _after(FRESH, 1, RoundCost(0.01, distance)).spent() == pytest.approx(accountant.get_epsilon(5e-6), rel=1e-9)


def test_noise_too_far_from_its_law_promises_nothing() -> None:
    with pytest.raises(BudgetError, match="got inf"):
        FRESH.after_round(RoundCost(rho=1e-9, distance=1e-5))


def test_sampler_never_matters_to_delta() -> None:
    # A thousand sites, ten million values, a million rounds.
    assert (1 + math.exp(8.0)) * 1e16 * SAMPLER_DISTANCE < 1e-13


def test_state_survives_as_json() -> None:
    budget = _after(FRESH, 3)
    assert PrivacyBudget.from_json(json.loads(json.dumps(budget.to_json()))) == budget


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema_version": 2}, "privacy budget: schema_version: Input should be 1 (got 2)"),
        ({"rho": -0.1}, "privacy budget: rho: Input should be greater than or equal to 0 (got -0.1)"),
        ({"rho": "0"}, "privacy budget: rho: Input should be a valid number (got '0')"),
        ({"rho": math.nan}, "privacy budget: rho: Input should be a finite number (got nan)"),
        ({"num_rounds": 1.5}, "privacy budget: num_rounds: Input should be a valid integer (got 1.5)"),
        ({"target_delta": 1.0}, "privacy budget: target_delta: Input should be less than 1 (got 1.0)"),
        ({"more": 1}, "privacy budget: more: Extra inputs are not permitted (got 1)"),
    ],
)
def test_damaged_state_is_refused_with_its_place(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(CheckpointError) as refused:
        PrivacyBudget.from_json(FRESH.to_json() | change)
    assert str(refused.value) == problem


def test_state_without_what_was_spent_is_refused() -> None:
    stored = {name: value for name, value in FRESH.to_json().items() if name != "rho"}
    with pytest.raises(CheckpointError, match="privacy budget: rho: Field required"):
        PrivacyBudget.from_json(stored)


@pytest.mark.parametrize(
    ("epsilon", "delta", "problem"),
    [
        (0.0, 1e-5, "target_epsilon: expected more than 0, at most 100.0, got 0.0"),
        (101.0, 1e-5, "target_epsilon: expected more than 0, at most 100.0, got 101.0"),
        (math.nan, 1e-5, "target_epsilon: expected more than 0, at most 100.0, got nan"),
        (1.0, 0.0, "target_delta: expected more than 0, less than 1, got 0.0"),
        (1.0, 1.0, "target_delta: expected more than 0, less than 1, got 1.0"),
    ],
)
def test_promise_that_is_none_is_refused(epsilon: float, delta: float, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        PrivacyBudget(epsilon, delta)
