"""Motion of boxes from points on what moves."""

import numpy as np
import numpy.typing as npt
import pytest

from model_zoo.perception.flow import Flow, FlowEstimator, displacements
from tests.fakes.drawn_people import HEIGHT_PX, WIDTH_PX, floor, with_person


def figure_mask(left_px: int) -> npt.NDArray[np.uint8]:
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    mask[40:100, left_px : left_px + 24] = 1
    return mask


def test_first_picture_has_no_flow_and_a_quiet_one_no_points() -> None:
    estimator, nothing = FlowEstimator(), np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    assert estimator.update(floor(), nothing) is None
    quiet = estimator.update(floor(), nothing)
    assert quiet is not None
    assert len(quiet.points) == len(quiet.shift) == 0
    estimator.reset()
    assert estimator.update(floor(), nothing) is None


@pytest.mark.parametrize("step_px", [1, 3, 9])
def test_moving_figure_has_its_velocity(step_px: int) -> None:
    estimator, size = FlowEstimator(), (60, 24)
    estimator.update(with_person(floor(), 60, 100, size), figure_mask(60))
    left = 60 + step_px
    flow = estimator.update(with_person(floor(), left, 100, size), figure_mask(left))
    box = np.array([[left / WIDTH_PX, 40 / HEIGHT_PX, (left + 24) / WIDTH_PX, 100 / HEIGHT_PX]], np.float32)
    assert flow is not None
    moved = displacements(flow, box, (HEIGHT_PX, WIDTH_PX))[0]
    assert moved == pytest.approx([step_px, 0.0, step_px, 0.0], abs=0.3)


def test_only_points_inside_the_box_count_and_the_middle_one_of_them() -> None:
    points = np.array([[10, 10], [20, 10], [30, 10], [150, 100]], np.float32)
    flow = Flow(points, np.array([[1, -2], [1, -2], [30, 40], [9, 9]], np.float32))
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.2, 0.6, 0.4, 0.9]], np.float32)
    moved = displacements(flow, boxes, (120, 160))
    assert moved[0] == pytest.approx([1.0, -2.0, 5**0.5, 0.0])
    assert moved[1].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_between_two_middle_points_lies_the_middle() -> None:
    points = np.array([[10, 10], [20, 10], [30, 10], [40, 10]], np.float32)
    flow = Flow(points, np.array([[1, 0], [20, 0], [2, 0], [10, 0]], np.float32))
    moved = displacements(flow, np.array([[0.0, 0.0, 0.5, 0.5]], np.float32), (120, 160))
    assert moved[0] == pytest.approx([6.0, 0.0, 6.0, 4.5])


def test_articulation_is_how_the_lower_half_moves_against_the_whole() -> None:
    heights = np.arange(10, 100, 10)
    points = np.stack([np.full(9, 20), heights], axis=1).astype(np.float32)
    walking = np.zeros((9, 2), np.float32)
    walking[:, 0] = 2.0
    walking[[5, 6, 7, 8], 0] += [3.0, -2.0, 3.0, -2.0]  # legs, below the middle
    box = np.array([[0.0, 0.0, 0.5, 1.0]], np.float32)
    assert displacements(Flow(points, walking), box, (100, 80))[0] == pytest.approx([2.0, 0.0, 2.0, 2.5])
    gliding = np.full((9, 2), (2.0, 0.0), np.float32)
    assert displacements(Flow(points, gliding), box, (100, 80))[0, 3] == 0.0


def test_a_picture_full_of_foreground_is_followed_at_a_bounded_number_of_points() -> None:
    estimator, everything = FlowEstimator(), np.ones((480, 640), np.uint8)
    noise = np.random.default_rng(0).integers(0, 255, (480, 640), dtype=np.uint8)
    estimator.update(noise, everything)
    flow = estimator.update(noise, everything)
    assert flow is not None
    assert 0 < len(flow.points) <= 1500
    assert np.median(np.abs(flow.shift)) < 0.1
