"""Anomalies that only look wrong: their plan, who they are, how a fall goes, and when they begin to be wrong."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from context.schedule import OperationalState
from simulation.world.actor import Actor, outline_of
from simulation.world.appearance import appearance_kinds_in
from simulation.world.behaviour import Cast, cast_of
from simulation.world.camera import EmulatedCamera, emulated_camera
from simulation.world.clip import ClipPlan
from simulation.world.fall import Fall, Manner, falling, progress
from simulation.world.footage_plan import plan_appearance_clips, plan_footage
from simulation.world.kinds import (
    APPEARANCE_KINDS,
    LEFT_OBJECTS,
    SLIM_STRANGERS,
    WIDE_STRANGERS,
    ActorKind,
    AnomalyKind,
)
from simulation.world.layouts import LAYOUTS
from simulation.world.outline import Rods
from simulation.world.person import Posture, civilian, person
from simulation.world.render import render_cast
from simulation.world.route import Motion, Route, Waypoint, move

_LAYOUT_INDEXES = range(len(LAYOUTS))
_HIP = 2  # the rod from hip to knee
_STATIONARY = (AnomalyKind.FALL, AnomalyKind.ABANDONED_OBJECT)


def _clip(camera: EmulatedCamera, kind: AnomalyKind, seed: int = 0) -> ClipPlan:
    plans = plan_appearance_clips(camera, seed, frames_per_clip=36, fps=4.0)
    return next(plan for plan in plans if plan.anomalies == (kind,))


def _wrong_one(cast: Cast) -> Actor:
    (track_id,) = cast.anomaly_by_track
    return next(actor for actor in cast.actors if actor.track_id == track_id)


@pytest.mark.parametrize("index", _LAYOUT_INDEXES)
def test_every_camera_has_each_kind_beside_as_many_normal_clips_of_the_same_state(index: int) -> None:
    camera = emulated_camera(0, index)
    plans = plan_appearance_clips(camera, 0, num_each=2)
    anomalous, normal = plans[0::2], plans[1::2]
    assert sorted(plan.anomalies[0] for plan in anomalous) == sorted([*APPEARANCE_KINDS] * 2)
    assert not any(plan.anomalies or plan.has_novelty for plan in normal)
    for wrong, right in zip(anomalous, normal, strict=True):
        assert camera.state_at(wrong.start_utc) is camera.state_at(right.start_utc)


def test_appearance_clips_fall_on_days_of_their_own() -> None:
    camera = emulated_camera(3, 1)
    everyday = [clip for part in plan_footage(camera, 3).parts.values() for clip in part]
    days = [camera.local_time(clip.start_utc).date() for clip in (*everyday, *plan_appearance_clips(camera, 3, 10))]
    assert len(set(days)) == len(days)


def test_appearance_clips_differ_by_seed() -> None:
    camera = emulated_camera(0, 0)
    assert plan_appearance_clips(camera, 1) == plan_appearance_clips(camera, 1)
    assert plan_appearance_clips(camera, 1) != plan_appearance_clips(camera, 2)


@pytest.mark.parametrize("num_each", [0, 11])
def test_impossible_number_of_appearance_clips_is_refused(num_each: int) -> None:
    with pytest.raises(ValueError, match=f"expected 1 to 10 clips of each kind, got {num_each}"):
        plan_appearance_clips(emulated_camera(0, 0), 0, num_each)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name != "street"])
def test_only_looking_wrong_needs_people_about(name: str) -> None:
    assert appearance_kinds_in(LAYOUTS[name], OperationalState.CLOSED) == ()


def test_what_stays_put_needs_others_who_do() -> None:
    layout = LAYOUTS["street"]
    assert appearance_kinds_in(layout, OperationalState.CLOSING) == (AnomalyKind.WRONG_KIND,)
    assert set(appearance_kinds_in(layout, OperationalState.OPENING)) == APPEARANCE_KINDS


def test_appearance_that_does_not_fit_the_state_is_refused() -> None:
    camera = emulated_camera(0, 1)
    night = next(
        plan for plan in plan_footage(camera, 0).training if camera.state_at(plan.start_utc) is OperationalState.CLOSED
    )
    with pytest.raises(ValueError, match="expected an anomaly that fits entrance when closed, got fall"):
        cast_of(camera, dataclasses.replace(night, anomalies=(AnomalyKind.FALL,)))


def test_appearances_vary_by_seed_and_hold_many_looks() -> None:
    camera = emulated_camera(0, 3)
    strangers, left, manners = set(), set(), set()
    for seed in range(12):
        strangers.add(_wrong_one(cast_of(camera, _clip(camera, AnomalyKind.WRONG_KIND, seed))).kind)
        left.add(_wrong_one(cast_of(camera, _clip(camera, AnomalyKind.ABANDONED_OBJECT, seed))).kind)
        fall = _wrong_one(cast_of(camera, _clip(camera, AnomalyKind.FALL, seed))).fall
        assert fall is not None
        manners.add(fall.manner)
    assert len(strangers) >= 4
    assert strangers <= {*SLIM_STRANGERS, *WIDE_STRANGERS}
    assert left == set(LEFT_OBJECTS)
    assert len(manners) >= 3


def test_wide_strangers_come_only_where_carts_or_vehicles_do() -> None:
    camera = emulated_camera(0, 5)
    plan = _clip(camera, AnomalyKind.WRONG_KIND)
    opens = next(
        clip for clip in plan_footage(camera, 0).training if camera.state_at(clip.start_utc) is OperationalState.OPEN
    )
    on_foot = [dataclasses.replace(plan, start_utc=opens.start_utc, seed=seed) for seed in range(10)]
    assert {_wrong_one(cast_of(camera, clip)).kind for clip in on_foot} == set(SLIM_STRANGERS)


@pytest.mark.parametrize("index", _LAYOUT_INDEXES)
def test_strangers_keep_to_the_pace_of_walkers(index: int) -> None:
    camera = emulated_camera(0, index)
    for seed in range(4):
        plan = _clip(camera, AnomalyKind.WRONG_KIND, seed)
        actor = _wrong_one(cast_of(camera, plan))
        assert 0.7 < actor.route.speed_m_s < 1.25
        assert move(actor.route, plan.times_s).is_present.any()


@pytest.mark.parametrize("index", _LAYOUT_INDEXES)
def test_object_stays_where_it_is_left_and_its_owner_walks_on(index: int) -> None:
    camera = emulated_camera(0, index)
    plan = _clip(camera, AnomalyKind.ABANDONED_OBJECT)
    cast = cast_of(camera, plan)
    left = _wrong_one(cast)
    owner = next(actor for actor in cast.actors if actor.track_id == left.track_id - 1)
    begins_s = cast.begins_s_by_track[left.track_id]
    before = begins_s - np.array([1.0, 0.5])
    assert np.linalg.norm(move(left.route, before).place - move(owner.route, before).place, axis=1).max() < 1.2
    after = move(left.route, begins_s + np.array([0.5, 2.0, 4.0]))
    assert np.ptp(after.place, axis=0).max() < 0.01
    apart = move(owner.route, begins_s + np.array([2.5])).place - after.place[0]
    assert np.linalg.norm(apart) > 2.0


@pytest.mark.parametrize("index", _LAYOUT_INDEXES)
def test_who_lies_is_about_as_tall_in_the_picture_as_who_walks(index: int) -> None:
    camera = emulated_camera(0, index)
    for seed in range(3):
        plan = _clip(camera, AnomalyKind.FALL, seed)
        actor = _wrong_one(cast_of(camera, plan))
        assert actor.fall is not None
        at_rest = move(actor.route, actor.fall.begins_s + np.array([2.0, 3.0]))
        lying = outline_of(actor, at_rest, camera.optics).boxes()
        upright = outline_of(dataclasses.replace(actor, fall=None), at_rest, camera.optics).boxes()
        ratio = (lying[:, 3] - lying[:, 1]) / (upright[:, 3] - upright[:, 1])
        assert (ratio > 0.5).all()
        assert (ratio < 1.4).all()
        assert (lying > 0).all()
        assert (lying < 1).all()


def _walk_and_stop(times_s: list[float]) -> Motion:
    """Walks along the line of sight until second 3, and stays."""
    return move(Route((Waypoint(0.0, 8.0), Waypoint(0.0, 5.0, 9.0)), 1.0), np.array(times_s))


def _rods(manner: Manner, times_s: list[float]) -> Rods:
    look = civilian(np.random.default_rng(5))
    return falling(look, _walk_and_stop(times_s), Fall(manner, 3.0), emulated_camera(0, 0).optics)


@pytest.mark.parametrize("manner", list(Manner))
def test_before_the_fall_everybody_walks_like_others(manner: Manner) -> None:
    times_s = [0.5, 1.7, 3.0]
    look, optics = civilian(np.random.default_rng(5)), emulated_camera(0, 0).optics
    walking = person(look, _walk_and_stop(times_s), Posture.FREE, optics)
    rods = _rods(manner, times_s)
    assert np.allclose(rods.start, walking.start)
    assert np.allclose(rods.end, walking.end)


@pytest.mark.parametrize("manner", list(Manner))
def test_who_has_fallen_touches_the_ground_low_down_and_stirs(manner: Manner) -> None:
    rods = _rods(manner, [1.0, 5.0, 5.4])
    lowest = np.minimum(rods.start[..., 2] - rods.radius[..., 0], rods.end[..., 2] - rods.radius[..., 1]).min(axis=1)
    assert np.allclose(lowest[1:], 0.0, atol=1e-9)
    standing, fallen = rods.start[:2, _HIP, 2]
    assert fallen < 0.6 * standing
    assert np.abs(rods.end[2] - rods.end[1]).max() > 0.05


def test_lying_down_is_flat_and_the_ways_to_fall_differ() -> None:
    tall_m = civilian(np.random.default_rng(5)).height_m
    tops = {manner: _rods(manner, [6.0]).end[0, :, 2].max() / tall_m for manner in Manner}
    assert max(tops[Manner.ONTO_FRONT], tops[Manner.ONTO_BACK]) < 0.45
    assert 0.5 < tops[Manner.ONTO_SEAT] < tops[Manner.ONTO_KNEES] < 0.9


def test_a_fall_begins_when_said_and_never_goes_back() -> None:
    down = progress(Fall(Manner.ONTO_BACK, 3.0), _walk_and_stop(np.arange(0.0, 8.0, 0.1).round(1).tolist()))
    assert (down[:31] == 0).all()
    assert down[31] > 0
    assert (np.diff(down) >= 0).all()
    assert (down[45:] == 1).all()


@pytest.fixture(scope="module", params=sorted(APPEARANCE_KINDS))
def kind(request: pytest.FixtureRequest) -> AnomalyKind:
    return AnomalyKind(request.param)


@pytest.fixture(scope="module")
def alone(kind: AnomalyKind) -> tuple[ClipPlan, Cast, EmulatedCamera]:
    """A cast of nobody but the one that is wrong."""
    camera = emulated_camera(0, 1)
    plan = _clip(camera, kind)
    cast = cast_of(camera, plan)
    return plan, dataclasses.replace(cast, actors=(_wrong_one(cast),)), camera


def test_truth_begins_with_what_is_wrong_and_holds_its_pixels(
    kind: AnomalyKind, alone: tuple[ClipPlan, Cast, EmulatedCamera]
) -> None:
    plan, cast, camera = alone
    clip, empty = render_cast(camera, plan, cast), render_cast(camera, plan, Cast((), {}))
    (truth,) = clip.truth
    assert truth.kind is kind
    begins_s = cast.begins_s_by_track[truth.track_id]
    if kind in _STATIONARY:
        assert 0.0 <= plan.times_s[truth.first_frame] - begins_s < 1 / plan.fps
        assert truth.last_frame == plan.num_frames - 1
    frame = truth.last_frame
    left, top, right, bottom = (truth.boxes[-1] * [360, 240, 360, 240]).round().astype(int)
    changed = np.abs(clip.frames[frame].astype(int) - empty.frames[frame]).max(axis=2) > 12
    assert changed[top:bottom, left:right].mean() > 0.3
    outside = changed.copy()
    outside[max(0, top - 3) : bottom + 18, max(0, left - 18) : right + 18] = False  # its shadow
    assert not outside.any()


def test_frames_before_a_fall_are_those_of_a_walker() -> None:
    camera = emulated_camera(0, 1)
    plan = dataclasses.replace(_clip(camera, AnomalyKind.FALL), num_frames=36)
    cast = cast_of(camera, plan)
    actor = _wrong_one(cast)
    walker = dataclasses.replace(actor, fall=None)
    falls, walks = (render_cast(camera, plan, Cast((one,), {})) for one in (actor, walker))
    assert actor.fall is not None
    first = int(np.ceil(actor.fall.begins_s * plan.fps))
    assert (falls.frames[:first] == walks.frames[:first]).all()
    assert (falls.frames[first + 2 :] != walks.frames[first + 2 :]).any()


def test_everybody_else_is_the_same_beside_an_appearance() -> None:
    camera = emulated_camera(0, 4)
    plan = _clip(camera, AnomalyKind.ABANDONED_OBJECT)
    normal = cast_of(camera, dataclasses.replace(plan, anomalies=())).actors
    cast = cast_of(camera, plan)
    assert cast.actors[: len(normal)] == normal
    assert cast.anomaly_by_track == {len(normal) + 2: AnomalyKind.ABANDONED_OBJECT}
    assert cast.actors[-2].kind in (ActorKind.SHOPPER, ActorKind.STAFF)


def test_planned_instants_are_aware_and_lie_after_the_everyday_footage() -> None:
    plans = plan_appearance_clips(emulated_camera(0, 2), 0)
    assert min(plan.start_utc for plan in plans) > dt.datetime(2026, 5, 24, tzinfo=dt.UTC)
