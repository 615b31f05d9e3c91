"""Opening hours: the operational state of a site at an instant.

Hours are local to the site's time zone. The hour before opening is ``opening``, the hour after closing is
``closing``, also across midnight; both lengths can be set. A special event or a holiday overrides the weekly hours of
its date.
"""

import datetime as dt
import enum
import zoneinfo
from typing import Annotated, Self

import pydantic

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_STRICT = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class OperationalState(enum.StrEnum):
    """What a site is doing at an instant, in the order of the context vector."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    SPECIAL_EVENT = "special_event"


STATES = tuple(OperationalState)

_DAY, _DAY_MINUTES = dt.timedelta(days=1), 24 * 60


def _parse_clock(text: object) -> int:
    """Reads ``HH:MM``; ``24:00`` is the end of the day. Returns minutes after midnight."""
    if not isinstance(text, str):  # a bare 9 would be nine minutes past midnight
        raise ValueError(f"expected a time of day as HH:MM, got {text!r}")  # noqa: TRY004  pydantic reports these
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == 2 and len(minutes) == 2 and (hours + minutes).isdecimal()):
        raise ValueError(f"expected a time of day as HH:MM, got {text!r}")
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > 24 * 60:
        raise ValueError(f"expected a time of day from 00:00 to 24:00, got {text!r}")
    return total


MinuteOfDay = Annotated[int, pydantic.BeforeValidator(_parse_clock), pydantic.Field(ge=0, le=24 * 60)]


class Hours(pydantic.BaseModel):
    """Opening hours of one day, ``opens`` before ``closes``."""

    model_config = _STRICT

    opens: MinuteOfDay = pydantic.Field(description="Opening time, HH:MM, local.")
    closes: MinuteOfDay = pydantic.Field(description="Closing time, HH:MM, local; 24:00 is midnight.")

    @pydantic.model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("opens must come before closes")
        return self


class Schedule(pydantic.BaseModel):
    """Weekly opening hours with holidays and special events."""

    model_config = _STRICT

    weekly: dict[str, Hours] = pydantic.Field(
        default_factory=dict, description="Opening hours by weekday; a weekday left out is closed."
    )
    opening_minutes: int = pydantic.Field(
        default=60, ge=0, le=240, description="Minutes before opening in which staff prepare."
    )
    closing_minutes: int = pydantic.Field(
        default=60, ge=0, le=240, description="Minutes after closing in which staff clear up."
    )
    holidays: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=400, description="Closed dates, YYYY-MM-DD."
    )
    special_events: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=400, description="Dates of special events, YYYY-MM-DD."
    )

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> Self:
        for name in self.weekly:
            if name not in WEEKDAYS:
                raise ValueError(f"expected a weekday such as monday, got {name!r}")
        for text in (*self.holidays, *self.special_events):
            if not _is_date(text):
                raise ValueError(f"expected a date as YYYY-MM-DD, got {text!r}")
        return self

    def is_holiday(self, day: dt.date) -> bool:
        """Whether ``day`` is a listed holiday."""
        return day.isoformat() in self.holidays

    def state_at(self, local: dt.datetime) -> OperationalState:
        """The operational state at a local wall-clock time.

        Args:
            local: The instant in the site's time zone; only date and time of day are read.
        """
        day, minute = local.date(), local.hour * 60 + local.minute
        if day.isoformat() in self.special_events:
            return OperationalState.SPECIAL_EVENT
        near = [(self._hours_on(day + days * _DAY), minute - days * _DAY_MINUTES) for days in (0, 1, -1)]
        open_days = [(hours, passed) for hours, passed in near if hours is not None]
        if any(hours.opens <= passed < hours.closes for hours, passed in open_days):
            return OperationalState.OPEN
        if any(hours.opens - self.opening_minutes <= passed < hours.opens for hours, passed in open_days):
            return OperationalState.OPENING
        if any(hours.closes <= passed < hours.closes + self.closing_minutes for hours, passed in open_days):
            return OperationalState.CLOSING
        return OperationalState.CLOSED

    def _hours_on(self, day: dt.date) -> Hours | None:
        """The weekly hours of a date, unless something overrides them."""
        is_overridden = self.is_holiday(day) or day.isoformat() in self.special_events
        return None if is_overridden else self.weekly.get(WEEKDAYS[day.weekday()])


def _is_date(text: str) -> bool:
    """Whether ``text`` is a date in the one form that dates are compared in."""
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def local_time(instant_utc: dt.datetime, time_zone: str) -> dt.datetime:
    """The wall-clock time of an aware instant in an IANA time zone.

    Raises:
        ValueError: ``instant_utc`` carries no time zone.
    """
    if instant_utc.tzinfo is None:
        raise ValueError("expected a timezone-aware instant")
    return instant_utc.astimezone(zoneinfo.ZoneInfo(time_zone))
