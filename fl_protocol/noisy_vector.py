"""What a round with noise sums: three short-ranged segments, each of them private on its own.

1. Every site counts once, and adds exactly one bounded update, one loss, one AUC and one bit.
2. Values are divided by a public step, cut, rounded at random within the sensitivity, and noised, in this order: from
   rounding on they are integers, and only integers are measured and noised.
3. Lanes hold cut values and the noise's whole reach for all sites, so no sum wraps around, however unlikely its noise.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from fl_protocol.noise import ByteSource, IntVector, discrete_gaussian, largest_noise
from fl_protocol.norm_quantile import fraction_below
from fl_protocol.privacy import CohortBounds, NoisySegment, site_sigma
from fl_protocol.round_noise import NUM_STATISTICS, RoundNoise
from fl_protocol.rounding import round_within
from fl_protocol.secure_sum.lanes import Lanes
from fl_protocol.secure_sum.update_code import RANGE_DEVIATIONS, rotate, rotate_back
from fl_protocol.secure_sum.vector import Layout, Segment, Values, bits_for, segment_for, to_lanes

FloatVector = npt.NDArray[np.float32]  # (P,)

LARGEST_LOSS = 2.0
"""Losses are told in [0, 2] nats: a network that knows nothing has ln 2."""


@dataclasses.dataclass(frozen=True)
class NoisedSegment:
    """One segment: how its values become noised integers."""

    segment: Segment
    step: float
    """Size of one step, in the values' own unit."""
    largest: int
    """Magnitude that values are cut to before they are noised, in steps."""
    sensitivity: float
    """In steps."""
    sigma: float
    """Of one site's noise, in steps."""

    def rounded(self, values: npt.NDArray[np.floating], source: ByteSource) -> IntVector:
        """A site's integers before noise; their norm is at most the sensitivity.

        Raises:
            ValueError: A value is not finite, or they are too long for the sensitivity.
        """
        within = np.clip(values.astype(np.float64) / self.step, -self.largest, self.largest)
        return round_within(within, self.sensitivity, source)

    def noised(self, values: npt.NDArray[np.floating], source: ByteSource) -> IntVector:
        """A site's integers with its noise.

        Raises:
            ValueError: A value is not finite, or they are too long for the sensitivity.
        """
        return self.rounded(values, source) + discrete_gaussian(self.sigma, self.segment.size, source)


@dataclasses.dataclass(frozen=True)
class NoisyVector:
    """The layout of a noised round, the same at every site and at the coordinator."""

    num_parameters: int
    max_norm: float
    rotation_seed: bytes
    """Public; another one in every round."""
    update: NoisedSegment
    statistics: NoisedSegment
    norm_bit: NoisedSegment

    @property
    def parts(self) -> tuple[NoisedSegment, NoisedSegment, NoisedSegment]:
        """All segments, in the order in which they travel."""
        return self.update, self.statistics, self.norm_bit

    @property
    def layout(self) -> Layout:
        """Their places in the lanes."""
        return tuple(part.segment for part in self.parts)


@dataclasses.dataclass(frozen=True)
class NoisyContribution:
    """What one site adds."""

    update: FloatVector
    loss: float
    auc: float
    """In [0, 1]; 0.5 of a site that has nothing to tell it by."""


@dataclasses.dataclass(frozen=True)
class NoisyTotals:
    """What the survivors' sum says; all of it is noised."""

    mean_update: FloatVector
    mean_loss: float
    mean_auc: float
    """May be outside [0, 1]."""
    inside_fraction: float
    """Share of updates inside the bound; may be outside [0, 1]."""


def noisy_vector(
    noise: RoundNoise, num_sites: int, num_parameters: int, max_norm: float, rotation_seed: bytes
) -> NoisyVector:
    """The layout that settings give.

    Raises:
        ValueError: The settings contradict each other.
        SumParameterError: The sum does not fit 64 bits.
    """
    cohort = noise.cohort(num_sites)
    update, statistics, norm_bit = noise.segments(num_parameters)
    steps = noise.update.norm_steps
    reach = min(1.0, RANGE_DEVIATIONS / math.sqrt(update.num_values)) * steps
    of_one = noise.statistics.norm_steps / math.sqrt(NUM_STATISTICS)
    bit = noise.norm_bit.norm_steps
    return NoisyVector(
        num_parameters,
        max_norm,
        rotation_seed,
        _noised_segment(update, cohort, max_norm / steps, reach),
        _noised_segment(statistics, cohort, 1.0 / of_one, of_one),
        _noised_segment(norm_bit, cohort, 1.0 / bit, bit),
    )


def bounded_values(contribution: NoisyContribution, vector: NoisyVector) -> tuple[npt.NDArray[np.floating], ...]:
    """What a site adds, bounded: the values of each segment, in their own unit.

    Args:
        contribution: What the site adds; the update is scaled down to the bound, the others are cut.
        vector: The layout.

    Raises:
        ValueError: The update is of another size or not finite.
    """
    update, norm = contribution.update, float(np.linalg.norm(contribution.update.astype(np.float64)))
    if update.shape != (vector.num_parameters,) or not math.isfinite(norm):
        raise ValueError(f"expected {vector.num_parameters} finite values, got shape {update.shape}, norm {norm}")
    bounded = update * np.float32(min(1.0, vector.max_norm / norm if norm else 1.0))
    told = np.array([2.0 * contribution.loss / LARGEST_LOSS - 1.0, 2.0 * contribution.auc - 1.0])
    bit = np.array([1.0 if norm <= vector.max_norm else -1.0])
    return rotate(bounded, vector.rotation_seed), np.clip(told, -1.0, 1.0), bit


def noisy_lanes(contribution: NoisyContribution, vector: NoisyVector, source: ByteSource) -> list[Lanes]:
    """A site's noised vector, not masked yet.

    Args:
        contribution: What the site adds.
        vector: Its layout.
        source: For rounding and noise, under a key that is used for nothing else.

    Raises:
        ValueError: The update is of another size, or something is not finite.
    """
    values = bounded_values(contribution, vector)
    return [to_lanes(part.segment, part.noised(one, source)) for part, one in zip(vector.parts, values, strict=True)]


def noisy_totals(values: tuple[Values, ...], num_survivors: int, vector: NoisyVector) -> NoisyTotals:
    """Reads the sum of the survivors' vectors."""
    update, statistics, norm_bit = values
    rotated = update.astype(np.float32)
    rotated *= np.float32(vector.update.step / num_survivors)
    loss, auc = (statistics * vector.statistics.step / num_survivors).tolist()
    bit_steps = round(1.0 / vector.norm_bit.step)
    return NoisyTotals(
        rotate_back(rotated, vector.rotation_seed)[: vector.num_parameters],
        (loss + 1.0) * LARGEST_LOSS / 2.0,
        (auc + 1.0) / 2.0,
        fraction_below(int(norm_bit[0]), num_survivors, bit_steps),
    )


def _noised_segment(accounted: NoisySegment, cohort: CohortBounds, step: float, reach: float) -> NoisedSegment:
    """A segment whose lanes hold values up to ``reach`` steps and the noise of all sites (rule 3)."""
    sigma, largest = site_sigma(accounted, cohort), math.ceil(reach)
    num_bits = bits_for(largest + largest_noise(sigma), cohort.num_sites)
    segment = segment_for(accounted.name, accounted.num_values, num_bits, cohort.num_sites)
    return NoisedSegment(segment, step, largest, accounted.sensitivity, sigma)
