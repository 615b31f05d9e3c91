"""Laws of the synthetic world: fitting plans, fresh seeds, motion in metres and seconds, sound geometry."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from context.schedule import OperationalState
from simulation.world.actor import Actor, outline_of
from simulation.world.behaviour import cast_of
from simulation.world.camera import emulated_camera
from simulation.world.fall import Fall, Manner, falling
from simulation.world.footage_plan import fitting_kinds, plan_appearance_clips, plan_footage
from simulation.world.kinds import APPEARANCE_KINDS, CONTEXT_DEPENDENT_KINDS, ActorKind, AnomalyKind
from simulation.world.person import civilian
from simulation.world.route import Route, Waypoint, move

_seeds = st.integers(0, 2**31 - 1)
_places = st.tuples(st.floats(-20, 20), st.floats(0, 20))


@st.composite
def _routes(draw: st.DrawFn) -> Route:
    places = draw(st.lists(_places, min_size=1, max_size=5))
    pauses = draw(st.lists(st.floats(0, 4), min_size=len(places), max_size=len(places)))
    points = tuple(Waypoint(x, y, pause_s) for (x, y), pause_s in zip(places, pauses, strict=True))
    return Route(points, draw(st.floats(0.5, 8.0)), draw(st.floats(-20, 5)))


@settings(max_examples=25, deadline=None)
@given(_seeds, st.integers(0, 200))
def test_plans_use_only_kinds_that_fit_and_never_a_seed_twice(seed: int, index: int) -> None:
    camera = emulated_camera(seed, index)
    plan = plan_footage(camera, seed)
    clips = [clip for part in plan.parts.values() for clip in part]
    assert len({clip.seed for clip in clips}) == len(clips)
    assert len({camera.local_time(clip.start_utc).date() for clip in clips}) == len(clips)
    for clip in clips:
        assert not set(clip.anomalies) & APPEARANCE_KINDS
        assert set(clip.anomalies) <= set(fitting_kinds(camera.ground_plan, camera.state_at(clip.start_utc)))
        assert set(cast_of(camera, clip).anomaly_by_track.values()) == set(clip.anomalies)
        if AnomalyKind.INTRUSION in clip.anomalies:
            assert camera.state_at(clip.start_utc) is OperationalState.CLOSED


@settings(max_examples=25, deadline=None)
@given(_seeds, st.integers(0, 200))
def test_plans_cover_all_states_and_keep_parts_to_their_purpose(seed: int, index: int) -> None:
    camera = emulated_camera(seed, index)
    plan = plan_footage(camera, seed)
    everyday = set(OperationalState) - {OperationalState.SPECIAL_EVENT}
    assert {camera.state_at(clip.start_utc) for clip in plan.training} == everyday
    assert {camera.state_at(clip.start_utc) for clip in plan.testing} == everyday
    assert not any(clip.anomalies or clip.has_novelty for clip in (*plan.training, *plan.validation))
    assert not any(clip.has_novelty for clip in plan.testing)
    tested = [clip.anomalies[0] for clip in plan.testing if clip.anomalies]
    assert len(tested) == len(set(tested)) == len(plan.testing) / 2
    assert set(tested) & CONTEXT_DEPENDENT_KINDS
    for part in (plan.feedback, plan.held_out):
        assert all(clip.has_novelty for clip in part)
        assert sum(bool(clip.anomalies) for clip in part) == 1


@settings(max_examples=15, deadline=None)
@given(_seeds, st.integers(0, 200), st.integers(1, 3))
def test_what_only_looks_wrong_is_planned_with_a_normal_twin_and_begins_within_its_clip(
    seed: int, index: int, num_each: int
) -> None:
    camera = emulated_camera(seed, index)
    plans = plan_appearance_clips(camera, seed, num_each, frames_per_clip=30, fps=10 / 3)
    assert sorted(kind for plan in plans for kind in plan.anomalies) == sorted([*APPEARANCE_KINDS] * num_each)
    assert len({plan.seed for plan in plans}) == len({plan.start_utc for plan in plans}) == len(plans)
    for wrong, normal in zip(plans[0::2], plans[1::2], strict=True):
        assert normal.anomalies == ()
        assert camera.state_at(wrong.start_utc) is camera.state_at(normal.start_utc)
        cast = cast_of(camera, wrong)
        assert {*cast.anomaly_by_track.values()} == {*wrong.anomalies}
        assert cast.begins_s_by_track.keys() == cast.anomaly_by_track.keys()
        assert all(0.0 <= begins_s < 0.6 * wrong.duration_s for begins_s in cast.begins_s_by_track.values())


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(Manner)), _seeds, st.floats(0, 6.28), st.floats(0.0, 3.0))
def test_no_bone_changes_its_length_and_none_sinks_into_the_ground_in_a_fall(
    manner: Manner, look_seed: int, heading: float, begins_s: float
) -> None:
    ahead = 3.0 * np.array([np.cos(heading), np.sin(heading)])
    route = Route((Waypoint(0.0, 9.0), Waypoint(float(ahead[0]), 9.0 + float(ahead[1]), 9.0)), 1.1)
    motion = move(route, np.arange(0.0, 6.0, 0.1))
    look = civilian(np.random.default_rng(look_seed))
    rods = falling(look, motion, Fall(manner, begins_s), emulated_camera(0, 0).optics)
    length = np.linalg.norm(rods.end - rods.start, axis=-1)
    is_stiff = np.isclose(length, length[:1], atol=1e-9).all(axis=0)
    assert (~is_stiff).sum() <= 1  # the hem of the top, which hangs down from a leaning body
    ends = np.stack([rods.start[..., 2] - rods.radius[..., 0], rods.end[..., 2] - rods.radius[..., 1]])
    assert ends.min() > -0.06 * look.height_m


@settings(max_examples=60, deadline=None)
@given(_routes(), st.floats(-5, 30))
def test_motion_at_an_instant_does_not_depend_on_the_other_frames(route: Route, instant: float) -> None:
    alone = move(route, np.array([instant]))
    among = move(route, np.array([instant - 1.0, instant, instant + 0.04]))
    assert np.allclose(alone.place[0], among.place[1])
    assert np.allclose(alone.travelled[0], among.travelled[1])
    assert alone.is_present[0] == among.is_present[1]


@settings(max_examples=60, deadline=None)
@given(_routes())
def test_nothing_moves_faster_than_its_route_says(route: Route) -> None:
    times = route.start_s + np.arange(0.0, route.duration_s, 0.04)
    if len(times) < 2:
        return
    motion = move(route, times)
    steps = np.linalg.norm(np.diff(motion.place, axis=0), axis=1)
    assert (steps <= 0.04 * route.speed_m_s + 1e-6).all()
    assert (np.diff(motion.travelled) >= 0).all()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(ActorKind)), _seeds, st.floats(0, 6.28), st.integers(0, 5))
def test_every_actor_stands_on_its_place_and_grows_when_near(
    kind: ActorKind, look_seed: int, heading: float, index: int
) -> None:
    optics = emulated_camera(0, index).optics
    heights = []
    for distance in (7.0, 14.0):
        ahead = 0.5 * np.array([np.cos(heading), np.sin(heading)])
        route = Route((Waypoint(0.0, distance), Waypoint(float(ahead[0]), distance + float(ahead[1]))), 1.0)
        motion = move(route, np.array([0.3]))
        outline = outline_of(Actor(1, kind, route, look_seed), motion, optics)
        left, top, right, bottom = outline.boxes()[0]
        foot = optics.project_fraction(np.array([*motion.place[0], 0.0]))
        assert np.isfinite(outline.polygons).all()
        assert left < foot[0] < right
        assert top < foot[1] < bottom + 0.06
        heights.append(bottom - top)
    assert heights[0] > 1.3 * heights[1]
