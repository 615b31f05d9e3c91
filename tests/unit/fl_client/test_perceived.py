"""Perception in context: the zone of an object, and velocities turned into the zone's direction."""

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np
import pytest

from context.behaviour.finding import Behaviour
from context.behaviour.observer import Findings
from context.site import Site
from fl_client.inference.perceived import CameraView, Perceived
from model_zoo.perception.background import Frame
from model_zoo.perception.pose import PoseModel
from model_zoo.perception.scene import Scene, fit_scene
from tests.fakes.drawn_scene import FPS, HEIGHT, WIDTH, walking_frames
from tests.fakes.pose_models import figure, simcc

START_S = dt.datetime(2026, 1, 7, 12, tzinfo=dt.UTC).timestamp()
WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]


@pytest.fixture(scope="module")
def scene() -> Scene:
    return fit_scene(walking_frames(120, seed=1))


def watch(scene: Scene, direction: list[float] | None) -> list[Perceived]:
    """Watches one walker, who goes to the right, in a zone of some usual direction."""
    zones = [{"name": "Aisle", "kind": "aisle", "polygon": WHOLE, "flow_direction": direction}]
    site = Site.model_validate({"name": "s", "cameras": [{"name": "c", "zones": zones}]})
    view = CameraView(site, site.cameras[0], {site.schedule.state_at(dt.datetime(2026, 1, 7)): scene})  # noqa: DTZ001
    return [view.look(frame, START_S + index / FPS) for index, frame in enumerate(walking_frames(40, seed=2))]


@pytest.mark.parametrize(
    ("direction", "ahead", "aside"), [(None, 1, 0), ([1, 0], 1, 0), ([-1, 0], -1, 0), ([0, 1], 0, -1), ([0, -1], 0, 1)]
)
def test_velocity_along_the_zones_usual_direction_points_right(
    scene: Scene, direction: list[float] | None, ahead: int, aside: int
) -> None:
    motion = watch(scene, direction)[-1].motion
    assert len(motion)
    velocity_x, velocity_y, speed = motion[0, :3].tolist()
    assert velocity_x == pytest.approx(ahead * speed, abs=0.25 * speed)
    assert velocity_y == pytest.approx(aside * speed, abs=0.25 * speed)
    assert speed > 0.3


def test_objects_and_tubelets_know_zone_kind_and_state(scene: Scene) -> None:
    frames = watch(scene, None)
    (tubelets,) = [one.tubelets for one in frames if len(one.tubelets)][:1]
    assert (tubelets.zone_slot.tolist(), tubelets.zone_kind.tolist(), tubelets.state.tolist()) == ([1], [2], [0])
    assert set(frames[-1].zone_slot.tolist()) == {1}
    np.testing.assert_array_equal(tubelets.context[0], frames[0].moment.values)


def test_first_frame_after_a_gap_shows_nothing(scene: Scene) -> None:
    assert len(watch(scene, None)[0].track_ids) == 0


def falling_frames(width_px: int, height_px: int) -> Iterator[Frame]:
    """Somebody of 18 x 44 pixels walks in and from then on measures so much, at the same place."""
    floor = np.random.default_rng(99).integers(90, 130, (HEIGHT, WIDTH, 1)).repeat(3, axis=2).astype(np.uint8)
    for index in range(100):
        frame, centre = floor.copy(), 40 + 4 * min(index, 30)
        width, height = (18, 44) if index <= 30 else (width_px, height_px)
        frame[184 - height : 184, centre - width // 2 : centre + width // 2] = 230
        yield frame


def fallen(scene: Scene, size_px: tuple[int, int], pose: PoseModel | None = None) -> tuple[bool, bool]:
    """Whether a fall is found of a scored object, and whether of something too low to be scored."""
    site = Site.model_validate({"name": "s", "cameras": [{"name": "c"}]})
    view = CameraView(site, site.cameras[0], {site.schedule.state_at(dt.datetime(2026, 1, 7)): scene}, pose=pose)  # noqa: DTZ001
    seen = [view.look(frame, START_S + index / FPS) for index, frame in enumerate(falling_frames(*size_px))]
    return _has_fall(seen[-1].behaviours), _has_fall(seen[-1].low_behaviours)


def _has_fall(behaviours: tuple[Findings, ...]) -> bool:
    return any(one.behaviour is Behaviour.FALL and one.holds for shown in behaviours for one in shown)


LOW_PX, HALF_PX, STANDING_PX = (42, 16), (32, 30), (18, 44)


def test_who_lies_too_low_to_be_scored_has_fallen(scene: Scene) -> None:
    assert fallen(scene, LOW_PX) == (False, True)


def test_pose_model_tells_of_a_fall_that_the_box_leaves_open(scene: Scene) -> None:
    lies, stands = (PoseModel(simcc(figure(tilt)), "m") for tilt in (math.pi / 2, 0.0))
    assert fallen(scene, HALF_PX) == (False, False)
    assert fallen(scene, HALF_PX, lies) == (True, False)
    assert fallen(scene, LOW_PX, stands) == (False, False)


def test_pose_model_is_not_asked_of_who_plainly_stands(scene: Scene) -> None:
    assert fallen(scene, STANDING_PX, PoseModel(simcc(figure(math.pi / 2)), "m")) == (False, False)
