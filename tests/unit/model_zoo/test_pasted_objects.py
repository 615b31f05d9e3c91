"""Somebody cut out of one clip and pasted into another."""

import numpy as np
import pytest

from model_zoo.evaluation.pasted_objects import INTRUDERS, Place, cut_out, paste
from model_zoo.perception.background import Frame
from model_zoo.perception.detector import Detections
from model_zoo.perception.object_kind import PERSON
from model_zoo.perception.perspective import Perspective
from model_zoo.perception.scene import Scene
from tests.fakes.drawn_people import HEIGHT_PX, PERSON_PX, WIDTH_PX, floor, with_person

SCENE = Scene(floor(), Perspective(0.0, PERSON_PX[0] / HEIGHT_PX))
LEFT_PX, FOOT_PX = 60, 90


class FindsThePerson:
    """Finds the one person drawn, with a given confidence."""

    def __init__(self, confidence: float) -> None:
        self.confidence = confidence

    def detect(self, frame: Frame, min_confidence: float = 0.15) -> Detections:
        """The same in every frame."""
        del frame, min_confidence
        height, width = PERSON_PX
        corners = np.divide([[LEFT_PX, FOOT_PX - height, LEFT_PX + width, FOOT_PX]], [WIDTH_PX, HEIGHT_PX] * 2)
        confidence = np.array([self.confidence], np.float32)
        return Detections(np.asarray(corners, np.float32), confidence, np.array([PERSON]))


def donors() -> list[list[Frame]]:
    return [[with_person(floor(), LEFT_PX, FOOT_PX)] * 3]


@pytest.mark.parametrize("kind", sorted(INTRUDERS))
def test_the_intruder_is_where_the_labels_say_and_nowhere_else(kind: str) -> None:
    cutout = cut_out(donors(), SCENE, FindsThePerson(0.9), np.random.default_rng(1))
    assert cutout is not None
    empty = [floor()] * 80
    pasted = paste(empty, cutout, kind, Place(SCENE, 0.1), np.random.default_rng(2))
    changed = np.array([(after != before).sum() for after, before in zip(pasted.frames, empty, strict=True)])
    assert pasted.labels.any()
    assert not pasted.labels.all()
    np.testing.assert_array_equal(changed > 0, pasted.labels == 1)
    assert (empty[0] == floor()).all(), "the clip itself is untouched"


def test_a_cart_is_larger_than_somebody_gliding_by() -> None:
    cutout = cut_out(donors(), SCENE, FindsThePerson(0.9), np.random.default_rng(1))
    assert cutout is not None
    areas = {}
    for kind in ("gliding", "cart"):
        pasted = paste([floor()] * 80, cutout, kind, Place(SCENE, 0.1), np.random.default_rng(2))
        areas[kind] = max((frame != floor()).sum() for frame in pasted.frames)
    assert areas["cart"] > 2 * areas["gliding"]


def test_nobody_is_cut_out_where_nobody_is_sure_to_be() -> None:
    assert cut_out(donors(), SCENE, FindsThePerson(0.3), np.random.default_rng(1)) is None
    assert cut_out([[floor()]], SCENE, FindsThePerson(0.9), np.random.default_rng(1)) is None
