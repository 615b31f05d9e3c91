"""Limits of the behaviours: from when on a measured value is worth saying. Lengths are in expected heights."""

from typing import Self

import pydantic

_STRICT = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class FollowingSettings(pydantic.BaseModel):
    """Objects followed over gaps and changed identities, and what counts as one place."""

    model_config = _STRICT

    memory_s: float = pydantic.Field(default=3.0, ge=0.5, le=60.0, description="Seconds a lost object is remembered.")
    reach: float = pydantic.Field(
        default=0.75, ge=0.0, le=5.0, description="Expected heights within which whoever appears is who was lost."
    )
    radius: float = pydantic.Field(default=0.35, gt=0.0, le=5.0, description="Expected heights that are one place.")
    away_s: float = pydantic.Field(default=0.5, ge=0.0, le=10.0, description="Seconds elsewhere that end resting.")
    home_s: float = pydantic.Field(
        default=2.0, gt=0.0, le=60.0, description="Seconds of rest after which a place is remembered as somebody's."
    )


class SpeedSettings(pydantic.BaseModel):
    """Fast objects."""

    model_config = _STRICT

    person_limit: float = pydantic.Field(
        default=1.4, gt=0.0, le=20.0, description="Expected heights a second from which a person is fast."
    )
    other_limit: float = pydantic.Field(
        default=8.0, gt=0.0, le=50.0, description="Expected heights a second from which anything else is fast."
    )
    window_s: float = pydantic.Field(default=1.0, ge=0.2, le=2.0, description="Seconds the median is taken over.")


class FlowSettings(pydantic.BaseModel):
    """Motion against a zone's direction."""

    model_config = _STRICT

    window_s: float = pydantic.Field(default=1.5, ge=0.3, le=2.0, description="Seconds the way is measured over.")
    least_way: float = pydantic.Field(
        default=0.6, gt=0.0, le=10.0, description="Dead band: a shorter way, in expected heights, has no direction."
    )
    share_limit: float = pydantic.Field(
        default=0.7, gt=0.0, le=1.0, description="Share of the way that goes against the direction; 0.7 is within 45 °."
    )


class DwellSettings(pydantic.BaseModel):
    """Long stays in a zone."""

    model_config = _STRICT

    limit_s: float = pydantic.Field(default=60.0, gt=0.0, le=86400.0, description="Seconds in a zone that are long.")
    away_s: float = pydantic.Field(
        default=3.0, ge=0.0, le=60.0, description="Seconds outside that end a stay; less is a box that jumps."
    )


class StopSettings(pydantic.BaseModel):
    """Objects that moved and stand still."""

    model_config = _STRICT

    limit_s: float = pydantic.Field(default=10.0, gt=0.0, le=86400.0, description="Seconds still that are a stop.")
    moved: float = pydantic.Field(
        default=1.0, gt=0.0, le=50.0, description="Expected heights from where it was first seen that are moving."
    )


class CrowdSettings(pydantic.BaseModel):
    """Many people in a zone."""

    model_config = _STRICT

    limit: int = pydantic.Field(default=8, ge=2, le=1000, description="People in a zone that are a crowd.")
    release_limit: int = pydantic.Field(
        default=7, ge=1, le=1000, description="People that keep it one; at most the limit."
    )
    settle_s: float = pydantic.Field(default=2.0, ge=0.0, le=600.0, description="Seconds a change must last.")

    @pydantic.model_validator(mode="after")
    def _check_limits(self) -> Self:
        if self.release_limit > self.limit:
            raise ValueError("release_limit must be at most limit")
        return self


class LeftObjectSettings(pydantic.BaseModel):
    """Things put down and left."""

    model_config = _STRICT

    limit_s: float = pydantic.Field(default=30.0, gt=0.0, le=86400.0, description="Seconds unattended that are long.")
    most_height: float = pydantic.Field(
        default=0.6, gt=0.0, le=3.0, description="Expected heights up to which a thing of any kind may have been left."
    )
    most_speed: float = pydantic.Field(
        default=0.3, gt=0.0, le=5.0, description="Expected heights a second up to which a thing is still."
    )
    reach: float = pydantic.Field(
        default=1.5, gt=0.0, le=10.0, description="Who is this near when it appears owns it, in expected heights."
    )
    away: float = pydantic.Field(
        default=3.0, gt=0.0, le=50.0, description="Expected heights from which its owner has gone away."
    )
    radius: float = pydantic.Field(default=0.35, gt=0.0, le=5.0, description="Expected heights that are one place.")
    settle_s: float = pydantic.Field(default=1.0, ge=0.0, le=60.0, description="Seconds it must stay at its place.")
    memory_s: float = pydantic.Field(
        default=5.0, ge=0.0, le=600.0, description="Seconds hidden after which it counts as taken."
    )


class FallSettings(pydantic.BaseModel):
    """People who fall and stay down."""

    model_config = _STRICT

    limit_s: float = pydantic.Field(default=5.0, gt=0.0, le=3600.0, description="Seconds without moving on the ground.")
    drop_s: float = pydantic.Field(default=1.5, gt=0.0, le=10.0, description="Longest time from upright to down.")
    gap_s: float = pydantic.Field(
        default=0.6, gt=0.0, le=10.0, description="Longest time between two sightings that a fall may be seen over."
    )
    upright_aspect: float = pydantic.Field(
        default=0.65, gt=0.0, le=1.0, description="Most width over height of somebody upright."
    )
    down_aspect: float = pydantic.Field(
        default=0.9, gt=0.0, le=10.0, description="Least width over height of somebody on the ground."
    )
    drop_share: float = pydantic.Field(
        default=0.6, gt=0.0, lt=1.0, description="Most height on the ground, as a share of that upright."
    )
    least_length: float = pydantic.Field(
        default=0.5, gt=0.0, le=2.0, description="Least width on the ground, expected heights: a bag is shorter."
    )
    radius: float = pydantic.Field(default=0.4, gt=0.0, le=5.0, description="Expected heights that are one place.")
    away_s: float = pydantic.Field(default=0.5, ge=0.0, le=10.0, description="Seconds elsewhere that end lying still.")


class BehaviourSettings(pydantic.BaseModel):
    """Limits of all behaviours."""

    model_config = _STRICT

    metres_per_height: float | None = pydantic.Field(
        default=None, ge=1.0, le=2.5, description="Metres an expected height stands for, such as 1.7; left out: untold."
    )
    following: FollowingSettings = pydantic.Field(default=FollowingSettings(), description="Gaps and identities.")
    speed: SpeedSettings = pydantic.Field(default=SpeedSettings(), description="Fast objects.")
    against_flow: FlowSettings = pydantic.Field(default=FlowSettings(), description="Against a zone's direction.")
    dwell: DwellSettings = pydantic.Field(default=DwellSettings(), description="Long stays in a zone.")
    stopped: StopSettings = pydantic.Field(default=StopSettings(), description="Moved, then stands still.")
    crowd: CrowdSettings = pydantic.Field(default=CrowdSettings(), description="Many people in a zone.")
    left_object: LeftObjectSettings = pydantic.Field(default=LeftObjectSettings(), description="Things left behind.")
    fall: FallSettings = pydantic.Field(default=FallSettings(), description="Falls.")
