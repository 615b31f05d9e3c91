"""Objects told to ``context``, and what it measures of them."""

import dataclasses

import numpy as np
import pytest

from context.behaviour.finding import Behaviour
from context.behaviour.settings import BehaviourSettings
from context.site import Camera
from context.track import Posture
from fl_client.inference.behaviours import (
    NOTHING_LOW,
    TOLD_OF_LOW,
    BehaviourWatch,
    PlacedLowThings,
    PlacedObjects,
    expected_units,
    in_question,
    zone_facts,
)
from model_zoo.perception.low_things import LowThing
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


NOBODY = dataclasses.replace(
    placed(0.5, 0.5), objects=(), boxes=np.zeros((0, 4), np.float32), units=np.zeros((0, 2)), zone_slot=np.zeros(0, int)
)


def lying(x: float, y: float, width: float = 0.8, height: float = 0.4, slot: int = 1) -> PlacedLowThings:
    """A low thing at rest, its size in expected heights."""
    unit = 0.3 * y + 0.1
    half = width * unit / ASPECT / 2
    boxes = np.array([[x - half, y - height * unit, x + half, y]], np.float32)
    thing = LowThing(-4, boxes[0], 0.0)
    return PlacedLowThings((thing,), boxes, expected_units(boxes, PERSPECTIVE, ASPECT), np.array([slot]))


def test_who_is_low_where_somebody_was_upright_a_moment_ago_has_fallen() -> None:
    watch = BehaviourWatch(CAMERA, BehaviourSettings())
    for index in range(10):
        watch.look(placed(0.5, 0.6), 100.0 + index / 5)
    for index in range(10, 50):
        watch.look(NOBODY, 100.0 + index / 5, lying(0.5, 0.6))
    (shown,) = watch.shown_by(lying(0.5, 0.6).things)
    fell = next(one for one in shown if one.behaviour is Behaviour.FALL)
    assert (fell.holds, fell.zone) == (True, "aisle")
    assert fell.value == pytest.approx(7.8)


def test_of_low_things_nothing_but_falls_and_left_objects_is_told() -> None:
    watch = BehaviourWatch(CAMERA, BehaviourSettings())
    for index in range(400):
        watch.look(NOBODY, 100.0 + index / 5, lying(0.5, 0.6))
    (shown,) = watch.shown_by(lying(0.5, 0.6).things)
    assert {one.behaviour for one in shown} == TOLD_OF_LOW
    assert not any(one.holds for one in shown)


def test_posture_is_told_to_the_fall() -> None:
    watch = BehaviourWatch(CAMERA, BehaviourSettings())
    for index in range(10):
        watch.look(placed(0.5, 0.6), 100.0 + index / 5)
    for index in range(10, 50):
        found = watch.look(placed(0.5, 0.6), 100.0 + index / 5, postures={7: Posture.DOWN})
    assert next(one for one in found[0] if one.behaviour is Behaviour.FALL).holds


def sized(height: float, width: float) -> PlacedObjects:
    """Somebody of a size in expected heights."""
    somebody = placed(0.5, 0.5)
    motion = np.array([0, 0, 0.7, 0, height, width, 0], np.float32)
    return dataclasses.replace(somebody, objects=(dataclasses.replace(somebody.objects[0], motion=motion),))


@pytest.mark.parametrize(
    ("height", "width", "is_asked"),
    [(1.0, 0.4, False), (0.7, 0.3, True), (1.0, 0.6, True)],
    ids=["plain", "low", "wide"],
)
def test_posture_is_asked_of_people_whose_box_leaves_it_open(height: float, width: float, is_asked: bool) -> None:
    assert [one.track_id for one in in_question(sized(height, width), NOTHING_LOW)] == [7] * is_asked


def test_posture_is_asked_of_what_is_long_and_low_and_not_of_bags() -> None:
    assert [one.track_id for one in in_question(NOBODY, lying(0.5, 0.6))] == [-4]
    assert in_question(NOBODY, lying(0.5, 0.6, width=0.3, height=0.3)) == []
