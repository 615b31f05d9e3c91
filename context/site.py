"""Site description: one store, its time zone, its opening hours and its cameras."""

import zoneinfo
from typing import Self

import pydantic

from context.behaviour.settings import BehaviourSettings
from context.schedule import Schedule
from context.zone import Zone, ZoneKind

MAX_CAMERA_INDEX = 63


class Camera(pydantic.BaseModel):
    """One camera: its zones and the index of its embedding."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = pydantic.Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Name used in alerts and file names."
    )
    index: int = pydantic.Field(
        default=0, ge=0, le=MAX_CAMERA_INDEX, description="Embedding index; 0 is a camera never trained on."
    )
    zones: tuple[Zone, ...] = pydantic.Field(
        default=(), strict=False, max_length=15, description="Areas; the first listed wins where they overlap."
    )

    @pydantic.model_validator(mode="after")
    def _check_zone_names(self) -> Self:
        names = [zone.name for zone in self.zones]
        if len(set(names)) < len(names):
            raise ValueError("zone names must differ")
        return self

    def zone_kinds(self) -> tuple[ZoneKind, ...]:
        """Kind of each zone slot: slot 0 is everything outside the zones."""
        return (ZoneKind.OTHER, *(zone.kind for zone in self.zones))


class Site(pydantic.BaseModel):
    """One installation: what the box must know to tell here-and-now from elsewhere."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = pydantic.Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Name of the site, the same as at the coordinator."
    )
    time_zone: str = pydantic.Field(default="UTC", description="IANA time zone, such as Europe/Berlin.")
    schedule: Schedule = pydantic.Field(default_factory=Schedule, description="Opening hours.")
    cameras: tuple[Camera, ...] = pydantic.Field(
        strict=False, min_length=1, max_length=16, description="The cameras of the site."
    )
    behaviours: BehaviourSettings = pydantic.Field(
        default=BehaviourSettings(), description="From when on a behaviour is worth saying."
    )

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> Self:
        try:
            zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"expected an IANA time zone, got {self.time_zone!r}") from error
        names = [camera.name for camera in self.cameras]
        if len(set(names)) < len(names):
            raise ValueError("camera names must differ")
        return self
