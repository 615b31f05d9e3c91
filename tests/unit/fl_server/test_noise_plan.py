"""The noise that a promise asks for: enough, no more than that, and refused where sites cannot add it."""

import math

import pydantic
import pytest

from fl_protocol.noise import MAX_SIGMA
from fl_protocol.noisy_vector import noisy_vector
from fl_protocol.privacy import CohortBounds, site_sigma
from fl_protocol.privacy_loss import epsilon_spent
from fl_protocol.secure_sum.group import sum_group
from fl_server.errors import BudgetError
from fl_server.rounds.noise_plan import LEAST_SITE_SIGMA, cohort_bounds, noise_plan
from fl_server.rounds.privacy_budget import PrivacyBudget
from fl_server.run_options import RunOptions

TWENTY = CohortBounds(num_sites=20, max_dropouts=2, max_corrupt=6)
NUM_PARAMETERS = 307_305


@pytest.fixture(scope="module", autouse=True)
def _accounting_library() -> None:
    """Imported once, for it takes a second or two."""
    import dp_accounting.rdp  # noqa: F401


@pytest.mark.parametrize("epsilon", [1.0, 8.0, 32.0])
@pytest.mark.parametrize("cohort", [TWENTY, CohortBounds(5, 1, 1), CohortBounds(1000, 50, 333)])
@pytest.mark.parametrize("num_rounds", [1, 30])
def test_all_rounds_are_within_the_promise_and_use_it_up(epsilon: float, cohort: CohortBounds, num_rounds: int) -> None:
    budget = PrivacyBudget(epsilon, 1e-6)
    plan = noise_plan(budget, num_rounds, cohort, NUM_PARAMETERS)
    for _ in range(num_rounds):
        budget = budget.after_round(plan.cost)
    assert 0.999 * epsilon < budget.spent() <= epsilon
    assert epsilon_spent(budget.rho, budget.distance, epsilon, 1e-6) <= epsilon  # a box that promised as much agrees
    with pytest.raises(BudgetError):
        budget.after_round(plan.cost)
    for segment in plan.noise.segments(NUM_PARAMETERS):
        assert LEAST_SITE_SIGMA <= site_sigma(segment, cohort) <= MAX_SIGMA


def test_lanes_of_twenty_sites_stay_within_twenty_bits() -> None:
    plan = noise_plan(PrivacyBudget(8.0, 1e-5), 10, TWENTY, NUM_PARAMETERS)
    vector = noisy_vector(plan.noise, 20, NUM_PARAMETERS, 1.0, b"")
    assert [segment.num_bits for segment in vector.layout] == [19, 18, 18]
    assert plan.noise.norm_bit.norm_steps.is_integer()
    assert plan.noise.update.sensitivity < 1.04 * plan.noise.update.norm_steps
    gaussian = 1 / math.sqrt(2 * plan.cost.rho)
    assert plan.noise.update.noise_multiplier == pytest.approx(gaussian, rel=0.03)


def test_little_noise_in_a_large_fleet_has_finer_steps() -> None:
    large = CohortBounds(num_sites=5000, max_dropouts=0, max_corrupt=1666)
    plan = noise_plan(PrivacyBudget(32.0, 1e-6), 1, large, 1000)
    assert plan.noise.norm_bit.norm_steps == 128.0
    assert all(site_sigma(segment, large) >= LEAST_SITE_SIGMA for segment in plan.noise.segments(1000))


def test_what_was_spent_before_makes_the_noise_larger() -> None:
    fresh = PrivacyBudget(8.0, 1e-5)
    plan = noise_plan(fresh, 10, TWENTY, 1000)
    after_half = fresh
    for _ in range(5):
        after_half = after_half.after_round(plan.cost)
    same = noise_plan(after_half, 5, TWENTY, 1000)
    more = noise_plan(after_half, 10, TWENTY, 1000)
    assert same.noise.update.noise_multiplier == pytest.approx(plan.noise.update.noise_multiplier, rel=1e-4)
    assert more.noise.update.noise_multiplier == pytest.approx(
        math.sqrt(2) * plan.noise.update.noise_multiplier, rel=1e-3
    )


@pytest.mark.parametrize(("epsilon", "num_rounds"), [(0.01, 100), (1e-9, 1), (0.1, 1)])
def test_promise_that_sites_cannot_keep_is_refused(epsilon: float, num_rounds: int) -> None:
    few = CohortBounds(3, 0, 1)
    with pytest.raises(BudgetError, match=rf"target-epsilon: {epsilon:g} at delta 1e-05, 0 spent, is too little for"):
        noise_plan(PrivacyBudget(epsilon, 1e-5), num_rounds, few, NUM_PARAMETERS)


def test_budget_that_is_used_up_gives_no_noise() -> None:
    budget = PrivacyBudget(8.0, 1e-5)
    spent = budget.after_round(noise_plan(budget, 1, TWENTY, 1000).cost)
    with pytest.raises(BudgetError, match=r"target-epsilon: 8 at delta 1e-05, 8 spent, is too little for 1 rounds"):
        noise_plan(spent, 1, TWENTY, 1000)
    assert noise_plan(spent.promising(10.0, 1e-5), 1, TWENTY, 1000).cost.rho > 0


@pytest.mark.parametrize(
    ("num_sites", "min_sites", "expected"),
    [(20, 2, (20, 6, 6)), (20, 20, (20, 0, 6)), (5, 1, (5, 1, 1)), (3, 2, (3, 0, 1)), (200, 180, (200, 20, 66))],
)
def test_noise_is_made_for_the_quorum_and_for_a_third_corrupt(
    num_sites: int, min_sites: int, expected: tuple[int, int, int]
) -> None:
    group = sum_group(bytes(32), bytes(32), tuple(site.to_bytes(32) for site in range(num_sites)), dropout_percent=10)
    assert cohort_bounds(group, min_sites) == CohortBounds(*expected)


def test_quorum_beyond_the_roster_is_refused() -> None:
    group = sum_group(bytes(32), bytes(32), tuple(site.to_bytes(32) for site in range(5)), dropout_percent=10)
    with pytest.raises(BudgetError, match="min-sites: expected at most 5, as many as are on the roster, got 6"):
        cohort_bounds(group, 6)


def test_round_in_which_all_may_be_corrupt_is_refused() -> None:
    identities = tuple(site.to_bytes(32) for site in range(300))
    group = sum_group(bytes(32), bytes(32), identities, dropout_percent=10, num_drawn=100)
    said = "min-sites: expected more than 100, for a third of the roster may be corrupt, got 9[0-9]"
    with pytest.raises(BudgetError, match=said):
        cohort_bounds(group, 90)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"target-epsilon": 8.0}, "target-epsilon: 8 is promised of masked sums alone: expected a roster"),
        ({"target-epsilon": 8.0, "robust": "krum"}, "expected a roster"),
        ({"target-epsilon": 8.0, "roster": "r", "robust": "krum"}, "robust: krum looks at single updates"),
        ({"target-epsilon": 33.0, "roster": "r"}, "less than or equal to 32"),
        ({"target-epsilon": -1.0, "roster": "r"}, "greater than or equal to 0"),
        ({"target-delta": 1.0}, "less than 1"),
        ({"noise-max-norm": 0.0}, "greater than 0"),
    ],
)
def test_options_that_contradict_noise_are_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        RunOptions.model_validate(options)
