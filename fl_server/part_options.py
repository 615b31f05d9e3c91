"""Options of a run that say which parts of the network are trained, and which of them stay at the sites."""

from typing import Self

import pydantic

from model_zoo.backbones.parts import PartChoice, PersonalParts, TrainedParts


class PartOptions(pydantic.BaseModel):
    """Which parameters move, and which of them are summed."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, populate_by_name=True)

    trained_parts: TrainedParts = pydantic.Field(
        default="all",
        alias="trained-parts",
        description="What a round trains: all, or film-and-heads, a quarter of the parameters; the others stay.",
    )
    personal_parts: PersonalParts = pydantic.Field(
        default="none",
        alias="personal-parts",
        description="What sites train and never send: none, heads, film, film-and-heads. Their boxes put it into the "
        "released model.",
    )

    @property
    def part_choice(self) -> PartChoice:
        """Both settings."""
        return PartChoice(self.trained_parts, self.personal_parts)

    @pydantic.model_validator(mode="after")
    def _check_sum(self) -> Self:
        _ = self.part_choice
        return self
