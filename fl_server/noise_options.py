"""Options of a run that concern noise (docs/privacy.md)."""

import pydantic

from fl_protocol.round_vector import LARGEST_MAX_NORM

MAX_TARGET_EPSILON = 32.0
"""No protection is left long before; and what the drawn noise is off by is charged to delta times exp(epsilon)."""


class NoiseOptions(pydantic.BaseModel):
    """Whether sites add noise, and what is promised with it."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, populate_by_name=True)

    target_epsilon: float = pydantic.Field(
        default=0.0,
        alias="target-epsilon",
        ge=0,
        le=MAX_TARGET_EPSILON,
        description="Epsilon that all rounds of this coordinator together stay within, at target-delta; the noise "
        "follows from it and num-rounds. Needs a roster. 0: no noise.",
    )
    target_delta: float = pydantic.Field(
        default=1e-5,
        alias="target-delta",
        gt=0,
        lt=1,
        description="Delta of the promise: much less than one over the number of sites.",
    )
    noise_max_norm: float = pydantic.Field(
        default=1.0,
        alias="noise-max-norm",
        gt=0,
        le=LARGEST_MAX_NORM,
        description="L2 bound of an update in the first round with noise; it then follows the sites' median, "
        "over runs, too, as long as this, num-steps, proximal-mu and the parts stay the same.",
    )
