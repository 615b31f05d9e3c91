"""Times of day as a site writes them down: a clock time, or sunrise and sunset with an offset.

``22:00``, ``24:00`` (the end of the day), ``sunset``, ``sunrise-00:30``, ``sunset+01:15``. They are local wall-clock
times, so a change to summer time moves no window.
"""

import dataclasses
import datetime as dt
import enum
import functools
import re
from typing import Annotated

import astral
import astral.sun
import pydantic

DAY_MINUTES = 24 * 60
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})")
_SUN = re.compile(r"(sunrise|sunset)(?:([+-])([0-9]{2}:[0-9]{2}))?")
_LONGEST_OFFSET = 6 * 60


class SunEvent(enum.StrEnum):
    """When the sun's upper edge crosses the horizon."""

    SUNRISE = "sunrise"
    SUNSET = "sunset"


@dataclasses.dataclass(frozen=True)
class DayTime:
    """A time of day.

    Attributes:
        minutes: After midnight, 0 to 1440; after the sun's event where there is one, and then maybe negative.
        sun: What it is counted from; None is midnight.
    """

    minutes: int
    sun: SunEvent | None = None

    def __str__(self) -> str:
        if self.sun is None:
            return _clock_text(self.minutes)
        sign = "-" if self.minutes < 0 else "+"
        return self.sun.value + (f"{sign}{_clock_text(abs(self.minutes))}" if self.minutes else "")


class Location(pydantic.BaseModel):
    """Where a site is, to know when the sun rises and sets there."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    latitude: float = pydantic.Field(ge=-90.0, le=90.0, description="Degrees, north is positive.")
    longitude: float = pydantic.Field(ge=-180.0, le=180.0, description="Degrees, east is positive.")


def parse_day_time(text: object) -> DayTime:
    """Reads a time of day.

    Raises:
        ValueError: It is none; says what was expected.
    """
    if isinstance(text, DayTime):
        return text
    if not isinstance(text, str):  # a bare 9 would be nine minutes past midnight
        raise ValueError(f"expected a time of day as HH:MM, got {text!r}")  # noqa: TRY004  pydantic reports these
    sun = _SUN.fullmatch(text)
    if sun is None:
        return DayTime(_clock_minutes(text))
    offset = 0 if sun[3] is None else _clock_minutes(sun[3])
    if offset > _LONGEST_OFFSET:
        raise ValueError(f"expected at most 06:00 before or after the sun, got {text!r}")
    return DayTime(-offset if sun[2] == "-" else offset, SunEvent(sun[1]))


ParsedDayTime = Annotated[
    pydantic.InstanceOf[DayTime], pydantic.BeforeValidator(parse_day_time), pydantic.PlainSerializer(str)
]


def minute_of_day(time: DayTime, day: dt.date, location: Location | None, zone: dt.tzinfo | None) -> int:
    """Minutes after midnight, 0 to 1440, that a time of day is on one date.

    Where the sun stays down on a date it rises and sets at noon; where it stays up, it rises and sets at midnight.

    Args:
        time: The time of day.
        day: The local date.
        location: Of the site; only needed for the sun's.
        zone: Of the site; only needed for the sun's.

    Raises:
        ValueError: The time is the sun's, and location or zone is missing.
    """
    if time.sun is None:
        return time.minutes
    if location is None or zone is None:
        raise ValueError(f"{time.sun} needs the site's location and time zone")
    minute = _sun_minute(time.sun, day, (location.latitude, location.longitude), zone) + time.minutes
    return max(0, min(DAY_MINUTES, minute))


@functools.lru_cache(maxsize=256)
def _sun_minute(event: SunEvent, day: dt.date, place: tuple[float, float], zone: dt.tzinfo) -> int:
    """Asked for in every frame, so kept."""
    observer = astral.Observer(*place)
    find = astral.sun.sunrise if event is SunEvent.SUNRISE else astral.sun.sunset
    try:
        instant = find(observer, day, tzinfo=zone)
    except ValueError:  # the sun stays above the horizon, or below
        noon = dt.datetime.combine(day, dt.time(12), zone)
        if astral.sun.elevation(observer, noon) < 0.0:
            return DAY_MINUTES // 2
        return 0 if event is SunEvent.SUNRISE else DAY_MINUTES
    return (instant.date() - day).days * DAY_MINUTES + instant.hour * 60 + instant.minute


def _clock_minutes(text: str) -> int:
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        raise ValueError(f"expected a time of day as HH:MM, got {text!r}")
    total = int(clock[1]) * 60 + int(clock[2])
    if int(clock[2]) > 59 or total > DAY_MINUTES:
        raise ValueError(f"expected a time of day from 00:00 to 24:00, got {text!r}")
    return total


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
