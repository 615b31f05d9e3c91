"""Rules: what kind of thing, where, when and doing what is worth an alert, and how often."""

import datetime as dt
import enum
from typing import Self

import pydantic

from context.schedule import Schedule
from context.severity import Severity
from context.track import PERSON
from context.when import ALWAYS, When

_STRICT = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$"


class Kind(enum.StrEnum):
    """Kinds of objects that rules speak of."""

    PERSON = PERSON
    BICYCLE = "bicycle"
    VEHICLE = "vehicle"
    OTHER = "other"


class Deed(enum.StrEnum):
    """What a rule waits for; the comment gives the unit of its limit."""

    ENTER = "enter"  # comes into the zone; no limit
    LEAVE = "leave"  # goes out of it; no limit
    DWELL = "dwell"  # seconds in the zone
    COUNT = "count"  # objects in the zone at a time
    SPEED = "speed"  # expected heights a second
    AGAINST_FLOW = "against_flow"  # moves against the zone's direction; no limit
    LINE_CROSSED = "line_crossed"  # goes over a line; no limit
    STOPPED = "stopped"  # seconds still after it moved
    LEFT_OBJECT = "left_object"  # seconds unattended
    FALL = "fall"  # seconds on the ground
    CROWD = "crowd"  # people in the zone
    UNUSUAL = "unusual"  # learned severity


class Comparison(enum.StrEnum):
    """How a count is compared with its limit."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


NEEDS_LIMIT = frozenset({Deed.DWELL, Deed.COUNT})
HAS_NO_LIMIT = frozenset({Deed.ENTER, Deed.LEAVE, Deed.AGAINST_FLOW, Deed.LINE_CROSSED})
IS_COUNT = frozenset({Deed.COUNT, Deed.CROWD})

_HIGHEST_LIMIT: dict[Deed, float] = {
    Deed.DWELL: 86400.0,
    Deed.COUNT: 1000.0,
    Deed.CROWD: 1000.0,
    Deed.SPEED: 50.0,
    Deed.STOPPED: 86400.0,
    Deed.LEFT_OBJECT: 86400.0,
    Deed.FALL: 3600.0,
    Deed.UNUSUAL: 1.0,
}


class Rule(pydantic.BaseModel):
    """One rule of a site."""

    model_config = _STRICT

    name: str = pydantic.Field(pattern=NAME_PATTERN, description="Shown in alerts.")
    deed: Deed = pydantic.Field(strict=False, description="What it waits for.")
    kinds: tuple[Kind, ...] = pydantic.Field(
        default=(), strict=False, max_length=4, description="Of whom or what; left out: of anything."
    )
    zones: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=16, description="Names of zones, any of them; left out: anywhere."
    )
    cameras: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=16, description="Names of cameras; left out: all."
    )
    line: str | None = pydantic.Field(default=None, max_length=64, description="Name of the line, for line_crossed.")
    limit: float | None = pydantic.Field(
        default=None, ge=0.0, description="From when on, in the deed's unit; left out: that of `behaviours`."
    )
    comparison: Comparison = pydantic.Field(
        default=Comparison.AT_LEAST, strict=False, description="at_least or at_most the limit, for count."
    )
    lasting_s: float = pydantic.Field(
        default=0.0, ge=0.0, le=86400.0, description="Seconds that a count must last before it is told."
    )
    when: When = pydantic.Field(default=ALWAYS, description="When it holds.")
    severity: Severity = pydantic.Field(default=Severity.MEDIUM, strict=False, description="Of its alerts, at least.")
    usual_below: float | None = pydantic.Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Learned severity below which it is usual here and now: only counted; told while not learned.",
    )
    cooldown_s: float = pydantic.Field(
        default=60.0, ge=0.0, le=86400.0, description="Seconds after an alert in which the rule raises no other."
    )
    most_per_hour: int = pydantic.Field(default=20, ge=1, le=3600, description="Most alerts of the rule in an hour.")

    @pydantic.model_validator(mode="after")
    def _check_deed(self) -> Self:
        for names, what in ((self.kinds, "kind"), (self.zones, "zone"), (self.cameras, "camera")):
            if len(set(names)) < len(names):
                raise ValueError(f"expected every {what} once")
        if self.severity is Severity.NONE:
            raise ValueError("severity: expected low, medium, high or critical")
        if (self.deed is Deed.LINE_CROSSED) is not (self.line is not None):
            raise ValueError("line: expected with line_crossed, and with nothing else")
        self._check_limit()
        return self

    def _check_limit(self) -> None:
        deed, limit = self.deed, self.limit
        if limit is None and deed in NEEDS_LIMIT:
            raise ValueError(f"limit: needed for {deed}")
        if limit is not None and deed in HAS_NO_LIMIT:
            raise ValueError(f"limit: {deed} has none")
        if limit is not None and limit > _HIGHEST_LIMIT[deed]:
            raise ValueError(f"limit: expected at most {_HIGHEST_LIMIT[deed]:g} for {deed}, got {limit:g}")
        if limit is not None and deed in IS_COUNT and limit != int(limit):
            raise ValueError(f"limit: expected a whole number for {deed}, got {limit:g}")
        if deed is not Deed.COUNT and self.comparison is not Comparison.AT_LEAST:
            raise ValueError("comparison: only a count can be at most")
        if deed not in IS_COUNT and self.lasting_s:
            raise ValueError("lasting_s: only a count or a crowd has one")
        least = 0 if self.comparison is Comparison.AT_MOST else 1
        if limit is not None and deed in IS_COUNT and limit < least:
            raise ValueError(f"limit: expected at least {least} for {deed}, got {limit:g}")


class Exemption(pydantic.BaseModel):
    """What is allowed although a rule waits for it, such as the cleaners on Tuesdays: counted, and nobody is told."""

    model_config = _STRICT

    name: str = pydantic.Field(pattern=NAME_PATTERN, description="Who or what is allowed; shown with the count.")
    rules: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=64, description="Names of rules it is an exemption from; left out: all."
    )
    zones: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=16, description="Names of zones it holds in; left out: anywhere."
    )
    when: When = pydantic.Field(description="When it holds.")
    first_day: dt.date | None = pydantic.Field(default=None, description="First date, YYYY-MM-DD; left out: any.")
    last_day: dt.date | None = pydantic.Field(default=None, description="Last date; left out: any.")

    @pydantic.model_validator(mode="after")
    def _check_days(self) -> Self:
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError("first_day must not come after last_day")
        return self

    def covers(self, rule: str, zone: str, local: dt.datetime, schedule: Schedule) -> bool:
        """Whether what a rule waited for is allowed, there and then.

        Args:
            rule: Name of the rule.
            zone: Where it happened; "" outside every zone.
            local: The wall clock of the site.
            schedule: Of the site.
        """
        if (self.rules and rule not in self.rules) or (self.zones and zone not in self.zones):
            return False
        if (self.first_day and local.date() < self.first_day) or (self.last_day and local.date() > self.last_day):
            return False
        return self.when.holds_at(local, schedule)
