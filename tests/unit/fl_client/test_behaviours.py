"""Objects told to ``context``, and what it measures of them."""

import dataclasses

import numpy as np
import pytest

from context.behaviour.finding import Behaviour
from context.behaviour.settings import BehaviourSettings
from context.site import Camera
from fl_client.behaviours import BehaviourWatch, PlacedObjects, expected_units, zone_facts
from model_zoo.perception.object_kind import KINDS, PERSON
from model_zoo.perception.perspective import Perspective
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, ObservedObject

CAMERA = Camera.model_validate(
    {
        "name": "c",
        "zones": [
            {"name": "aisle", "kind": "aisle", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]], "flow_direction": [0, -2]},
            {"name": "till", "kind": "till", "polygon": [[0, 0], [1, 0], [1, 1]]},
        ],
    }
)
PERSPECTIVE, ASPECT = Perspective(0.3, 0.1), 1.5


def placed(x: float, y: float, slot: int = 1) -> PlacedObjects:
    """Somebody of usual height and speed 0.7 whose foot is at ``(x, y)``."""
    boxes = np.array([[x - 0.04, y - 0.25, x + 0.04, y]], np.float32)
    motion = np.array([0, 0, 0.7, 0, 1.0, 0.4, 0], np.float32)
    votes = np.eye(len(KINDS))[PERSON]
    one = ObservedObject(7, boxes[0], np.zeros((CROP_SIDE, CROP_SIDE), np.uint8), motion[:NUM_MOTION], 1, votes)
    return PlacedObjects((one,), boxes, expected_units(boxes, PERSPECTIVE, ASPECT), np.array([slot]))


def values(watch: BehaviourWatch, at: PlacedObjects, instant_s: float) -> dict[Behaviour, float]:
    """What was measured of the one object."""
    return {one.behaviour: one.value for one in watch.look(at, instant_s)[0]}


def test_expected_height_is_a_smaller_share_of_a_wide_picture() -> None:
    units = expected_units(np.array([[0, 0, 1, 0.5]], np.float32), PERSPECTIVE, ASPECT)
    np.testing.assert_allclose(units, [[0.25 / 1.5, 0.25]])


def test_zones_are_told_with_their_direction_at_length_one() -> None:
    assert zone_facts(CAMERA) == [("", None), ("aisle", (pytest.approx(0.0), -1.0)), ("till", None)]


def test_walker_against_the_direction_of_the_zone_is_found_with_speed_and_stay() -> None:
    watch = BehaviourWatch(CAMERA, BehaviourSettings())
    for index in range(15):
        found = values(watch, placed(0.5, 0.4 + 0.03 * index), 100.0 + index / 5)
    assert found[Behaviour.SPEED] == pytest.approx(0.7)
    assert found[Behaviour.DWELL] == pytest.approx(2.8)
    assert found[Behaviour.AGAINST_FLOW] == pytest.approx(-0.45, abs=0.1)


def test_between_two_looks_the_last_one_holds() -> None:
    watch = BehaviourWatch(CAMERA, BehaviourSettings())
    found = [values(watch, placed(0.5, 0.5), instant_s)[Behaviour.DWELL] for instant_s in (1.0, 1.1, 1.2, 1.3, 1.4)]
    assert found == pytest.approx([0.0, 0.0, 0.2, 0.2, 0.4])
    newer = dataclasses.replace(placed(0.5, 0.5).objects[0], track_id=8)
    assert watch.look(dataclasses.replace(placed(0.5, 0.5), objects=(newer,)), 1.5) == ((),)


def test_clock_that_steps_back_is_looked_at_anew() -> None:
    watch = BehaviourWatch(CAMERA, BehaviourSettings())
    assert [values(watch, placed(0.5, 0.5), one)[Behaviour.DWELL] for one in (10.0, 20.0, 19.95)] == [0.0, 0.0, 0.0]
