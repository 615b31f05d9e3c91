"""Opening hours: the operational state of a site at an instant.

Hours are local to the site's time zone, and may follow the sun. The hour before opening is ``opening``, the hour after
closing is ``closing``, also across midnight; both lengths can be set. A special event or a holiday overrides the weekly
hours of its date.
"""

import datetime as dt
import enum
import functools
import zoneinfo
from typing import Self

import holidays
import pydantic

from context.day_time import DAY_MINUTES, Location, ParsedDayTime, minute_of_day

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

_DAY = dt.timedelta(days=1)


class Hours(pydantic.BaseModel):
    """Opening hours of one day, ``opens`` before ``closes``."""

    model_config = _STRICT

    opens: ParsedDayTime = pydantic.Field(description="Opening time, local: HH:MM, sunrise or sunset-00:30.")
    closes: ParsedDayTime = pydantic.Field(description="Closing time, local; 24:00 is midnight.")

    @pydantic.model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.opens.sun is self.closes.sun and self.opens.minutes >= self.closes.minutes:
            raise ValueError("opens must come before closes")
        return self

    @property
    def needs_location(self) -> bool:
        """Whether they follow the sun."""
        return (self.opens.sun or self.closes.sun) is not None


class Schedule(pydantic.BaseModel):
    """Weekly opening hours with holidays and special events."""

    model_config = _STRICT

    location: Location | None = pydantic.Field(default=None, description="Needed for sunrise and sunset.")
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
    holiday_country: str | None = pydantic.Field(
        default=None, min_length=2, max_length=2, description="Country whose public holidays are closed, such as DE."
    )
    holiday_subdivision: str | None = pydantic.Field(
        default=None, min_length=1, max_length=16, description="Its state or province, such as BY."
    )
    open_holidays: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=400, description="Public holidays with the usual hours, YYYY-MM-DD."
    )
    special_events: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=400, description="Dates of special events, YYYY-MM-DD."
    )

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> Self:
        for name in self.weekly:
            if name not in WEEKDAYS:
                raise ValueError(f"expected a weekday such as monday, got {name!r}")
        for text in (*self.holidays, *self.open_holidays, *self.special_events):
            if not _is_date(text):
                raise ValueError(f"expected a date as YYYY-MM-DD, got {text!r}")
        if self.location is None and any(hours.needs_location for hours in self.weekly.values()):
            raise ValueError("location: needed for hours that follow the sun")
        self._check_country()
        return self

    def _check_country(self) -> None:
        if self.holiday_country is None:
            if self.holiday_subdivision is not None or self.open_holidays:
                raise ValueError("holiday_country: needed to know its public holidays")
            return
        try:
            _public_holidays(self.holiday_country, self.holiday_subdivision)
        except NotImplementedError as error:
            raise ValueError("expected a country, and a subdivision of it, whose holidays are known") from error

    def is_holiday(self, day: dt.date) -> bool:
        """Whether ``day`` is listed, or a public holiday that is not listed as open."""
        if day.isoformat() in self.holidays:
            return True
        if self.holiday_country is None or day.isoformat() in self.open_holidays:
            return False
        return day in _public_holidays(self.holiday_country, self.holiday_subdivision)

    def state_at(self, local: dt.datetime) -> OperationalState:
        """The operational state at a local wall-clock time.

        Args:
            local: The instant in the site's time zone; only date and time of day are read, and the zone for the sun's.
        """
        day, minute = local.date(), local.hour * 60 + local.minute
        if day.isoformat() in self.special_events:
            return OperationalState.SPECIAL_EVENT
        near = [(self._hours_on(day + days * _DAY, local.tzinfo), minute - days * DAY_MINUTES) for days in (0, 1, -1)]
        open_days = [(*hours, passed) for hours, passed in near if hours is not None]
        if any(opens <= passed < closes for opens, closes, passed in open_days):
            return OperationalState.OPEN
        if any(opens - self.opening_minutes <= passed < opens for opens, _, passed in open_days):
            return OperationalState.OPENING
        if any(closes <= passed < closes + self.closing_minutes for _, closes, passed in open_days):
            return OperationalState.CLOSING
        return OperationalState.CLOSED

    def _hours_on(self, day: dt.date, zone: dt.tzinfo | None) -> tuple[int, int] | None:
        """Minutes after midnight from when to when a date is open; None where the sun, or something else, closes it."""
        hours = self.weekly.get(WEEKDAYS[day.weekday()])
        if hours is None or day.isoformat() in self.special_events or self.is_holiday(day):
            return None
        opens, closes = (minute_of_day(time, day, self.location, zone) for time in (hours.opens, hours.closes))
        return (opens, closes) if opens < closes else None


@functools.lru_cache(maxsize=8)
def _public_holidays(country: str, subdivision: str | None) -> holidays.HolidayBase:
    """Raises ``NotImplementedError`` where they are not known."""
    return holidays.country_holidays(country, subdiv=subdivision)


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
