"""Learning a scene from footage."""

import numpy as np
import pytest

from model_zoo.errors import FootageError
from model_zoo.perception.background import Frame
from model_zoo.perception.detector import Detections
from model_zoo.perception.scene import fit_scene, isolated_people, upright_boxes
from tests.fakes.drawn_people import HEIGHT_PX, floor, with_person


def test_scene_learns_the_empty_floor_and_how_tall_people_are() -> None:
    frames = [
        with_person(floor(), 10 + 11 * (step % 12), foot, (height, height // 2))
        for step in range(12)
        for foot, height in ((60, 20), (85, 30), (110, 40))
    ]
    scene = fit_scene(frames)
    assert np.abs(scene.background.astype(int) - floor()).max() <= 20
    feet = np.array([60, 85, 110]) / HEIGHT_PX
    assert scene.perspective.expected_height(feet) * HEIGHT_PX == pytest.approx(
        [20, 30, 40], rel=0.15
    )  # smoothing adds a pixel at each end


def test_footage_may_be_a_stream_and_gives_the_same_scene() -> None:
    frames = [with_person(floor(), 10 + 10 * step, 90) for step in range(12)]
    streamed, listed = fit_scene(iter(frames)), fit_scene(frames)
    assert streamed.perspective == listed.perspective
    assert streamed.background.tolist() == listed.background.tolist()


def test_upright_boxes_of_two_lights_can_be_joined() -> None:
    night = (floor() // 2).astype(np.uint8)
    by_day = upright_boxes([with_person(floor(), 60, 90)], floor())
    by_night = upright_boxes([with_person(night, 60, 90)], night)
    assert np.concatenate([by_day, by_night]).shape == (2, 4)
    assert upright_boxes([floor()], floor()).shape == (0, 4)


def test_no_footage_is_refused() -> None:
    with pytest.raises(FootageError, match="expected at least one frame, got none"):
        fit_scene([])


class FindsTwo:
    """Finds two upright people, side by side or apart, and somebody it is not sure of."""

    def __init__(self, *, apart: bool) -> None:
        second = 0.4 if apart else 0.25
        corners = [[0.2, 0.2, 0.3, 0.6], [second, 0.2, second + 0.1, 0.6], [0.7, 0.2, 0.8, 0.6]]
        self.found = Detections(np.array(corners, np.float32), np.array([0.9, 0.9, 0.2], np.float32), np.zeros(3, int))

    def detect(self, frame: Frame, min_confidence: float = 0.15) -> Detections:
        """The same in every frame."""
        del frame, min_confidence
        return self.found


@pytest.mark.parametrize(("apart", "count"), [(True, 2), (False, 0)])
def test_perspective_is_read_off_people_whom_nobody_touches_and_who_are_surely_there(apart: bool, count: int) -> None:
    frame = np.zeros((120, 160), np.uint8)
    assert len(isolated_people([frame, frame], FindsTwo(apart=apart))) == 2 * count
