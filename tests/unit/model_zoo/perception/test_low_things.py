"""Low things: what is told of, what is part of something else, and what only passes."""

import numpy as np
import pytest

from model_zoo.perception.background import Mask
from model_zoo.perception.low_things import LEAST_AGE, MAX_LOW_THINGS, LowThing, LowThings, low_boxes
from model_zoo.perception.perspective import Boxes, Perspective
from model_zoo.perception.proposals import Parts, blob_boxes, components
from model_zoo.perception.proposer import Look

SHAPE = (120, 160)
LINE = Perspective(slope=0.0, intercept=0.25)  # 30 px everywhere
NOBODY = np.zeros((0, 4), np.float32)
BAG, LYING = (70, 70, 80, 80), (60, 69, 88, 80)
STEP_S = 0.2

BoxPx = tuple[int, int, int, int]


def mask_with(*boxes_px: BoxPx) -> Mask:
    mask = np.zeros(SHAPE, np.uint8)
    for left, top, right, bottom in boxes_px:
        mask[top:bottom, left:right] = 1
    return mask


def parts_with(*boxes_px: BoxPx) -> Parts:
    return components(mask_with(*boxes_px))


def look_at(mask: Mask) -> Look:
    return Look(mask, mask, None)


def fractions(*boxes_px: BoxPx) -> Boxes:
    return (np.array(boxes_px) / [160, 120, 160, 120]).astype(np.float32)


def watch(*masks: Mask, taken: Boxes = NOBODY) -> list[tuple[LowThing, ...]]:
    low = LowThings(LINE)
    return [low.update(look_at(mask), taken, STEP_S * index) for index, mask in enumerate(masks)]


@pytest.mark.parametrize("box", [BAG, LYING], ids=["bag", "somebody who lies"])
def test_what_proposals_leave_out_as_too_low_is_found(box: BoxPx) -> None:
    assert len(blob_boxes(parts_with(box), LINE)) == 0
    np.testing.assert_allclose(low_boxes(parts_with(box), NOBODY, LINE), fractions(box), atol=1e-6)


def test_what_is_an_object_is_no_low_thing() -> None:
    person = parts_with((70, 50, 82, 80))
    assert len(blob_boxes(person, LINE)) == 1
    assert len(low_boxes(person, NOBODY, LINE)) == 0


@pytest.mark.parametrize(
    "junk",
    [(70, 78, 73, 80), (40, 70, 100, 80), (0, 70, 10, 80), (150, 70, 160, 80), (70, 110, 80, 120)],
    ids=["speck", "longer than a person", "left", "right", "bottom"],
)
def test_specks_long_strips_and_what_the_border_cuts_are_dropped(junk: BoxPx) -> None:
    assert len(low_boxes(parts_with(junk), NOBODY, LINE)) == 0


def test_what_is_hardly_filled_is_dropped() -> None:
    frame = mask_with(LYING)
    frame[71:80, 62:88] = 0
    assert len(low_boxes(components(frame), NOBODY, LINE)) == 0


def test_feet_inside_the_box_of_somebody_scored_are_part_of_them() -> None:
    feet = parts_with((70, 70, 80, 80))
    assert len(low_boxes(feet, fractions((68, 50, 82, 82)), LINE)) == 0
    assert len(low_boxes(feet, fractions((77, 50, 91, 82)), LINE)) == 1


def test_the_largest_are_kept_where_there_are_too_many() -> None:
    small = [
        (5 + 12 * column, 20 + 20 * row, 12 + 12 * column, 27 + 20 * row) for row in (0, 1) for column in range(12)
    ]
    found = low_boxes(parts_with(*small, (60, 90, 80, 100)), NOBODY, LINE)
    assert len(found) == MAX_LOW_THINGS
    np.testing.assert_allclose(found[0], fractions((60, 90, 80, 100))[0], atol=1e-6)


def test_thing_at_rest_is_told_of_under_one_number_after_a_few_frames() -> None:
    seen = watch(*[mask_with(BAG)] * 6)
    assert [len(things) for things in seen] == [0] * (LEAST_AGE - 1) + [1] * (7 - LEAST_AGE)
    assert {things[0].track_id for things in seen if things} == {-1}
    assert seen[-1][0].speed == pytest.approx(0.0)


def test_what_passes_is_not_told_of() -> None:
    masks = [mask_with((10 + 6 * index, 70, 20 + 6 * index, 80)) for index in range(20)]  # a height a second
    assert not any(watch(*masks))


def test_hidden_for_a_moment_it_is_the_same_thing() -> None:
    seen = watch(*[mask_with(BAG)] * 5, *[mask_with()] * 3, *[mask_with(BAG)] * 3)
    assert [things[0].track_id for things in (seen[4], seen[-1])] == [-1, -1]


def test_after_a_reset_numbers_are_new() -> None:
    low = LowThings(LINE)
    assert low.update(look_at(mask_with()), NOBODY, 0.0) == ()
    for index in range(1, LEAST_AGE + 1):
        low.update(look_at(mask_with(BAG)), NOBODY, STEP_S * index)
    low.reset()
    assert [low.update(look_at(mask_with(BAG)), NOBODY, STEP_S * index) for index in range(LEAST_AGE)][-1][
        0
    ].track_id == -2


def test_between_two_looks_the_last_one_holds() -> None:
    low = LowThings(LINE)
    masks = [mask_with(BAG)] * 4 + [mask_with()] * 2
    seen = [low.update(look_at(mask), NOBODY, index / 10) for index, mask in enumerate(masks)]
    assert [len(things) for things in seen] == [0, 0, 1, 1, 0, 0]
