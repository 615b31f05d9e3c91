"""What is recorded all the time, and for how long it is kept."""

from typing import Self

import pydantic


class RecordingSettings(pydantic.BaseModel):
    """Continuous recording; what is of more interest is kept for longer."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    budget_gb: float = pydantic.Field(
        gt=0.0,
        le=1e6,
        description="Most disk space of all recordings, in 10^9 bytes; the least of interest goes first.",
    )
    continuous_days: float = pydantic.Field(
        default=1.0, ge=0.0, le=3650.0, description="Days that everything is kept; 0: only what the others keep."
    )
    motion_days: float = pydantic.Field(
        default=7.0, ge=0.0, le=3650.0, description="Days that minutes with movement are kept."
    )
    event_days: float = pydantic.Field(
        default=14.0,
        ge=0.0,
        le=3650.0,
        description="Days that minutes with an alert of low or medium severity are kept.",
    )
    alert_days: float = pydantic.Field(
        default=30.0,
        ge=0.0,
        le=3650.0,
        description="Days that minutes with an alert of high or critical severity are kept.",
    )

    @pydantic.model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.continuous_days <= self.motion_days <= self.event_days <= self.alert_days:
            raise ValueError("expected continuous_days <= motion_days <= event_days <= alert_days")
        return self
