"""What a secure training round sums: the update, and everything else that sites tell, in one vector.

1. The update is bounded, rotated and rounded (``secure_sum.update_code``); its weight is inside the sum.
2. Weight, losses, norm, evaluation and normality are fixed-point numbers of 64 bits in a second segment.
3. The settings of a round travel as bytes; their digest is part of every mask, so sites that were told different
   settings do not sum together. They hold the number of sites that the limits are made for.
4. A site counts for at most ``max_examples`` examples, so that its weight is a share of one; with 1, all count alike.
5. With noise the vector is another one (``noisy_vector``): all count alike, and sums that are not noised do not travel.
"""

import dataclasses
import math
from typing import Self

import numpy as np
import numpy.typing as npt
import pydantic

from fl_protocol.errors import RecordError
from fl_protocol.noise import ByteSource
from fl_protocol.noisy_vector import NoisyContribution, NoisyVector, noisy_lanes, noisy_vector
from fl_protocol.round_noise import RoundNoise
from fl_protocol.secure_sum.fixed_point import from_fixed, to_fixed
from fl_protocol.secure_sum.lanes import Lanes
from fl_protocol.secure_sum.parameters import LARGEST_ROUND, SMALLEST_ROUND
from fl_protocol.secure_sum.update_code import UpdateCode, decode_sum, encode_update, update_code
from fl_protocol.secure_sum.vector import WIDE_BITS, Layout, Segment, Values, segment_for, to_lanes

FloatVector = npt.NDArray[np.float32]  # (P,)
Sums = npt.NDArray[np.float64]  # (S,)

MAX_SETTINGS_BYTES = 10_000
MAX_STEPS = 1_000_000
LARGEST_MAX_NORM, LARGEST_MAX_EXAMPLES = 1e9, 2**31 - 1
"""Bounds that settings can hold."""


class RoundSettingsMessage(pydantic.BaseModel):
    """What a site is told of a round, beside the model; its bytes are bound into the masks."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    round_number: int = pydantic.Field(ge=1, le=2**31 - 1, description="The round.")
    seed: int = pydantic.Field(ge=0, le=2**31 - 1, description="Seed of the local training's random choices.")
    num_steps: int = pydantic.Field(ge=0, le=MAX_STEPS, description="Local steps; 0: evaluate only.")
    is_conditioned: bool = pydantic.Field(description="Whether the network sees the context.")
    tubelet_steps: int = pydantic.Field(ge=1, le=64, description="Steps of a tubelet that the network looks at.")
    num_sites: int = pydantic.Field(ge=SMALLEST_ROUND, le=LARGEST_ROUND, description="Most sites of the round.")
    max_norm: float = pydantic.Field(
        gt=0, le=LARGEST_MAX_NORM, description="L2 bound of an update, in parameter units."
    )
    max_examples: int = pydantic.Field(
        ge=1, le=LARGEST_MAX_EXAMPLES, description="Examples of a site that count at most."
    )
    proximal_mu: float = pydantic.Field(
        default=0.0, ge=0, le=1000, description="Pull of local training towards the global parameters; 0: none."
    )
    trained_parts: str = pydantic.Field(
        default="all", max_length=64, description="Parts of the network that are trained."
    )
    personal_parts: str = pydantic.Field(
        default="none", max_length=64, description="Those of them that stay at the site and are not in its vector."
    )
    noise: RoundNoise | None = pydantic.Field(
        default=None, description="Noise that each site adds before it masks; null: none."
    )

    @pydantic.model_validator(mode="after")
    def _check_noise(self) -> Self:
        if self.noise is not None:
            self.noise.check(self.num_sites)
            if self.max_examples != 1:
                raise ValueError(
                    f"max_examples: expected 1 with noise, as every site counts once, got {self.max_examples}"
                )
        return self

    def encode(self) -> bytes:
        """The bytes that travel."""
        return self.model_dump_json().encode()

    @classmethod
    def decode(cls, message: bytes) -> "RoundSettingsMessage":
        """Reads settings.

        Raises:
            RecordError: They are none, or too long.
        """
        if len(message) > MAX_SETTINGS_BYTES:
            raise RecordError(f"settings: expected at most {MAX_SETTINGS_BYTES} bytes, got {len(message)}")
        try:
            return cls.model_validate_json(message)
        except pydantic.ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(step) for step in problem["loc"]) or "body"
            raise RecordError(f"settings: {place}: {problem['msg']}") from error


@dataclasses.dataclass(frozen=True)
class SiteContribution:
    """What one site adds to a round."""

    update: FloatVector
    """Of the parameters that are summed."""
    num_examples: int
    loss: float
    """Mean loss of the local training."""
    evaluation: Sums
    """Sums over held-out tubelets of the model that the site received; additive across sites. ``(E,)``"""
    normality: Sums
    """Additive across sites. ``(K,)``"""


@dataclasses.dataclass(frozen=True)
class Spread:
    """Of one number that every survivor told."""

    mean: float
    deviation: float
    """Standard deviation among the survivors, not an estimate for others."""


@dataclasses.dataclass(frozen=True)
class RoundTotals:
    """What the survivors' sum says."""

    mean_update: FloatVector
    mean_loss: float
    examples: Spread
    """Of the survivors, each in full."""
    norms: Spread
    """Of the updates before they were bounded."""
    num_cut: int
    """Values beyond the range of their segment."""
    evaluation: Sums
    normality: Sums


@dataclasses.dataclass(frozen=True)
class RoundVector:
    """The layout of a round's vector."""

    code: UpdateCode
    sums: Segment
    num_evaluation: int
    max_examples: int

    @property
    def layout(self) -> Layout:
        """Both segments."""
        return (self.code.segment, self.sums)


_FIXED = 7
"""Weight, weighted loss, values cut; norm and examples, in full and as squared shares of their bounds."""

_LARGEST_SHARE, _FINER = 2.0**12, 2.0**8
"""Squared shares of a bound are told so much finer than other sums, as shares of a first guess may be small. Larger
ones than the largest count as it: their squares would not fit. Whoever is so far out spoils the spread alone."""


def round_vector(
    settings: RoundSettingsMessage, num_parameters: int, num_evaluation: int, num_normality: int
) -> RoundVector:
    """The layout that settings without noise and sizes give; the same at every site and at the coordinator."""
    code = update_code(num_parameters, settings.max_norm, settings.num_sites, _rotation_seed(settings))
    sums = segment_for("sums", _FIXED + num_evaluation + num_normality, WIDE_BITS, settings.num_sites)
    return RoundVector(code, sums, num_evaluation, settings.max_examples)


def noisy_round_vector(settings: RoundSettingsMessage, noise: RoundNoise, num_parameters: int) -> NoisyVector:
    """The layout that settings with noise give; the same at every site and at the coordinator.

    Raises:
        SumParameterError: The noise is so large that no sum holds it.
    """
    return noisy_vector(noise, settings.num_sites, num_parameters, settings.max_norm, _rotation_seed(settings))


def site_vector(
    settings: RoundSettingsMessage, contribution: SiteContribution, rng: np.random.Generator, source: ByteSource
) -> tuple[Layout, list[Lanes]]:
    """What a site adds to a round, with noise where the settings want it; not masked yet.

    Args:
        settings: Of the round.
        contribution: What the site adds. The first of its evaluation are tubelets, their losses and their AUC.
        rng: For rounding without noise, which is no secret: it leaves under masks.
        source: For rounding and noise, under a key that is used for nothing else.

    Returns:
        The layout, and the lanes of each segment.

    Raises:
        ValueError: A value is not finite, or does not fit.
        SumParameterError: No sum holds such values of so many sites.
    """
    num_parameters = len(contribution.update)
    if settings.noise is None:
        plain = round_vector(settings, num_parameters, len(contribution.evaluation), len(contribution.normality))
        return plain.layout, site_lanes(contribution, plain, rng)
    noisy = noisy_round_vector(settings, settings.noise, num_parameters)
    num_tubelets, _, auc = contribution.evaluation[:3].tolist()
    mean_auc = auc / num_tubelets if num_tubelets > 0 else 0.5
    told = NoisyContribution(contribution.update, contribution.loss, mean_auc)
    return noisy.layout, noisy_lanes(told, noisy, source)


def site_lanes(contribution: SiteContribution, vector: RoundVector, rng: np.random.Generator) -> list[Lanes]:
    """A site's vector, not masked yet.

    Args:
        contribution: What the site adds; finite.
        vector: Its layout.
        rng: For rounding.

    Raises:
        ValueError: Sizes do not fit the layout, or a value is not finite.
    """
    weight = min(contribution.num_examples, vector.max_examples) / vector.max_examples
    coded = encode_update(contribution.update, weight, vector.code, rng)
    shares = coded.norm / vector.code.max_norm, contribution.num_examples / vector.max_examples
    told = [weight, weight * contribution.loss, float(coded.num_cut), coded.norm, float(contribution.num_examples)]
    told += [_FINER * min(share, _LARGEST_SHARE) ** 2 for share in shares]
    fixed, num_cut = to_fixed(np.concatenate([told, contribution.evaluation, contribution.normality]), vector.sums)
    if num_cut:
        raise ValueError(f"expected sums that fit 64 bits, got {num_cut} beyond")
    return [to_lanes(vector.code.segment, coded.values), to_lanes(vector.sums, fixed)]


def round_totals(values: tuple[Values, ...], num_survivors: int, vector: RoundVector) -> RoundTotals:
    """Reads the sum of the survivors' vectors.

    Raises:
        RecordError: The survivors' weights add up to nothing.
    """
    sums = from_fixed(values[1])
    weight, loss, num_cut, norm, num_examples, square_norm, square_examples = sums[:_FIXED].tolist()
    if not 0 < weight <= num_survivors:
        raise RecordError(f"round: expected weights of {num_survivors} sites, got {weight}")
    mean_update = decode_sum(values[0], vector.code) / np.float32(weight)
    ends = _FIXED + vector.num_evaluation
    return RoundTotals(
        mean_update,
        loss / weight,
        _spread(num_examples, square_examples, vector.max_examples, num_survivors),
        _spread(norm, square_norm, vector.code.max_norm, num_survivors),
        math.floor(num_cut),
        sums[_FIXED:ends],
        sums[ends:],
    )


def _spread(total: float, squared_shares: float, bound: float, num_survivors: int) -> Spread:
    """From the sums of a number and of its squared shares of its bound."""
    mean, mean_square = total / num_survivors, squared_shares / num_survivors / _FINER * bound**2
    return Spread(mean, math.sqrt(max(0.0, mean_square - mean**2)))


def _rotation_seed(settings: RoundSettingsMessage) -> bytes:
    return settings.seed.to_bytes(8) + settings.round_number.to_bytes(8)
