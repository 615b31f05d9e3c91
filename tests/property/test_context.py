"""Laws of the context package."""

import datetime as dt

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from context.context_vector import CONTEXT_SIZE, moment_at
from context.schedule import STATES, Schedule
from context.severity import severity_score
from context.site import Site
from context.zone import Zone, zone_slots

_fractions = st.floats(0, 1, width=32)
_boxes = st.lists(st.tuples(*[st.floats(-0.5, 1.5, width=32)] * 4), min_size=1, max_size=8)
_triangles = st.lists(st.tuples(_fractions, _fractions), min_size=3, max_size=3).filter(
    lambda corners: shapely.Polygon(corners).area > 1e-3
)
_instants = st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
_minutes = st.integers(0, 24 * 60)
_hours = st.tuples(_minutes, _minutes).filter(lambda pair: pair[0] < pair[1])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@settings(deadline=None)
@given(polygons=st.lists(_triangles, max_size=4), sides=_boxes)
def test_box_is_in_the_first_zone_that_holds_its_bottom_centre_and_else_in_none(
    polygons: list[list[tuple[float, float]]], sides: list[tuple[float, ...]]
) -> None:
    zones = tuple(
        Zone.model_validate({"name": str(index), "kind": "till", "polygon": polygon})
        for index, polygon in enumerate(polygons)
    )
    boxes = np.array(sides, dtype=np.float32)
    for box, slot in zip(boxes, zone_slots(zones, boxes), strict=True):
        foot = shapely.Point((box[0] + box[2]) / 2, box[3])
        holding = [index for index, polygon in enumerate(polygons, 1) if shapely.Polygon(polygon).intersects(foot)]
        assert slot == (holding[0] if holding else 0)


@settings(deadline=None)
@given(hours=_hours, opening=st.integers(0, 240), closing=st.integers(0, 240), minute=st.integers(-2880, 4320))
def test_state_is_that_of_the_hours_counted_from_the_midnight_of_the_one_open_day(
    hours: tuple[int, int], opening: int, closing: int, minute: int
) -> None:
    opens, closes = hours
    weekly = {"wednesday": {"opens": _clock(opens), "closes": _clock(closes)}}
    plan = Schedule.model_validate({"weekly": weekly, "opening_minutes": opening, "closing_minutes": closing})
    wednesday = dt.datetime(2026, 1, 7)  # noqa: DTZ001  a wall clock
    edges = {"opening": opens - opening, "open": opens, "closing": closes, "closed": closes + closing}
    expected = [name for name, begins in edges.items() if minute >= begins]
    assert plan.state_at(wednesday + dt.timedelta(minutes=minute)).value == (expected or ["closed"])[-1]


@settings(deadline=None)
@given(instant=_instants)
def test_context_values_are_bounded_and_name_one_state(instant: dt.datetime) -> None:
    site = Site.model_validate({"name": "s", "time_zone": "America/New_York", "cameras": [{"name": "c"}]})
    moment = moment_at(site, instant)
    day, week, state = moment.values[:2], moment.values[2:4], moment.values[4 : 4 + len(STATES)]
    assert moment.values.shape == (CONTEXT_SIZE,)
    np.testing.assert_allclose([np.hypot(*day), np.hypot(*week)], 1.0, rtol=1e-6)
    assert state.tolist() == [float(index == moment.state_index) for index in range(len(STATES))]


@settings(deadline=None)
@given(first=st.floats(0, 1), second=st.floats(0, 1))
def test_severity_never_falls_with_the_calibrated_score(first: float, second: float) -> None:
    low, high = sorted((severity_score(min(first, second)), severity_score(max(first, second))))
    assert (low, high) == (severity_score(min(first, second)), severity_score(max(first, second)))
    assert 0.0 <= low <= high <= 1.0
