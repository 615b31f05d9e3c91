"""Site description: one store, its time zone, its opening hours and its cameras."""

import zoneinfo
from typing import Self

import pydantic

from context.behaviour.settings import BehaviourSettings
from context.camera_source import CameraSource
from context.recording import RecordingSettings
from context.rule import Deed, Exemption, Rule
from context.schedule import Schedule
from context.zone import Line, Zone, ZoneKind

MAX_CAMERA_INDEX = 63


class Camera(pydantic.BaseModel):
    """One camera: its source, its zones and the index of its embedding."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = pydantic.Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Name used in alerts and file names."
    )
    index: int = pydantic.Field(
        default=0, ge=0, le=MAX_CAMERA_INDEX, description="Embedding index; 0 is a camera never trained on."
    )
    source: CameraSource | None = pydantic.Field(
        default=None, description="Where its pictures come from; left out: the command line says."
    )
    zones: tuple[Zone, ...] = pydantic.Field(
        default=(), strict=False, max_length=15, description="Areas; the first listed wins where they overlap."
    )
    lines: tuple[Line, ...] = pydantic.Field(
        default=(), strict=False, max_length=16, description="Lines that rules watch being crossed."
    )

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> Self:
        for what, places in (("zone", self.zones), ("line", self.lines)):
            names = [place.name for place in places]
            if len(set(names)) < len(names):
                raise ValueError(f"{what} names must differ")
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
        strict=False, min_length=1, max_length=MAX_CAMERA_INDEX + 1, description="The cameras of the site."
    )
    behaviours: BehaviourSettings = pydantic.Field(
        default=BehaviourSettings(), description="From when on a behaviour is worth saying."
    )
    recording: RecordingSettings | None = pydantic.Field(
        default=None, description="Continuous recording; left out: only clips are recorded."
    )
    rules: tuple[Rule, ...] = pydantic.Field(
        default=(), strict=False, max_length=64, description="What is worth an alert, beside what is unusual."
    )
    exemptions: tuple[Exemption, ...] = pydantic.Field(
        default=(), strict=False, max_length=64, description="What is allowed although a rule waits for it."
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

    @pydantic.model_validator(mode="after")
    def _check_rules(self) -> Self:
        names = [rule.name for rule in self.rules]
        if len(set(names)) < len(names):
            raise ValueError("rule names must differ")
        for rule in self.rules:
            problem = rule_problem(rule, self)
            if problem:
                raise ValueError(f"rule {rule.name}: {problem}")
        zones = {zone.name for camera in self.cameras for zone in camera.zones}
        for one in self.exemptions:
            missing = sorted((set(one.rules) - set(names)) | (set(one.zones) - zones))
            if missing:
                raise ValueError(f"exemption {one.name}: there is no {', '.join(missing)}")
            if one.when.needs_location and self.schedule.location is None:
                raise ValueError(f"exemption {one.name}: schedule.location is needed for sunrise and sunset")
        return self


def rule_problem(rule: Rule, site: Site) -> str | None:
    """Why a rule cannot hold at a site: it names what is not there; None where it can."""
    cameras = [camera for camera in site.cameras if not rule.cameras or camera.name in rule.cameras]
    zones = [zone for camera in cameras for zone in camera.zones]
    known = {
        "camera": (rule.cameras, [camera.name for camera in site.cameras]),
        "zone": (rule.zones, [zone.name for zone in zones]),
        "line": ((rule.line,) if rule.line else (), [line.name for camera in cameras for line in camera.lines]),
    }
    for what, (named, names) in known.items():
        missing = sorted(set(named) - set(names))
        if missing:
            return f"no {what} is called {', '.join(missing)}; there is {', '.join(dict.fromkeys(names)) or 'none'}"
    watched = [zone for zone in zones if not rule.zones or zone.name in rule.zones]
    if rule.deed is Deed.AGAINST_FLOW and not any(zone.flow_direction for zone in watched):
        return "against_flow needs a zone with a flow_direction"
    if rule.when.needs_location and site.schedule.location is None:
        return "schedule.location: needed for sunrise and sunset"
    return None
