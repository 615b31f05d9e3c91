"""The noise part of a round's settings, and what follows from it alike at every site and at the coordinator.

1. Three segments travel: the update, two statistics, and the bit that moves the norm bound. Each is bounded and noised
   on its own (``fl_protocol.privacy``). Nothing else does: no counts, no normality, no examples.
2. The coordinator names sensitivities and multipliers; a site computes its own noise and the round's cost from them,
   and no values that it adds are longer than the sensitivity, whatever else it was told.
"""

import pydantic

from fl_protocol.privacy import CohortBounds, NoisySegment, site_sigma
from fl_protocol.rounding import MAX_NORM
from fl_protocol.secure_sum.parameters import LARGEST_ROUND
from fl_protocol.secure_sum.update_code import rotated_size

NUM_STATISTICS = 2
"""Loss and AUC."""


class SegmentNoise(pydantic.BaseModel):
    """How one segment is bounded and noised."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    norm_steps: float = pydantic.Field(gt=0, le=MAX_NORM, description="The segment's L2 bound, in steps.")
    sensitivity: float = pydantic.Field(
        gt=0, le=2 * MAX_NORM, description="L2 norm that one site's integers never exceed, in steps."
    )
    noise_multiplier: float = pydantic.Field(
        gt=0, le=1e6, description="Deviation of the fewest honest survivors' summed noise over the sensitivity."
    )


class RoundNoise(pydantic.BaseModel):
    """Noise of one round; part of its settings, so bound into the masks."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    max_dropouts: int = pydantic.Field(
        ge=0, le=LARGEST_ROUND, description="Sites that may be missing from a sum that is unmasked."
    )
    max_corrupt: int = pydantic.Field(
        ge=0, le=LARGEST_ROUND, description="Sites of the roster whose noise does not count."
    )
    update: SegmentNoise = pydantic.Field(description="The rotated update.")
    statistics: SegmentNoise = pydantic.Field(description="Loss and AUC, each in [-1, 1].")
    norm_bit: SegmentNoise = pydantic.Field(description="Whether the update was inside its bound: 1 or -1.")

    def cohort(self, num_sites: int) -> CohortBounds:
        """The bounds for a round of so many sites.

        Raises:
            ValueError: No honest survivor would be left.
        """
        return CohortBounds(num_sites, self.max_dropouts, self.max_corrupt)

    def segments(self, num_parameters: int) -> tuple[NoisySegment, NoisySegment, NoisySegment]:
        """What the accountant is told."""
        sizes = {"update": rotated_size(num_parameters), "statistics": NUM_STATISTICS, "norm_bit": 1}
        update, statistics, norm_bit = (
            NoisySegment(name, sizes[name], noise.sensitivity, noise.noise_multiplier)
            for name, noise in (("update", self.update), ("statistics", self.statistics), ("norm_bit", self.norm_bit))
        )
        return update, statistics, norm_bit

    def check(self, num_sites: int) -> None:
        """Whether the numbers go together.

        Raises:
            ValueError: No honest survivor would be left, or a site would add too little noise for the accounting.
        """
        for segment in self.segments(1):
            site_sigma(segment, self.cohort(num_sites))
