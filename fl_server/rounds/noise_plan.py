"""How much noise a run needs, so that all of its rounds together keep what was promised.

1. The same noise in every round: what is left of the budget, shared out evenly over the rounds that are left.
2. Nearly all of it goes to the update. Statistics and norm bit are noised far more: they are read over many rounds.
3. Steps are as coarse as they can be without rounding adding much to the sensitivity: finer ones cost bits alone.
"""

import dataclasses
import math

from fl_protocol.noise import MAX_SIGMA, SAMPLER_DISTANCE
from fl_protocol.privacy import MAX_EPSILON, CohortBounds, RoundCost, round_cost
from fl_protocol.round_noise import NUM_STATISTICS, RoundNoise, SegmentNoise
from fl_protocol.rounding import rounded_max_norm
from fl_protocol.secure_sum.group import SumGroup
from fl_protocol.secure_sum.parameters import CORRUPT_FRACTION_DENOMINATOR
from fl_protocol.secure_sum.update_code import rotated_size
from fl_server.errors import BudgetError
from fl_server.rounds.privacy_budget import PrivacyBudget

STATISTICS_SHARE, NORM_BIT_SHARE = 0.02, 0.02
"""Of a round's cost; together they make the update's noise 2 % larger."""

STEPS_OF_A_VALUE = 2.0
"""Root mean square of a rotated value of full length, in steps: rounding makes the sensitivity 3 % larger."""
FEWEST_STEPS = 64.0
"""Of a short segment's bound. A power of two, as are the factors it is moved by: the norm bit stays whole."""
LEAST_SITE_SIGMA = 2.5
"""Steps of a site's noise, at least: sums of such noise are discrete Gaussians but for 10**-25 a value."""
LARGEST_MULTIPLIER = 1000.0
"""A round with more noise spends next to nothing, and teaches nothing: what is left of a budget is not worth it."""

_ROUNDING_SHARE = 1e-9
"""Of the budget, kept back for what ``LEAST_SITE_SIGMA`` leaves, and for sums in double precision."""
_BISECTIONS = 60


@dataclasses.dataclass(frozen=True)
class NoisePlan:
    """The noise of every round of a run."""

    noise: RoundNoise
    cohort: CohortBounds
    cost: RoundCost
    """Of one round."""


def cohort_bounds(group: SumGroup, min_sites: int) -> CohortBounds:
    """Drop-outs down to the quorum of a round, or to what opens a sum; one site in three of the roster may be corrupt.

    Raises:
        BudgetError: More sites are wanted in a round than there are, or all that have to deliver may be corrupt.
    """
    num_sites = group.parameters.num_sites
    if min_sites > num_sites:
        raise BudgetError(f"min-sites: expected at most {num_sites}, as many as are on the roster, got {min_sites}")
    fewest = max(min_sites, group.parameters.fewest_survivors)
    max_corrupt = len(group.identities) // CORRUPT_FRACTION_DENOMINATOR
    if fewest <= max_corrupt:
        raise BudgetError(
            f"min-sites: expected more than {max_corrupt}, for a third of the roster may be corrupt, got {fewest}"
        )
    return CohortBounds(num_sites, num_sites - fewest, max_corrupt)


def noise_plan(budget: PrivacyBudget, num_rounds: int, cohort: CohortBounds, num_parameters: int) -> NoisePlan:
    """The least noise with which so many more rounds stay within the budget.

    Args:
        budget: The promise, and what was spent before.
        num_rounds: That are to come, at least 1.
        cohort: Of every round.
        num_parameters: Of the network.

    Raises:
        BudgetError: No noise that sites can draw is enough.
    """
    size = rotated_size(num_parameters)
    distance = cohort.num_sites * (size + NUM_STATISTICS + 1) * SAMPLER_DISTANCE
    rho = _largest_rho(budget, num_rounds, distance) * (1 - _ROUNDING_SHARE)
    if rho < 1 / (2 * LARGEST_MULTIPLIER**2):
        raise _impossible(budget, num_rounds, cohort)
    try:
        noise = _noise(rho, cohort, size)
        cost = round_cost(noise.segments(num_parameters), cohort)
    except ValueError as error:  # more noise than the sampler draws
        raise _impossible(budget, num_rounds, cohort) from error
    budget.after_round(RoundCost(num_rounds * cost.rho, num_rounds * cost.distance))  # refuses what does not fit, now
    return NoisePlan(noise, cohort, cost)


def _noise(rho: float, cohort: CohortBounds, size: int) -> RoundNoise:
    """Noise under which a round costs ``rho``, but for what ``_ROUNDING_SHARE`` is for."""
    short = 1 - STATISTICS_SHARE - NORM_BIT_SHARE
    return RoundNoise(
        max_dropouts=cohort.max_dropouts,
        max_corrupt=cohort.max_corrupt,
        update=_segment_noise(rho * short, cohort, size),
        statistics=_segment_noise(rho * STATISTICS_SHARE, cohort, NUM_STATISTICS),
        norm_bit=_segment_noise(rho * NORM_BIT_SHARE, cohort, 0),
    )


def _segment_noise(rho: float, cohort: CohortBounds, num_rounded: int) -> SegmentNoise:
    """The noise of one segment, ``num_rounded`` of whose values are rounded: none of a bit that is whole."""
    multiplier = 1 / math.sqrt(2 * rho)

    def sensitivity(norm_steps: float) -> float:
        return rounded_max_norm(norm_steps, num_rounded) if num_rounded else norm_steps

    def sigma(norm_steps: float) -> float:
        return multiplier * sensitivity(norm_steps) / math.sqrt(cohort.fewest_honest)

    steps = max(STEPS_OF_A_VALUE * math.sqrt(num_rounded), FEWEST_STEPS)
    while sigma(steps) < LEAST_SITE_SIGMA:
        steps *= 2
    while sigma(steps) > MAX_SIGMA and steps > 1:
        steps /= 2
    return SegmentNoise(norm_steps=steps, sensitivity=sensitivity(steps), noise_multiplier=multiplier)


def _largest_rho(budget: PrivacyBudget, num_rounds: int, distance: float) -> float:
    """What each of so many rounds may cost; 0 where nothing is left."""
    low, high = 0.0, MAX_EPSILON
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _is_within(budget, num_rounds, RoundCost(middle, distance)):
            low = middle
        else:
            high = middle
    return low


def _is_within(budget: PrivacyBudget, num_rounds: int, cost: RoundCost) -> bool:
    try:
        budget.after_round(RoundCost(num_rounds * cost.rho, num_rounds * cost.distance))
    except BudgetError:
        return False
    return True


def _impossible(budget: PrivacyBudget, num_rounds: int, cohort: CohortBounds) -> BudgetError:
    return BudgetError(
        f"target-epsilon: {budget.target_epsilon:g} at delta {budget.target_delta:g}, {budget.spent():.4g} spent, is "
        f"too little for {num_rounds} rounds: {cohort.fewest_honest} honest sites cannot add enough noise"
    )
