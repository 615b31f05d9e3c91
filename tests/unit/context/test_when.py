"""When a rule holds: windows across midnight, weekdays, holidays, states, and the sun where it does not set."""

import datetime as dt
import zoneinfo
from typing import Any

import pydantic
import pytest

from context.schedule import Schedule
from context.when import ALWAYS, When

ZONE = zoneinfo.ZoneInfo("Europe/Berlin")
SCHEDULE = Schedule.model_validate_json(
    '{"weekly": {"friday": {"opens": "09:00", "closes": "17:00"}}, "holiday_country": "DE",'
    ' "location": {"latitude": 52.52, "longitude": 13.4}}'
)


def when(**fields: Any) -> When:  # noqa: ANN401  any field
    return When.model_validate(fields, strict=False)


def holds(rule: When, text: str, schedule: Schedule = SCHEDULE) -> bool:
    return rule.holds_at(dt.datetime.fromisoformat(text).replace(tzinfo=ZONE), schedule)


def test_nothing_given_is_always() -> None:
    assert holds(ALWAYS, "2026-01-09T03:00")


def test_window_of_a_friday_ends_on_saturday_morning() -> None:
    fridays = when(days=["friday"], start="22:00", end="06:00")
    instants = ["2026-01-09T05:59", "2026-01-09T22:00", "2026-01-10T05:59", "2026-01-10T06:00", "2026-01-10T22:00"]
    assert [holds(fridays, text) for text in instants] == [False, True, True, False, False]


def test_window_within_a_day_holds_from_its_first_minute_to_before_its_last() -> None:
    midday = when(start="11:00", end="13:00")
    instants = ["2026-01-09T10:59", "2026-01-09T11:00", "2026-01-09T12:59", "2026-01-09T13:00"]
    assert [holds(midday, text) for text in instants] == [False, True, True, False]


def test_night_of_a_holiday_is_the_one_that_begins_on_it() -> None:
    nights = when(start="22:00", end="06:00", holidays=True)
    assert holds(nights, "2026-12-26T23:00")
    assert holds(nights, "2026-12-27T05:00")
    assert not holds(nights, "2026-12-25T05:00")


def test_days_that_are_no_holidays() -> None:
    working = when(holidays=False)
    assert not holds(working, "2026-12-25T12:00")
    assert holds(working, "2026-12-24T12:00")


def test_state_of_the_site_counts_at_the_instant() -> None:
    closed = when(states=["closed"])
    assert [holds(closed, f"2026-01-09T{clock}") for clock in ("07:59", "08:00", "12:00", "18:00")] == [
        True,
        False,
        False,
        True,
    ]


def test_darkness_follows_the_sun() -> None:
    dark = when(start="sunset", end="sunrise")
    assert [holds(dark, text) for text in ("2026-06-21T21:00", "2026-12-21T21:00", "2026-12-22T08:00")] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("day", "window", "expected"),
    [
        ("2026-06-21", {"start": "sunset", "end": "sunrise"}, False),
        ("2026-06-21", {"start": "sunrise", "end": "sunset"}, True),
        ("2026-12-21", {"start": "sunset", "end": "sunrise"}, True),
        ("2026-12-21", {"start": "sunrise", "end": "sunset"}, False),
        ("2026-12-21", {"start": "sunset-01:00", "end": "sunrise+01:00"}, True),
        ("2026-12-21", {"start": "sunrise+00:30", "end": "sunset-00:30"}, False),
    ],
)
def test_north_of_the_circle_it_is_dark_or_light_all_day(day: str, window: dict[str, str], expected: bool) -> None:
    north = Schedule.model_validate_json('{"location": {"latitude": 69.65, "longitude": 18.96}}')
    assert {holds(when(**window), f"{day}T{hour:02d}:30", north) for hour in range(24)} == {expected}


def test_hour_that_summer_time_leaves_out_or_repeats_breaks_no_window() -> None:
    night = when(start="01:00", end="04:00")
    for date, hours in (("2026-03-29", 2), ("2026-10-25", 4)):  # the wall clock shows 01:00 to 04:00 for so long
        midnight = dt.datetime.fromisoformat(date).replace(tzinfo=ZONE).astimezone(dt.UTC)
        minutes = [(midnight + dt.timedelta(minutes=minute)).astimezone(ZONE) for minute in range(25 * 60)]
        inside = [one for one in minutes if night.holds_at(one, SCHEDULE) and one.date().isoformat() == date]
        assert len(inside) == hours * 60


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"days": ["Funday"]}, "expected a weekday such as monday, got 'Funday'"),
        ({"days": ["monday", "monday"]}, "expected every weekday and state once"),
        ({"start": "22:00"}, "expected start and end, or neither"),
        ({"start": "22:00", "end": "22:00"}, "expected start and end to differ"),
        ({"start": "10 PM", "end": "22:00"}, "expected a time of day as HH:MM, got '10 PM'"),
        ({"states": ["asleep"]}, "Input should be 'closed'"),
    ],
)
def test_window_that_cannot_be_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        when(**fields)


def test_only_the_sun_needs_a_location() -> None:
    assert when(start="sunset", end="23:00").needs_location
    assert not when(start="22:00", end="23:00").needs_location
    assert not ALWAYS.needs_location
