"""Boxes of single objects from foreground masks."""

import numpy as np
import pytest

from model_zoo.perception.background import Mask
from model_zoo.perception.crowd import split_crowd
from model_zoo.perception.perspective import Perspective
from model_zoo.perception.proposals import MAX_OBJECTS, blob_boxes, components

SHAPE = (120, 160)
LINE = Perspective(slope=0.0, intercept=0.25)  # 30 px everywhere


def mask_with(*boxes_px: tuple[int, int, int, int]) -> Mask:
    mask = np.zeros(SHAPE, np.uint8)
    for left, top, right, bottom in boxes_px:
        mask[top:bottom, left:right] = 1
    return mask


def found_px(mask: Mask) -> list[list[int]]:
    scale = np.array([160, 120, 160, 120])
    return sorted(np.rint(blob_boxes(components(mask), LINE) * scale).astype(int).tolist())


def test_empty_mask_has_no_boxes() -> None:
    assert blob_boxes(components(mask_with()), LINE).shape == (0, 4)


def test_person_is_boxed_exactly() -> None:
    assert found_px(mask_with((70, 50, 82, 80))) == [[70, 50, 82, 80]]


@pytest.mark.parametrize(
    "junk",
    [(70, 70, 80, 78), (70, 50, 71, 80), (0, 50, 4, 80), (156, 50, 160, 80)],
    ids=["low", "line", "left", "right"],
)
def test_specks_and_border_slivers_are_dropped(junk: tuple[int, int, int, int]) -> None:
    assert found_px(mask_with(junk)) == []


def test_two_people_who_touch_at_the_hands_are_two() -> None:
    pair = mask_with((40, 50, 52, 80), (52, 62, 76, 65), (76, 50, 88, 80))
    boxes = found_px(pair)
    assert len(boxes) == 2
    assert boxes[0][0] == 40
    assert boxes[1][2] == 88


def test_solid_vehicle_stays_one() -> None:
    assert found_px(mask_with((40, 40, 110, 85))) == [[40, 40, 110, 85]]


def test_crowd_of_three_in_depth_is_three() -> None:
    crowd = mask_with((40, 40, 52, 70), (50, 62, 62, 92), (64, 70, 76, 100), (60, 80, 66, 84))
    assert len(found_px(crowd)) == 3


def test_split_of_a_faint_blob_finds_nobody() -> None:
    thin = np.zeros((40, 60), np.uint8)
    thin[20] = 1
    assert split_crowd(thin, (10, 30), SHAPE[0], LINE) == []


def test_number_of_boxes_is_bounded() -> None:
    many = np.zeros((1200, 1200), np.uint8)
    for row in range(12):
        for column in range(12):
            many[100 * row + 10 : 100 * row + 80, 100 * column + 10 : 100 * column + 40] = 1
    assert len(blob_boxes(components(many), Perspective(0.0, 70 / 1200))) == MAX_OBJECTS
