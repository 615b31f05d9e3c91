"""Perception in context: the zone of an object, and velocities turned into the zone's direction."""

import datetime as dt

import numpy as np
import pytest

from context.site import Site
from fl_client.perceived import CameraView, Perceived
from model_zoo.perception.scene import Scene, fit_scene
from tests.fakes.drawn_scene import FPS, walking_frames

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
