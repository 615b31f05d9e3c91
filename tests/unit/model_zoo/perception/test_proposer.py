"""Proposals from a detector that runs now and then."""

import numpy as np
import numpy.typing as npt
import pytest

from model_zoo.perception.background import Frame
from model_zoo.perception.detector import Detections
from model_zoo.perception.flow import Flow
from model_zoo.perception.object_kind import PERSON, VEHICLE
from model_zoo.perception.perspective import Perspective
from model_zoo.perception.proposer import (
    BlobProposer,
    DetectorProposer,
    Look,
    is_group,
    is_plausible,
    moving_share,
)

SHAPE = (100, 200)
LINE = Perspective(0.0, 0.3)  # 30 px everywhere
FRAME = np.zeros(SHAPE, np.uint8)


class ScriptedDetector:
    """Finds the same boxes every time, and counts how often it is asked."""

    def __init__(self, *boxes_px: tuple[float, float, float, float], kind: int = PERSON) -> None:
        boxes = np.asarray(np.reshape(boxes_px, (-1, 4)) / np.array([200, 100, 200, 100]), np.float32)
        self.found = Detections(boxes, np.full(len(boxes), 0.8, np.float32), np.full(len(boxes), kind, np.int64))
        self.num_calls = 0

    def detect(self, frame: Frame, min_confidence: float = 0.15) -> Detections:
        """The same as always."""
        del frame
        self.num_calls += 1
        return self.found.select(self.found.confidence > min_confidence)


def mask(*boxes_px: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
    drawn = np.zeros(SHAPE, np.uint8)
    for left, top, right, bottom in boxes_px:
        drawn[top:bottom, left:right] = 1
    return drawn


def flow(shift_x: float) -> Flow:
    y, x = np.mgrid[:100:4, :200:4]
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    return Flow(points, np.tile(np.array([shift_x, 0.0], np.float32), (len(points), 1)))


def boxes_px(detections: Detections) -> list[list[float]]:
    corners: list[list[float]] = (detections.boxes * [200, 100, 200, 100]).round(3).tolist()
    return corners


def test_boxes_are_carried_by_flow_from_detection_to_detection() -> None:
    detector = ScriptedDetector((50, 40, 62, 70))
    proposer = DetectorProposer(detector, LINE, every=3)
    first = proposer.propose(Look(FRAME, mask((50, 40, 70, 70)), None))
    second = proposer.propose(Look(FRAME, mask((50, 40, 70, 70)), flow(3.0)))
    third = proposer.propose(Look(FRAME, mask((50, 40, 70, 70)), flow(3.0)))
    assert detector.num_calls == 1
    assert [boxes_px(one) for one in (first, second, third)] == [
        [[50, 40, 62, 70]],
        [[53, 40, 65, 70]],
        [[56, 40, 68, 70]],
    ]
    assert (first.confidence[0] > 0, second.confidence[0], third.confidence[0]) == (True, 0.0, 0.0)
    proposer.propose(Look(FRAME, mask((50, 40, 70, 70)), flow(3.0)))
    assert detector.num_calls == 2


def test_a_still_picture_is_not_searched_and_a_still_box_is_dropped() -> None:
    detector = ScriptedDetector((50, 40, 62, 70))
    proposer = DetectorProposer(detector, LINE, every=1)
    assert len(proposer.propose(Look(FRAME, mask(), None))) == 0
    assert detector.num_calls == 0
    assert len(proposer.propose(Look(FRAME, mask((100, 40, 112, 70)), flow(0.0)))) == 0
    assert detector.num_calls == 1


def test_after_a_reset_the_next_frame_is_searched() -> None:
    detector = ScriptedDetector((50, 40, 62, 70))
    proposer = DetectorProposer(detector, LINE, every=10)
    look = Look(FRAME, mask((50, 40, 70, 70)), flow(0.0))
    proposer.propose(look)
    proposer.reset()
    proposer.propose(look)
    assert detector.num_calls == 2


def test_a_detector_must_run_at_some_time() -> None:
    with pytest.raises(ValueError, match="got every 0"):
        DetectorProposer(ScriptedDetector(), LINE, every=0)


def test_moving_share_is_the_foreground_inside() -> None:
    boxes = np.array([[0.25, 0.4, 0.35, 0.8], [0.3, 0.4, 0.4, 0.8], [-0.5, 0.0, -0.1, 1.0]], np.float32)
    assert moving_share(boxes, mask((50, 40, 70, 80))).tolist() == [1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("box_px", "is_kept"),
    [
        ((50, 40, 62, 70), True),
        ((50, 60, 56, 70), False),  # a third of a person
        ((50, 0, 90, 99.9), True),
        ((0, 40, 12, 70), True),
        ((0, 40, 8, 70), False),  # sliver at the side
        ((50, 40, 58, 70), True),  # as narrow, but whole
        ((2, 2, 198, 98), False),  # most of the picture
        ((50, 84, 62, 100), False),  # cut off at the knees
    ],
)
def test_boxes_that_can_be_no_whole_object_are_dropped(box_px: tuple[float, ...], is_kept: bool) -> None:
    box = np.asarray(np.divide([box_px], [200, 100, 200, 100]), np.float32)
    assert is_plausible(box, SHAPE, LINE).tolist() == [is_kept]


@pytest.mark.parametrize(("kind", "expected"), [(PERSON, True), (VEHICLE, False)])
def test_one_person_over_two_is_a_group_and_a_vehicle_with_two_is_none(kind: int, expected: bool) -> None:
    boxes = np.array([[0.2, 0.2, 0.6, 0.8], [0.22, 0.3, 0.32, 0.7], [0.45, 0.3, 0.58, 0.7]], np.float32)
    kinds = np.array([kind, PERSON, PERSON])
    assert is_group(Detections(boxes, np.ones(3, np.float32), kinds)).tolist() == [expected, False, False]


def test_without_a_detector_blobs_are_objects_of_a_kind_guessed_by_size() -> None:
    proposer = BlobProposer(LINE)
    found = proposer.propose(Look(FRAME, mask((20, 40, 32, 70), (100, 40, 160, 75)), None))
    proposer.reset()
    assert sorted(zip(found.kind.tolist(), boxes_px(found), strict=True)) == [
        (PERSON, [20, 40, 32, 70]),
        (VEHICLE, [100, 40, 160, 75]),
    ]
    assert proposer.follows_edges
    assert not DetectorProposer(ScriptedDetector(), LINE, 1).follows_edges
