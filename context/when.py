"""When a rule holds: weekdays, a window of the day, holidays, what the site is doing."""

import datetime as dt
from typing import Self

import pydantic

from context.day_time import DayTime, ParsedDayTime, SunEvent, minute_of_day
from context.schedule import WEEKDAYS, OperationalState, Schedule

_DAY = dt.timedelta(days=1)


class When(pydantic.BaseModel):
    """All of what is given must hold; nothing given is always.

    A window that ends before it begins runs across midnight. It belongs, as do weekdays and holidays, to the day it
    begins on: Fridays from 22:00 to 06:00 end on Saturday morning.
    """

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    days: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=7, description="Weekdays, such as monday; left out: all."
    )
    start: ParsedDayTime | None = pydantic.Field(
        default=None, description="From when on in the day, local: 22:00, sunset or sunset-00:30."
    )
    end: ParsedDayTime | None = pydantic.Field(default=None, description="Until when; before start it is the next day.")
    states: tuple[OperationalState, ...] = pydantic.Field(
        default=(), strict=False, max_length=5, description="What the site does, such as closed; left out: anything."
    )
    holidays: bool | None = pydantic.Field(
        default=None, description="true: on holidays only, false: never on holidays; left out: both."
    )

    @pydantic.model_validator(mode="after")
    def _check_window(self) -> Self:
        for day in self.days:
            if day not in WEEKDAYS:
                raise ValueError(f"expected a weekday such as monday, got {day!r}")
        if len(set(self.days)) < len(self.days) or len(set(self.states)) < len(self.states):
            raise ValueError("expected every weekday and state once")
        if (self.start is None) is not (self.end is None):
            raise ValueError("expected start and end, or neither")
        if self.start is not None and self.start == self.end:
            raise ValueError("expected start and end to differ")
        return self

    @property
    def needs_location(self) -> bool:
        """Whether it follows the sun."""
        return any(time is not None and time.sun is not None for time in (self.start, self.end))

    def holds_at(self, local: dt.datetime, schedule: Schedule) -> bool:
        """Whether it holds at a local wall-clock time.

        Args:
            local: The instant in the site's time zone.
            schedule: Of the site.

        Raises:
            ValueError: It follows the sun, and the schedule has no location.
        """
        if self.states and schedule.state_at(local) not in self.states:
            return False
        return any(
            self._has_day(day, schedule) and self._is_within(day, local, schedule)
            for day in (local.date(), local.date() - _DAY)
        )

    def _has_day(self, day: dt.date, schedule: Schedule) -> bool:
        if self.days and WEEKDAYS[day.weekday()] not in self.days:
            return False
        return self.holidays is None or schedule.is_holiday(day) is self.holidays

    def _is_within(self, day: dt.date, local: dt.datetime, schedule: Schedule) -> bool:
        """Whether it is within the window that begins on ``day``."""
        days = (local.date() - day).days
        if self.start is None or self.end is None:
            return days == 0
        place, zone = schedule.location, local.tzinfo
        start = minute_of_day(self.start, day, place, zone)
        end = minute_of_day(self.end, day, place, zone)
        minute = local.hour * 60 + local.minute
        if not _crosses_midnight(self.start, self.end, start >= end):
            return days == 0 and start <= minute < end
        if days == 0:
            return minute >= start
        return minute < minute_of_day(self.end, local.date(), place, zone)


def _crosses_midnight(start: DayTime, end: DayTime, is_backwards: bool) -> bool:
    """Where the sun does not rise or set the minutes do not tell: a day never crosses midnight, a night always does."""
    if (start.sun, end.sun) == (SunEvent.SUNRISE, SunEvent.SUNSET):
        return False
    return is_backwards or (start.sun, end.sun) == (SunEvent.SUNSET, SunEvent.SUNRISE)


ALWAYS = When()
