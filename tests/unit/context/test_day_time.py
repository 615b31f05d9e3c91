"""Times of day: what is read, what is refused, and the sun at places where it does not set."""

import datetime as dt
import zoneinfo

import pytest

from context.day_time import DayTime, Location, SunEvent, minute_of_day, parse_day_time

BERLIN, TROMSO = Location(latitude=52.52, longitude=13.4), Location(latitude=69.65, longitude=18.96)
ZONE, OSLO = zoneinfo.ZoneInfo("Europe/Berlin"), zoneinfo.ZoneInfo("Europe/Oslo")
MIDSUMMER, MIDWINTER = dt.date(2026, 6, 21), dt.date(2026, 12, 21)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00", DayTime(0)),
        ("24:00", DayTime(1440)),
        ("22:30", DayTime(22 * 60 + 30)),
        ("sunrise", DayTime(0, SunEvent.SUNRISE)),
        ("sunset-00:30", DayTime(-30, SunEvent.SUNSET)),
        ("sunset+06:00", DayTime(360, SunEvent.SUNSET)),
    ],
)
def test_time_of_day_is_read_and_written_the_same(text: str, expected: DayTime) -> None:
    assert parse_day_time(text) == expected
    assert str(expected) == text
    assert parse_day_time(expected) is expected


@pytest.mark.parametrize(
    "text",
    ["9:00", "noon", "sunset+1", "sunset 00:30", "sunrise+00:60", "", "\N{ARABIC-INDIC DIGIT ONE}2:00", 9, None, 9.5],
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a time of day"):
        parse_day_time(text)


def test_sun_is_followed_for_six_hours_at_most() -> None:
    with pytest.raises(ValueError, match="expected at most 06:00 before or after the sun"):
        parse_day_time("sunset+06:01")


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [  # to two minutes of what almanacs print for Berlin
        ("sunrise", MIDSUMMER, 4 * 60 + 43),
        ("sunset", MIDSUMMER, 21 * 60 + 33),
        ("sunrise", MIDWINTER, 8 * 60 + 15),
        ("sunset", MIDWINTER, 15 * 60 + 54),
        ("sunset+01:00", MIDWINTER, 16 * 60 + 54),
    ],
)
def test_sun_rises_and_sets_by_the_table(text: str, day: dt.date, expected: int) -> None:
    assert minute_of_day(parse_day_time(text), day, BERLIN, ZONE) == pytest.approx(expected, abs=2)


def test_sun_that_stays_up_sets_at_midnight_and_one_that_stays_down_rises_at_noon() -> None:
    minutes = [
        minute_of_day(parse_day_time(event), day, TROMSO, OSLO)
        for day in (MIDSUMMER, MIDWINTER)
        for event in ("sunrise", "sunset")
    ]
    assert minutes == [0, 1440, 720, 720]


def test_offset_does_not_leave_the_day() -> None:
    assert minute_of_day(parse_day_time("sunset+06:00"), MIDSUMMER, BERLIN, ZONE) == 1440


@pytest.mark.parametrize(("location", "zone"), [(None, ZONE), (BERLIN, None)])
def test_sun_needs_place_and_time_zone(location: Location | None, zone: zoneinfo.ZoneInfo | None) -> None:
    with pytest.raises(ValueError, match="sunset needs the site's location and time zone"):
        minute_of_day(parse_day_time("sunset"), MIDSUMMER, location, zone)
