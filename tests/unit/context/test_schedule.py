"""Opening hours: the state at every boundary, and descriptions that are refused."""

import datetime as dt
import zoneinfo
from typing import Any

import pydantic
import pytest

from context.context_vector import moment_at
from context.schedule import WEEKDAYS, OperationalState, Schedule, local_time
from context.site import Site

WEDNESDAY = dt.date(2026, 1, 7)
NINE_TO_FIVE = {"weekly": {"wednesday": {"opens": "09:00", "closes": "17:00"}}}


def schedule(**fields: Any) -> Schedule:  # noqa: ANN401  any field of the description
    return Schedule.model_validate(NINE_TO_FIVE | fields)


def state(plan: Schedule, clock: str, day: dt.date = WEDNESDAY) -> str:
    return plan.state_at(dt.datetime.combine(day, dt.time.fromisoformat(clock))).value


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("00:00", "closed"),
        ("07:59:59", "closed"),
        ("08:00", "opening"),
        ("08:59:59", "opening"),
        ("09:00", "open"),
        ("16:59:59", "open"),
        ("17:00", "closing"),
        ("17:59:59", "closing"),
        ("18:00", "closed"),
        ("23:59:59", "closed"),
    ],
)
def test_each_state_begins_on_its_minute_and_ends_before_the_next(clock: str, expected: str) -> None:
    assert state(schedule(), clock) == expected


def test_lengths_of_opening_and_closing_can_be_set_to_nothing() -> None:
    plan = schedule(opening_minutes=0, closing_minutes=0)
    assert [state(plan, clock) for clock in ("08:59", "09:00", "16:59", "17:00")] == [
        "closed",
        "open",
        "open",
        "closed",
    ]


def test_weekday_left_out_is_closed_all_day() -> None:
    thursday = WEDNESDAY + dt.timedelta(days=1)
    assert {state(schedule(), f"{hour:02d}:00", thursday) for hour in range(24)} == {"closed"}


def test_holiday_is_closed_all_day() -> None:
    plan = schedule(holidays=["2026-01-07"])
    assert plan.is_holiday(WEDNESDAY)
    assert {state(plan, f"{hour:02d}:00") for hour in range(24)} == {"closed"}
    assert state(plan, "12:00", WEDNESDAY + dt.timedelta(days=7)) == "open"


def test_special_event_lasts_its_whole_date_even_on_a_holiday() -> None:
    plan = schedule(holidays=["2026-01-07"], special_events=["2026-01-07"])
    assert {state(plan, f"{hour:02d}:30") for hour in range(24)} == {"special_event"}
    assert state(plan, "00:00", WEDNESDAY + dt.timedelta(days=1)) == "closed"


def test_closing_goes_on_after_midnight_and_opening_begins_before_it() -> None:
    plan = Schedule.model_validate(
        {"weekly": {"wednesday": {"opens": "00:30", "closes": "24:00"}}, "special_events": ["2026-01-21"]}
    )
    tuesday, thursday = WEDNESDAY - dt.timedelta(days=1), WEDNESDAY + dt.timedelta(days=1)
    assert [state(plan, clock, tuesday) for clock in ("23:29", "23:30")] == ["closed", "opening"]
    assert [state(plan, clock) for clock in ("00:00", "00:30", "23:59")] == ["opening", "open", "open"]
    assert [state(plan, clock, thursday) for clock in ("00:00", "00:59", "01:00")] == ["closing", "closing", "closed"]
    assert state(plan, "00:30", dt.date(2026, 1, 22)) == "closed"


def test_site_open_round_the_clock_is_always_open() -> None:
    plan = Schedule.model_validate({"weekly": {day: {"opens": "00:00", "closes": "24:00"} for day in WEEKDAYS}})
    assert {state(plan, clock) for clock in ("00:00", "12:00", "23:59:59")} == {"open"}


@pytest.mark.parametrize(
    ("utc", "expected"),
    [
        ("2026-03-28T07:59:59", "opening"),  # Saturday in winter: 09:00 is 08:00 UTC
        ("2026-03-28T08:00:00", "open"),
        ("2026-03-29T06:59:59", "opening"),  # Sunday, clocks went forward in the night: 09:00 is 07:00 UTC
        ("2026-03-29T07:00:00", "open"),
        ("2026-10-24T07:00:00", "open"),  # Saturday in summer
        ("2026-10-25T07:00:00", "opening"),  # Sunday, clocks went back
        ("2026-10-25T08:00:00", "open"),
    ],
)
def test_hours_follow_the_wall_clock_over_a_change_to_summer_time(utc: str, expected: str) -> None:
    weekly = {day: {"opens": "09:00", "closes": "17:00"} for day in WEEKDAYS}
    site = Site.model_validate(
        {"name": "s", "time_zone": "Europe/Berlin", "schedule": {"weekly": weekly}, "cameras": [{"name": "c"}]}
    )
    assert moment_at(site, dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)).state.value == expected


def test_hour_that_a_time_change_repeats_has_the_same_state_twice() -> None:
    plan = Schedule.model_validate({"weekly": {"sunday": {"opens": "02:30", "closes": "05:00"}}, "opening_minutes": 0})
    instants = [dt.datetime(2026, 10, 25, hour, 45, tzinfo=dt.UTC) for hour in (0, 1)]
    locals_ = [local_time(instant, "Europe/Berlin") for instant in instants]
    assert [local.strftime("%H:%M") for local in locals_] == ["02:45", "02:45"]
    assert [plan.state_at(local) for local in locals_] == [OperationalState.OPEN] * 2


def test_local_time_refuses_an_instant_without_time_zone() -> None:
    with pytest.raises(ValueError, match=r"^expected a timezone-aware instant$"):
        local_time(dt.datetime(2026, 1, 7, 12), "UTC")  # noqa: DTZ001  that is the point


def test_local_time_is_the_same_instant() -> None:
    instant = dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)
    local = local_time(instant, "Asia/Tokyo")
    assert (local, local.hour, local.tzinfo) == (instant, 19, zoneinfo.ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("9:00", "expected a time of day as HH:MM, got '9:00'"),
        ("0900", "expected a time of day as HH:MM, got '0900'"),
        ("ab:cd", "expected a time of day as HH:MM, got 'ab:cd'"),
        ("09:60", "expected a time of day from 00:00 to 24:00, got '09:60'"),
        ("24:01", "expected a time of day from 00:00 to 24:00, got '24:01'"),
        (9, "expected a time of day as HH:MM, got 9"),
    ],
)
def test_time_of_day_that_cannot_be_meant_is_refused(text: object, problem: str) -> None:
    with pytest.raises(pydantic.ValidationError) as refusal:
        Schedule.model_validate({"weekly": {"monday": {"opens": text, "closes": "17:00"}}})
    (error,) = refusal.value.errors()
    assert (error["loc"], error["msg"]) == (("weekly", "monday", "opens"), f"Value error, {problem}")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"weekly": {"monday": {"opens": "17:00", "closes": "17:00"}}}, "opens must come before closes"),
        ({"weekly": {"Monday": {"opens": "09:00", "closes": "17:00"}}}, "expected a weekday such as monday"),
        ({"holidays": ["2026-02-30"]}, "expected a date as YYYY-MM-DD, got '2026-02-30'"),
        ({"special_events": ["20260107"]}, "expected a date as YYYY-MM-DD, got '20260107'"),
        ({"opening_minutes": 241}, "less than or equal to 240"),
    ],
)
def test_contradiction_names_what_is_wrong(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        Schedule.model_validate(fields)


BERLIN = {"latitude": 52.52, "longitude": 13.4}


def test_hours_that_follow_the_sun_open_later_in_winter() -> None:
    plan = Schedule.model_validate(
        {"location": BERLIN, "opening_minutes": 0, "weekly": {"sunday": {"opens": "sunrise", "closes": "sunset"}}}
    )
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    seven = [dt.datetime(2026, month, day, 7, tzinfo=zone) for month, day in ((6, 21), (12, 20))]
    assert [plan.state_at(one) for one in seven] == [OperationalState.OPEN, OperationalState.CLOSED]


def test_day_on_which_the_sun_comes_too_late_is_closed() -> None:
    hours = {"opens": "sunrise", "closes": "08:00"}
    plan = Schedule.model_validate({"location": BERLIN, "weekly": {"sunday": hours}})
    day = dt.datetime(2026, 12, 20, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    assert {plan.state_at(day + dt.timedelta(hours=hour)) for hour in range(24)} == {OperationalState.CLOSED}


def test_public_holidays_of_the_country_are_closed_unless_listed_as_open() -> None:
    plan = schedule(holiday_country="DE", holiday_subdivision="BE", open_holidays=["2026-10-03"])
    days = [dt.date(2026, 3, 8), dt.date(2026, 10, 3), dt.date(2026, 12, 25), WEDNESDAY]
    assert [plan.is_holiday(day) for day in days] == [True, False, True, False]
    assert not schedule(holiday_country="DE", holiday_subdivision="BY").is_holiday(days[0])  # Women's Day is Berlin's


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"weekly": {"sunday": {"opens": "sunrise", "closes": "12:00"}}}, "location: needed for hours"),
        ({"weekly": {"sunday": {"opens": "sunset", "closes": "sunset-01:00"}}}, "opens must come before closes"),
        ({"holiday_subdivision": "BY"}, "holiday_country: needed to know its public holidays"),
        ({"open_holidays": ["2026-10-03"]}, "holiday_country: needed to know its public holidays"),
        ({"holiday_country": "XX"}, "expected a country, and a subdivision of it, whose holidays are known"),
        ({"holiday_country": "DE", "holiday_subdivision": "TX"}, "expected a country, and a subdivision of it"),
    ],
)
def test_sun_and_country_that_cannot_be_known_are_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        schedule(**fields)
