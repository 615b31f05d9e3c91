"""How much noise each site adds so that a masked sum hides any one site, and what a round costs.

Two runs are neighbours if they differ in what one site contributes: its values, or zeros. Who takes part, who drops out
and how many values travel is public. Every site counts once; nothing is weighted by its number of examples.

1. The noise wanted is reached without the drop-outs that a round tolerates and without the corrupt sites, all of
   which may have been drawn for the cohort: they may add no noise, or tell the coordinator theirs.
2. With more drop-outs the sum would be less private than was paid for. It must not be unmasked
   (``check_survivors``): the coordinator does not ask for mask shares, and sites give none.
3. Noise of further survivors is added to what is already private enough, so it never costs more.
4. Every segment of the vector that travels has its own sensitivity and noise; what they cost adds up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fl_protocol.errors import PrivacyError
from fl_protocol.noise import MAX_SIGMA, SAMPLER_DISTANCE

MIN_SITE_SIGMA = math.sqrt(0.5)
"""Least noise of one site, in steps, for which ``sum_divergence`` is proved."""

MAX_EPSILON = 100.0
"""Largest epsilon that may be promised: no protection is left long before, and exp() of it is still a float."""


@dataclass(frozen=True)
class CohortBounds:
    """How many sites a round draws, and how many of them may fail or lie.

    Raises:
        ValueError: No honest survivor would be left, or a number is negative.
    """

    num_sites: int
    max_dropouts: int
    """Sites that may deliver nothing in a round that is still unmasked."""
    max_corrupt: int
    """Sites of the whole roster, not of the cohort, that may work with the coordinator."""

    def __post_init__(self) -> None:
        if self.max_dropouts < 0 or self.max_corrupt < 0:
            raise ValueError(f"max_dropouts and max_corrupt: expected at least 0, got {self}")
        if self.fewest_honest < 1:
            raise ValueError(f"num_sites: expected more than max_dropouts + max_corrupt, got {self}")

    @property
    def fewest_survivors(self) -> int:
        """Survivors without whom nothing is unmasked."""
        return self.num_sites - self.max_dropouts

    @property
    def fewest_honest(self) -> int:
        """Honest sites among them, in the worst case: those whose noise counts."""
        return self.fewest_survivors - self.max_corrupt


@dataclass(frozen=True)
class NoisySegment:
    """One run of values in the vector that travels, bounded and noised on its own.

    Raises:
        ValueError: A number is outside its range.
    """

    name: str
    num_values: int
    sensitivity: float
    """L2 norm that one site's integers never exceed, in steps; see ``fl_protocol.rounding``."""
    noise_multiplier: float
    """Standard deviation of the summed noise over ``sensitivity``, with the fewest honest survivors."""

    def __post_init__(self) -> None:
        if self.num_values < 1:
            raise ValueError(f"{self.name}: num_values: expected at least 1, got {self.num_values}")
        for what, number in (("sensitivity", self.sensitivity), ("noise_multiplier", self.noise_multiplier)):
            if not 0.0 < number < math.inf:
                raise ValueError(f"{self.name}: {what}: expected a positive number, got {number}")


@dataclass(frozen=True)
class RoundCost:
    """What unmasking one round gives away, at most."""

    rho: float
    """Concentrated differential privacy: Rényi divergence of order alpha at most ``rho`` alpha, for all alpha > 1."""
    distance: float
    """Total variation distance of the drawn noise from the noise that ``rho`` assumes."""


def site_sigma(segment: NoisySegment, cohort: CohortBounds) -> float:
    """Standard deviation of the noise that each site adds to a segment, in steps.

    Raises:
        ValueError: It is too little for the accounting or too much for the sampler: the step must be another.
    """
    sigma = segment.noise_multiplier * segment.sensitivity / math.sqrt(cohort.fewest_honest)
    if not MIN_SITE_SIGMA <= sigma <= MAX_SIGMA:
        raise ValueError(
            f"{segment.name}: expected noise of {MIN_SITE_SIGMA:.3g} to {MAX_SIGMA:.0f} steps a site, got {sigma:.3g}; "
            f"choose a {'finer' if sigma < MIN_SITE_SIGMA else 'coarser'} step"
        )
    return sigma


def sum_divergence(sigma: float, num_noises: int) -> float:
    """How far a sum of discrete Gaussians may be from one discrete Gaussian: tau of the source.

    Twice the largest absolute logarithm of the quotient of both laws. Adding N(0, s2) to N(0, k s2) on the integers
    gives a constant times exp(-x**2 / (2 (k + 1) s2)) times a theta function of x, which by Poisson summation lies
    between 1 - t and 1 + t, where t = 2 sum over m >= 1 of exp(-2 pi**2 s2 m**2 k / (k + 1)). Both laws sum to 1, so
    the logarithm is at most log((1 + t) / (1 - t)), at most 5 exp(-2 pi**2 s2 k / (k + 1)) where s2 >= 1/2; the terms
    add up over k.

    Args:
        sigma: Of each site, in steps. At least ``MIN_SITE_SIGMA``.
        num_noises: How many are added, at least 1.

    Source:
        Kairouz, Liu and Steinke, 2021, Proposition 14. https://arxiv.org/abs/2102.06387
    """
    if sigma < MIN_SITE_SIGMA or num_noises < 1:
        raise ValueError(f"expected sigma >= {MIN_SITE_SIGMA:.3g} and a noise, got {sigma:.3g} and {num_noises}")
    rate = -2 * math.pi**2 * sigma**2
    return 10 * math.fsum(math.exp(rate * k / (k + 1)) for k in range(1, num_noises))


def segment_rho(segment: NoisySegment, sigma: float, num_honest: int) -> float:
    """What a segment costs under the noise of ``num_honest`` sites.

    With D the sensitivity over sigma sqrt(num_honest), the Rényi divergence of order alpha is at most
    alpha D**2 / 2 + tau d: it is the mean of exp((alpha - 1) times the log-quotient), which is linear in the sum but
    for tau, and a sum of subgaussian laws is subgaussian. Another bound is alpha (D + tau sqrt(d))**2 / 2. The less is
    taken; as alpha > 1, tau d is at most alpha tau d.

    Args:
        segment: Its length and sensitivity; the noise multiplier is not used.
        sigma: Of each site, in steps. At least ``MIN_SITE_SIGMA``.
        num_honest: Survivors whose noise nobody else knows, at least 1.

    Source:
        Kairouz, Liu and Steinke, 2021, Proposition 14. https://arxiv.org/abs/2102.06387
    """
    tau = sum_divergence(sigma, num_honest)
    shift = segment.sensitivity / (sigma * math.sqrt(num_honest))
    return min(shift**2 / 2 + tau * segment.num_values, (shift + tau * math.sqrt(segment.num_values)) ** 2 / 2)


def round_cost(segments: Sequence[NoisySegment], cohort: CohortBounds) -> RoundCost:
    """What one round costs, however many of its sites survive, if it is unmasked at all (rules 2 to 4).

    Raises:
        ValueError: The noise of a segment cannot be had; see ``site_sigma``.
    """
    rhos = [segment_rho(segment, site_sigma(segment, cohort), cohort.fewest_honest) for segment in segments]
    num_drawn = cohort.num_sites * sum(segment.num_values for segment in segments)
    return RoundCost(math.fsum(rhos), num_drawn * SAMPLER_DISTANCE)


def check_survivors(num_survivors: int, cohort: CohortBounds) -> None:
    """Refuses to unmask a sum that holds too little noise (rule 2); coordinator and sites both ask.

    Raises:
        PrivacyError: Fewer sites delivered than the noise was made for, or more than were drawn.
    """
    if not cohort.fewest_survivors <= num_survivors <= cohort.num_sites:
        raise PrivacyError(
            f"unmasking: expected {cohort.fewest_survivors} to {cohort.num_sites} survivors, got {num_survivors}"
        )
