"""Rendered clips: boxes fit pixels, truth agrees with what is seen, the same input gives the same bytes."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from context.schedule import OperationalState
from simulation.world.behaviour import Cast, cast_of
from simulation.world.camera import EmulatedCamera, emulated_camera
from simulation.world.clip import AnomalyTruth, ClipPlan, RenderedClip
from simulation.world.footage_plan import plan_footage
from simulation.world.kinds import AnomalyKind
from simulation.world.render import render_cast, render_clip


def _plan(camera: EmulatedCamera, state: OperationalState, **changes: object) -> ClipPlan:
    plans = plan_footage(camera, 0, frames_per_clip=40, fps=4.0).training
    plan = next(plan for plan in plans if camera.state_at(plan.start_utc) is state)
    return dataclasses.replace(plan, **changes)  # type: ignore[arg-type]  # field names are checked at run time


@pytest.fixture(scope="module")
def yard() -> EmulatedCamera:
    return emulated_camera(0, 5)


@pytest.fixture(scope="module")
def intrusion(yard: EmulatedCamera) -> RenderedClip:
    return render_clip(yard, _plan(yard, OperationalState.CLOSED, anomalies=(AnomalyKind.INTRUSION,)))


def _alone(camera: EmulatedCamera, kind: AnomalyKind, state: OperationalState) -> tuple[RenderedClip, RenderedClip]:
    """A clip with nobody but one wrong-doer, and the same clip without."""
    plan = _plan(camera, state, anomalies=(kind,), num_frames=24, fps=3.0)
    cast = cast_of(camera, plan)
    (track_id,) = cast.anomaly_by_track
    actor = tuple(actor for actor in cast.actors if actor.track_id == track_id)
    return render_cast(camera, plan, Cast(actor, cast.anomaly_by_track)), render_cast(camera, plan, Cast((), {}))


@pytest.fixture(scope="module", params=[AnomalyKind.RUNNING, AnomalyKind.VEHICLE])
def pair(request: pytest.FixtureRequest, yard: EmulatedCamera) -> tuple[RenderedClip, RenderedClip]:
    return _alone(yard, request.param, OperationalState.OPEN)


def _changed(pair: tuple[RenderedClip, RenderedClip], frame: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    difference = np.abs(pair[0].frames[frame].astype(int) - pair[1].frames[frame])
    return np.asarray(difference.max(axis=2) > 6)


def _window(truth: AnomalyTruth, frame: int, margin_px: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = truth.boxes[frame - truth.first_frame] * [360, 240, 360, 240]
    return (
        max(0, int(left) - margin_px),
        max(0, int(top) - margin_px),
        int(np.ceil(right)) + margin_px,
        int(np.ceil(bottom)) + margin_px,
    )


def test_nothing_changes_outside_the_box_but_the_shadow(pair: tuple[RenderedClip, RenderedClip]) -> None:
    (truth,) = pair[0].truth
    for frame in (truth.first_frame, (truth.first_frame + truth.last_frame) // 2, truth.last_frame):
        changed = _changed(pair, frame)
        left, top, right, _ = _window(truth, frame, 2)
        assert not changed[:top].any()
        shadow = (right - left) // 2 + 14
        _, _, _, low = _window(truth, frame, shadow)
        assert not changed[low:].any()
        assert not changed[:, : max(0, left - shadow)].any()
        assert not changed[:, right + shadow :].any()


def test_box_is_tight_around_the_pixels_above_the_shadow(pair: tuple[RenderedClip, RenderedClip]) -> None:
    (truth,) = pair[0].truth
    frame = (truth.first_frame + truth.last_frame) // 2
    left, top, right, bottom = _window(truth, frame, 0)
    upper = _changed(pair, frame)[: top + (bottom - top) // 2]
    rows, columns = np.nonzero(upper)
    assert abs(int(rows.min()) - top) <= 3
    assert columns.min() >= left - 2
    assert columns.max() <= right + 2
    assert len(rows) > 0.25 * (right - left) * (bottom - top) / 2


def test_frames_before_the_anomaly_are_untouched(pair: tuple[RenderedClip, RenderedClip]) -> None:
    (track,) = pair[0].tracks
    first = int(track.frames[0])
    assert first >= 4
    assert (pair[0].frames[: first - 2] == pair[1].frames[: first - 2]).all()
    assert pair[1].tracks == ()
    assert not pair[1].anomalous_frames.any()


def test_truth_of_an_intrusion_is_its_track_and_marks_its_frames(intrusion: RenderedClip) -> None:
    assert [truth.kind for truth in intrusion.truth] == [AnomalyKind.INTRUSION] * len(intrusion.truth)
    (truth,) = intrusion.truth
    assert truth.first_frame >= 8
    assert len(truth.boxes) == truth.last_frame - truth.first_frame + 1
    assert intrusion.anomalous_frames.sum() == len(truth.boxes)
    track = next(track for track in intrusion.tracks if track.track_id == truth.track_id)
    rows = np.isin(track.frames, np.arange(truth.first_frame, truth.last_frame + 1))
    assert (track.boxes[rows] == truth.boxes).all()


def test_frames_are_bytes_of_the_asked_size(intrusion: RenderedClip) -> None:
    assert intrusion.frames.shape == (40, 240, 360, 3)
    assert intrusion.frames.dtype == np.uint8


def test_same_plan_gives_the_same_bytes_and_another_seed_others(yard: EmulatedCamera) -> None:
    plan = _plan(yard, OperationalState.OPEN, num_frames=2)
    first, again = render_clip(yard, plan), render_clip(yard, plan)
    assert (first.frames == again.frames).all()
    other = render_clip(yard, dataclasses.replace(plan, seed=plan.seed + 1))
    assert (first.frames != other.frames).any()


@pytest.fixture(scope="module")
def two_sizes(yard: EmulatedCamera) -> tuple[RenderedClip, RenderedClip]:
    plan = _plan(yard, OperationalState.OPEN, num_frames=1)
    return render_clip(yard, plan), render_clip(yard, dataclasses.replace(plan, width=400, height=300))


def test_boxes_are_the_same_fractions_at_any_size(two_sizes: tuple[RenderedClip, RenderedClip]) -> None:
    small, large = two_sizes
    assert large.frames.shape == (1, 300, 400, 3)
    assert [track.track_id for track in small.tracks] == [track.track_id for track in large.tracks]
    for here, there in zip(small.tracks, large.tracks, strict=True):
        assert np.allclose(here.boxes, there.boxes)


def test_boxes_at_the_same_instant_do_not_depend_on_the_frame_rate(yard: EmulatedCamera) -> None:
    slow = _plan(yard, OperationalState.OPEN, num_frames=4, fps=2.0)
    fast = dataclasses.replace(slow, num_frames=8, fps=4.0)
    boxes = [
        {track.track_id: dict(zip(track.frames.tolist(), track.boxes.tolist(), strict=True)) for track in clip.tracks}
        for clip in (render_clip(yard, slow), render_clip(yard, fast))
    ]
    assert boxes[0]
    for track_id, by_frame in boxes[0].items():
        for frame, box in by_frame.items():
            assert np.allclose(box, boxes[1][track_id][2 * frame], atol=1e-6)


@pytest.mark.parametrize("index", [0, 1, 3, 4])
def test_wrong_way_moves_against_the_flow_of_its_hour(index: int) -> None:
    camera = emulated_camera(2, index)
    for state in (OperationalState.OPEN, OperationalState.CLOSING, OperationalState.OPENING):
        misdeeds = [misdeed for misdeed in camera.ground_plan.misdeeds if misdeed.anomaly is AnomalyKind.WRONG_WAY]
        if not any(state in misdeed.states for misdeed in misdeeds):
            continue
        plan = _plan(camera, state, anomalies=(AnomalyKind.WRONG_WAY,))
        cast = cast_of(camera, plan)
        agreed = [_agreement(camera, plan, cast, zone) for zone in ("lane_up", "lane_down", "doors", "till_1", "till_2",
                  "lane_near") if any(zone == area.name for area in camera.ground_plan.areas)]  # fmt: skip
        crossed = [value for value in agreed if value is not None]
        assert crossed
        assert max(crossed) < -0.5


def _agreement(camera: EmulatedCamera, plan: ClipPlan, cast: Cast, zone_name: str) -> float | None:
    """Cosine between an offender's way through a zone and the zone's flow, or None where they do not meet."""
    from simulation.world.route import move

    area = next(area for area in camera.ground_plan.areas if area.name == zone_name)
    (track_id,) = cast.anomaly_by_track
    actor = next(actor for actor in cast.actors if actor.track_id == track_id)
    times = np.arange(0.0, 60.0, 0.1)
    motion = move(actor.route, times)
    place = motion.place[(motion.is_present > 0) & (motion.speed > 0.5)]
    inside = place[((place > area.low) & (place < area.high)).all(axis=1)]
    if len(inside) < 20:
        return None
    spots = camera.optics.project(np.insert(inside[[0, -1]], 2, 0.0, axis=1))[0]
    way = spots[1] - spots[0]
    flow = camera.flow_at(zone_name, plan.start_utc)
    assert flow is not None
    return float(way @ np.array(flow) / np.linalg.norm(way))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 320}, "expected at least 360x240, got 320x240"),
        ({"num_frames": 0}, "expected at least one frame"),
        ({"fps": 0.0}, "positive rate"),
        ({"start_utc": dt.datetime(2026, 7, 1)}, "timezone-aware"),  # noqa: DTZ001  # naive on purpose
    ],
)
def test_impossible_plan_is_refused(yard: EmulatedCamera, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _plan(yard, OperationalState.OPEN, **changes)
