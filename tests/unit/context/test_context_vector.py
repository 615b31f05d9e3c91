"""The context vector: its layout, and that it depends on site and instant alone."""

import datetime as dt
import math

import numpy as np
import pytest

from context.context_vector import CONTEXT_SIZE, moment_at
from context.schedule import STATES, OperationalState
from context.site import Site

SITE = Site.model_validate(
    {
        "name": "store42",
        "time_zone": "Europe/Berlin",
        "schedule": {
            "weekly": {"thursday": {"opens": "09:00", "closes": "17:00"}},
            "holidays": ["2026-01-08"],
            "special_events": ["2026-01-22"],
        },
        "cameras": [{"name": "c"}],
    }
)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_layout_is_day_then_week_then_state_then_holiday() -> None:
    moment = moment_at(SITE, at("2026-01-15T11:00:00"))  # Thursday noon in Berlin
    week = 2 * math.pi * 3.5 / 7
    expected = [0.0, -1.0, math.sin(week), math.cos(week), 0, 0, 1, 0, 0, 0]
    assert moment.values == pytest.approx(np.array(expected), abs=1e-6)
    assert (moment.values.shape, moment.values.dtype.name) == ((CONTEXT_SIZE,), "float32")
    assert moment.state is OperationalState.OPEN


def test_monday_midnight_is_the_start_of_both_circles() -> None:
    assert moment_at(SITE, at("2026-01-11T23:00:00")).values[:4] == pytest.approx([0, 1, 0, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("utc", "state", "holiday"),
    [
        ("2026-01-15T03:00:00", OperationalState.CLOSED, 0),
        ("2026-01-15T07:30:00", OperationalState.OPENING, 0),
        ("2026-01-15T12:00:00", OperationalState.OPEN, 0),
        ("2026-01-15T16:30:00", OperationalState.CLOSING, 0),
        ("2026-01-22T12:00:00", OperationalState.SPECIAL_EVENT, 0),
        ("2026-01-08T12:00:00", OperationalState.CLOSED, 1),
    ],
)
def test_exactly_the_state_of_the_moment_is_set(utc: str, state: OperationalState, holiday: int) -> None:
    moment = moment_at(SITE, at(utc))
    assert moment.values[4:].tolist() == [float(one is state) for one in STATES] + [holiday]
    assert moment.state_index == STATES.index(state)


def test_same_site_and_instant_give_the_same_values_in_any_notation() -> None:
    elsewhere = at("2026-01-15T11:00:00").astimezone(dt.timezone(dt.timedelta(hours=-5)))
    first, second = moment_at(SITE, at("2026-01-15T11:00:00")), moment_at(SITE, elsewhere)
    assert first.state is second.state
    np.testing.assert_array_equal(first.values, second.values)
