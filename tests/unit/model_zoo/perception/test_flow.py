"""Motion of boxes from dense flow."""

import numpy as np
import pytest

from model_zoo.perception.flow import FlowEstimator, displacements
from tests.fakes.drawn_people import HEIGHT_PX, WIDTH_PX, floor, with_person


def test_first_picture_has_no_flow_and_a_quiet_one_asks_for_none() -> None:
    estimator = FlowEstimator()
    assert estimator.update(floor()) is None
    assert estimator.update(floor(), is_needed=False) is None
    assert estimator.update(floor()) is not None
    estimator.reset()
    assert estimator.update(floor()) is None


def test_moving_figure_has_its_velocity() -> None:
    estimator, size = FlowEstimator(), (60, 24)
    estimator.update(with_person(floor(), 60, 100, size))
    flow = estimator.update(with_person(floor(), 63, 100, size))
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    mask[40:100, 63:87] = 1
    box = np.array([[63 / WIDTH_PX, 40 / HEIGHT_PX, 87 / WIDTH_PX, 100 / HEIGHT_PX]], np.float32)
    assert flow is not None
    moved = displacements(flow, mask, box)[0]
    assert moved == pytest.approx([3.0, 0.0, 3.0], abs=0.6)


def test_only_foreground_inside_the_box_counts() -> None:
    flow = np.zeros((60, 80, 2), np.float32)
    flow[:30] = (1.0, -2.0)
    mask = np.zeros((120, 160), np.uint8)
    mask[:60] = 1
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.2, 0.6, 0.4, 0.9]], np.float32)
    moved = displacements(flow, mask, boxes)
    assert moved[0] == pytest.approx([2.0, -4.0, 2 * 5**0.5])
    assert moved[1].tolist() == [0.0, 0.0, 0.0]
