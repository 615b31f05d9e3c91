"""From frames to tracked objects."""

from collections.abc import Callable

import numpy as np
import pytest

from model_zoo.errors import FootageError
from model_zoo.perception.background import Picture
from model_zoo.perception.perceiver import Perceiver, crop_around
from model_zoo.perception.perspective import Perspective
from model_zoo.perception.scene import Scene
from model_zoo.perception.tubelet import CROP_SIDE, ObservedObject
from tests.fakes.drawn_people import HEIGHT_PX, WIDTH_PX, floor, with_person

PERSON_PX = (48, 20)


def scene() -> Scene:
    return Scene(floor(), Perspective(slope=0.0, intercept=PERSON_PX[0] / HEIGHT_PX))


def walk(perceiver: Perceiver, picture_at: Callable[[int], Picture], count: int) -> list[tuple[ObservedObject, ...]]:
    return [perceiver.update(picture_at(index), index / 10) for index in range(count)]


def test_walker_is_one_track_with_the_motion_of_a_walker() -> None:
    seen = walk(Perceiver(scene()), lambda index: with_person(floor(), 10 + 2 * index, 90, PERSON_PX), 16)
    assert seen[0] == ()
    assert [len(objects) for objects in seen[1:]] == [1] * 15
    assert {objects[0].track_id for objects in seen[1:]} == {1}
    assert [objects[0].age for objects in seen[1:]] == list(range(2, 17))
    velocity_x, velocity_y, speed, _, height, width, _ = np.mean([objects[0].motion for objects in seen[3:]], axis=0)
    assert velocity_x == pytest.approx(2 * 10 / PERSON_PX[0], rel=0.25)
    assert velocity_y == pytest.approx(0.0, abs=0.05)
    assert speed == pytest.approx(velocity_x, rel=0.2)
    assert (height, width) == pytest.approx((1.0, PERSON_PX[1] / PERSON_PX[0]), rel=0.12)  # smoothing adds a pixel
    last = seen[-1][0]
    assert last.box == pytest.approx([40 / 160, 42 / 120, 60 / 160, 90 / 120], abs=0.02)
    assert last.crop.shape == (CROP_SIDE, CROP_SIDE)
    assert last.crop.dtype == np.uint8


def test_velocity_is_by_the_clock_not_by_the_frame() -> None:
    def speed(step_s: float) -> float:
        perceiver = Perceiver(scene())
        pictures = [with_person(floor(), 20 + 2 * index, 90, PERSON_PX) for index in range(4)]
        seen = [perceiver.update(picture, step_s * index) for index, picture in enumerate(pictures)]
        return float(seen[-1][0].motion[2])

    assert speed(0.1) == pytest.approx(2 * speed(0.2), rel=1e-5)


def test_dwell_grows_while_standing_and_starts_anew_after_leaving() -> None:
    def left_px(index: int) -> float:
        return 20 if index <= 20 else 20 + 4 * (index - 20)

    seen = walk(Perceiver(scene()), lambda index: with_person(floor(), left_px(index), 90, PERSON_PX), 36)
    dwell = [objects[0].motion[-1] for objects in seen[1:]]
    assert dwell[19] == pytest.approx(np.log1p(1.9), rel=1e-4)
    assert dwell[-1] < np.log1p(1.3)


def test_person_hidden_for_a_second_is_the_same_and_has_stayed_but_is_measured_anew() -> None:
    def picture_at(index: int) -> Picture:
        return floor() if 10 <= index < 20 else with_person(floor(), 60, 90, PERSON_PX)

    seen = walk(Perceiver(scene()), picture_at, 22)
    assert [len(objects) for objects in seen[1:]] == [1] * 9 + [0] * 10 + [1] * 2
    assert (seen[-1][0].track_id, seen[-1][0].age) == (1, 2)
    assert seen[-1][0].motion[-1] == pytest.approx(np.log1p(2.0), rel=1e-4)
    assert seen[-1][0].kind_votes.sum() == pytest.approx(2.0)


def test_gap_in_time_ends_tracks_and_a_step_back_too() -> None:
    perceiver, picture = Perceiver(scene(), fps=10), with_person(floor(), 60, 90, PERSON_PX)
    perceiver.update(picture, 0.0)
    assert perceiver.update(picture, 0.1)[0].track_id == 1
    assert perceiver.update(picture, 0.7) == ()
    assert perceiver.update(picture, 0.8)[0].track_id == 2
    assert perceiver.update(picture, 0.5) == ()
    assert perceiver.update(picture, 0.6)[0].track_id == 3


def test_dimmed_light_changes_nothing() -> None:
    def at(gain: float) -> list[tuple[ObservedObject, ...]]:
        pictures = [with_person(floor(), 20 + 2 * index, 90, PERSON_PX) for index in range(6)]
        dimmed = [np.clip(picture * gain, 0, 255).astype(np.uint8) for picture in pictures]
        return walk(Perceiver(scene()), lambda index: dimmed[index], 6)

    for gain in (0.7, 1.3):
        assert at(gain)[-1][0].box == pytest.approx(at(1.0)[-1][0].box, abs=0.02)


def test_another_background_replaces_the_present_one_while_tracks_go_on() -> None:
    perceiver = Perceiver(scene())
    night = (floor() // 2).astype(np.uint8)
    seen = walk(perceiver, lambda index: with_person(floor(), 20 + 2 * index, 90, PERSON_PX), 5)
    perceiver.refresh(night)
    assert perceiver.scene.background.tolist() == night.tolist()
    assert perceiver.update(with_person(night, 30, 90, PERSON_PX), 0.5)[0].track_id == seen[-1][0].track_id
    with pytest.raises(ValueError, match=r"expected a background of shape \(120, 160\), got \(64, 64\)"):
        perceiver.refresh(np.zeros((64, 64), np.uint8))


def test_frame_of_other_proportions_is_refused() -> None:
    message = r"expected frames that scale to \(120, 160\) as the scene's did, got \(120, 120\)"
    with pytest.raises(FootageError, match=message):
        Perceiver(scene()).update(np.zeros((120, 120), np.uint8), 0.0)


def test_crop_is_the_square_around_the_box() -> None:
    grey = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    grey[40:80, 70:90] = 200
    crop = crop_around(grey, np.array([70 / 160, 40 / 120, 90 / 160, 80 / 120], np.float32))
    margin = (CROP_SIDE - CROP_SIDE / 1.2) / 2
    rows = np.flatnonzero(crop[:, CROP_SIDE // 2] > 100)
    assert (rows[0], rows[-1]) == pytest.approx((margin, CROP_SIDE - 1 - margin), abs=1.5)
    assert np.flatnonzero(crop[CROP_SIDE // 2] > 100).size == pytest.approx(CROP_SIDE / 2.4, abs=2)


def test_crop_beyond_the_border_repeats_the_last_pixels() -> None:
    grey = np.tile(np.arange(160, dtype=np.uint8), (120, 1))
    crop = crop_around(grey, np.array([0.0, 0.25, 0.05, 0.75], np.float32))
    assert (crop[:, :20] == 0).all()
    assert crop[0].tolist() == crop[-1].tolist()
