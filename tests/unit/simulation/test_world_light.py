"""Light by state and hour, and who comes at which hour."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from context.schedule import OperationalState
from simulation.world.behaviour import cast_of
from simulation.world.camera import EmulatedCamera, emulated_camera
from simulation.world.clip import ClipPlan
from simulation.world.footage_plan import fitting_kinds, plan_footage
from simulation.world.kinds import CONTEXT_DEPENDENT_KINDS, NOVELTY_KINDS, ActorKind, AnomalyKind
from simulation.world.layouts import LAYOUTS
from simulation.world.light import light_at
from simulation.world.route import move

_PLACES = np.random.default_rng(0).uniform((-6, 2, 0), (6, 15, 2), (50, 3))
_LAMPS = np.array([[0.0, 5.0, 3.0], [4.0, 12.0, 3.0]])
_LENS = np.array([0.0, 0.0, 4.0])


def _local(hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 7, 15, hour, minute, tzinfo=dt.UTC)


def _plan_in(camera: EmulatedCamera, state: OperationalState) -> ClipPlan:
    plans = plan_footage(camera, 0).training
    return next(plan for plan in plans if camera.state_at(plan.start_utc) is state)


@pytest.mark.parametrize("is_indoor", [True, False])
@pytest.mark.parametrize("state", list(OperationalState))
def test_shading_keeps_its_shape_within_a_state(state: OperationalState, is_indoor: bool) -> None:
    hours = (1, 4) if state is OperationalState.CLOSED else (8, 12)
    first, second = (
        light_at(state, _local(hour), is_indoor, keeps_lamps_on=True).on(_PLACES, _LAMPS, _LENS) for hour in hours
    )
    gains = second / first
    assert np.ptp(gains) < 1e-9
    assert 0.7 < gains[0] < 1.4


def test_closed_shop_is_dark_and_grey_unless_its_lamps_stay_on() -> None:
    red = np.array([[20.0, 20.0, 200.0]])
    open_light = light_at(OperationalState.OPEN, _local(12), is_indoor=True, keeps_lamps_on=False)
    dark = light_at(OperationalState.CLOSED, _local(2), is_indoor=True, keeps_lamps_on=False)
    lit = light_at(OperationalState.CLOSED, _local(2), is_indoor=True, keeps_lamps_on=True)
    brightness = [light.on(_PLACES, _LAMPS, _LENS).mean() for light in (open_light, lit, dark)]
    assert brightness[0] > brightness[1]
    assert brightness[0] > brightness[2]
    assert np.ptp(dark.colour(red)) == 0.0
    assert np.ptp(lit.colour(red)) > 50.0
    assert dark.noise > open_light.noise


def test_sun_moves_with_the_hour_and_never_shines_indoors_or_at_night() -> None:
    morning, noon = (light_at(OperationalState.OPEN, _local(hour), False, keeps_lamps_on=True) for hour in (8, 13))
    assert morning.sun_bearing_rad > noon.sun_bearing_rad
    assert noon.sun_elevation > morning.sun_elevation > 0
    assert light_at(OperationalState.OPEN, _local(13), True, keeps_lamps_on=True).sun_elevation == 0.0
    assert light_at(OperationalState.CLOSED, _local(2), False, keeps_lamps_on=True).sun_elevation == 0.0


def test_closed_sunday_noon_outside_is_day() -> None:
    assert light_at(OperationalState.CLOSED, _local(12), False, keeps_lamps_on=False).sun_elevation > 0


@pytest.mark.parametrize("index", [index for index, name in enumerate(LAYOUTS) if name != "street"])
def test_nobody_but_a_guard_is_about_when_closed(index: int) -> None:
    camera = emulated_camera(0, index)
    plan = _plan_in(camera, OperationalState.CLOSED)
    for seed in range(8):
        kinds = {actor.kind for actor in cast_of(camera, dataclasses.replace(plan, seed=seed)).actors}
        assert kinds <= {ActorKind.GUARD}


@pytest.mark.parametrize("index", range(len(LAYOUTS)))
def test_normal_traffic_holds_no_novelty_and_stays_the_same_beside_an_anomaly(index: int) -> None:
    camera = emulated_camera(0, index)
    plan = _plan_in(camera, OperationalState.OPEN)
    normal = cast_of(camera, plan).actors
    assert normal
    assert not {actor.kind for actor in normal} & NOVELTY_KINDS
    kind = fitting_kinds(camera.ground_plan, OperationalState.OPEN)[0]
    disturbed = cast_of(camera, dataclasses.replace(plan, anomalies=(kind,), has_novelty=True))
    assert disturbed.actors[: len(normal)] == normal
    assert disturbed.anomaly_by_track == {len(normal) + 1: kind}
    assert disturbed.actors[-1].kind in NOVELTY_KINDS


def test_anomaly_that_does_not_fit_the_state_is_refused() -> None:
    camera = emulated_camera(0, 0)
    plan = dataclasses.replace(_plan_in(camera, OperationalState.OPEN), anomalies=(AnomalyKind.INTRUSION,))
    with pytest.raises(ValueError, match="expected an anomaly that fits aisle when open, got intrusion"):
        cast_of(camera, plan)


def test_who_does_wrong_depending_on_context_does_right_in_another() -> None:
    for layout in LAYOUTS.values():
        for misdeed in layout.misdeeds:
            if misdeed.anomaly in CONTEXT_DEPENDENT_KINDS:
                elsewhere = [traffic for state in layout.traffic.values() for traffic in state]
                same = [traffic for traffic in elsewhere if traffic.kind is misdeed.actor]
                assert any(abs(traffic.speed_m_s - misdeed.speed_m_s) <= 0.1 for traffic in same), (
                    layout.name,
                    misdeed,
                )


def test_intruder_is_dressed_and_walks_like_a_shopper() -> None:
    camera = emulated_camera(0, 1)
    plan = dataclasses.replace(_plan_in(camera, OperationalState.CLOSED), anomalies=(AnomalyKind.INTRUSION,))
    cast = cast_of(camera, plan)
    (track_id,) = cast.anomaly_by_track
    intruder = next(actor for actor in cast.actors if actor.track_id == track_id)
    assert intruder.kind is ActorKind.SHOPPER
    assert 1.0 < intruder.route.speed_m_s < 1.5


def test_runner_is_two_and_a_half_to_three_and_a_half_times_as_fast_as_a_walker() -> None:
    for index, name in enumerate(LAYOUTS):
        camera = emulated_camera(0, index)
        plan = dataclasses.replace(_plan_in(camera, OperationalState.OPEN), anomalies=(AnomalyKind.RUNNING,))
        cast = cast_of(camera, plan)
        (track_id,) = cast.anomaly_by_track
        runner = next(actor for actor in cast.actors if actor.track_id == track_id)
        walked = np.mean([
            traffic.speed_m_s
            for traffic in LAYOUTS[name].traffic[OperationalState.OPEN]
            if traffic.kind is ActorKind.SHOPPER
        ])  # fmt: skip
        assert 2.4 <= runner.route.speed_m_s / walked <= 3.6


def test_loiterer_stays_within_two_metres_once_arrived() -> None:
    camera = emulated_camera(0, 2)
    plan = dataclasses.replace(_plan_in(camera, OperationalState.OPEN), anomalies=(AnomalyKind.LOITERING,))
    cast = cast_of(camera, plan)
    (track_id,) = cast.anomaly_by_track
    loiterer = next(actor for actor in cast.actors if actor.track_id == track_id)
    arrival = loiterer.route.duration_s - sum(point.pause_s for point in loiterer.route.waypoints)
    later = loiterer.route.start_s + arrival + np.linspace(0.0, 8.0, 50)
    assert np.ptp(move(loiterer.route, later).place, axis=0).max() < 2.0
