"""Laws of the behaviours."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context.behaviour.against_flow import against_flow, flow_share
from context.behaviour.dwell import Stay, dwell
from context.behaviour.fall import Body, fall
from context.behaviour.following import NOBODY, follow
from context.behaviour.observer import NOTHING_OBSERVED, observe
from context.behaviour.settings import (
    BehaviourSettings,
    DwellSettings,
    FallSettings,
    FlowSettings,
    FollowingSettings,
)
from context.track import Point, Sighting
from tests.fakes.paths import SOMEBODY, at, times, track

_steps_s = st.lists(st.floats(0.01, 2.0), min_size=1, max_size=30)
_angles = st.floats(-math.pi, math.pi)
_sizes = st.tuples(st.floats(0.1, 2.0), st.floats(0.1, 2.0))
_speeds = st.floats(0.5, 4.0)
_places = st.tuples(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
_units = st.floats(0.02, 0.1)


def _direction(angle: float) -> Point:
    return math.cos(angle), math.sin(angle)


def _walk(angle: float, speed: float, flow: Point, fps: float = 10.0, unit: Point = SOMEBODY.unit) -> list[Sighting]:
    one = SOMEBODY._replace(zone="aisle", flow=flow, speed=speed, unit=unit)
    x, y = _direction(angle)
    return [at(now, speed * x * now, speed * y * now, one) for now in times(2.0, fps)]


@settings(deadline=None)
@given(steps_s=_steps_s)
def test_dwell_never_falls_while_inside_and_is_the_time_since_entering(steps_s: list[float]) -> None:
    stay: Stay | None = None
    instants = [0.0, *itertools.accumulate(steps_s)]
    for now in instants:
        stay, found = dwell(stay, at(now, one=SOMEBODY._replace(zone="till")), DwellSettings())
        assert found.value == pytest.approx(now)


@settings(deadline=None)
@given(angle=_angles, speed=_speeds, flow=_angles)
def test_flow_is_antisymmetric_in_the_direction_and_in_time(angle: float, speed: float, flow: float) -> None:
    path = _walk(angle, speed, _direction(flow))
    turned = [one._replace(flow=_direction(flow + math.pi)) for one in path]
    backwards = [one._replace(foot=other.foot) for one, other in zip(path, reversed(path), strict=True)]
    share = flow_share(track(path), FlowSettings())
    assert share == pytest.approx(math.cos(angle - flow), abs=1e-6)
    for mirrored in (turned, backwards):
        assert flow_share(track(mirrored), FlowSettings()) == pytest.approx(-share, abs=1e-6)
        value = against_flow(track(mirrored), FlowSettings()).value
        assert value == pytest.approx(-against_flow(track(path), FlowSettings()).value, abs=1e-6)


@settings(deadline=None)
@given(angle=_angles, speed=_speeds, fps=st.sampled_from([4.0, 5.0, 8.0, 10.0, 25.0]), unit=st.tuples(_units, _units))
def test_nothing_depends_on_the_frame_rate_or_on_how_near_it_is_seen(
    angle: float, speed: float, fps: float, unit: Point
) -> None:
    def _last(path: list[Sighting]) -> dict[str, float]:
        state = NOTHING_OBSERVED
        for one in path:
            state, (found,) = observe(state, one.instant_s, [one], BehaviourSettings())
        return {finding.behaviour.value: finding.value for finding in found}

    usual = _last(_walk(angle, speed, (1.0, 0.0)))
    other = _last(_walk(angle, speed, (1.0, 0.0), fps, unit))
    for name in ("speed", "dwell", "fall", "against_flow"):
        assert other[name] == pytest.approx(usual[name], abs=1e-6)


@settings(deadline=None)
@given(sizes=st.lists(_sizes, min_size=2, max_size=20), gap_s=st.floats(0.61, 3.0))
def test_gap_never_creates_a_fall(sizes: list[Point], gap_s: float) -> None:
    posture: Body | None = None
    for index, size in enumerate(sizes):
        posture, found = fall(posture, at(gap_s * index, one=SOMEBODY._replace(size=size)), FallSettings())
        assert (found.value, found.holds) == (0.0, False)


@settings(deadline=None)
@given(frames=st.lists(st.dictionaries(st.integers(1, 6), _places, max_size=4), min_size=1, max_size=12))
def test_objects_of_one_frame_never_share_an_identity_and_every_track_is_in_order(
    frames: list[dict[int, Point]],
) -> None:
    state = NOBODY
    for index, frame in enumerate(frames):
        sightings = [at(0.7 * index, *place, SOMEBODY._replace(track_id=number)) for number, place in frame.items()]
        state, tracks = follow(state, sightings, 0.7 * index, FollowingSettings())
        assert [one.last for one in tracks] == sightings
        identities = [one.identity for one in state.track_by_id.values()]
        assert len(set(identities)) == len(identities)
        for one in tracks:
            instants = [sighting.instant_s for sighting in one.recent]
            assert instants == sorted(set(instants))
