"""Analysis pictures, the median background, and what stands out from it."""

import numpy as np
import pytest

from model_zoo.errors import FootageError
from model_zoo.perception.background import (
    LiveBackground,
    analysis_picture,
    fit_background,
    foreground,
    grey_picture,
    light_gain,
    sample_pictures,
)
from tests.fakes.drawn_people import HEIGHT_PX, WIDTH_PX, floor, with_person


def test_colour_is_read_as_blue_green_red() -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[..., 2] = 255
    assert grey_picture(frame)[0, 0] == 76


def test_wide_pictures_are_scaled_to_the_analysis_width_and_narrow_ones_kept() -> None:
    assert analysis_picture(np.zeros((1080, 1920), np.uint8)).shape == (202, 360)
    assert analysis_picture(np.zeros((240, 352), np.uint8)).shape == (240, 352)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((64, 64), np.float32), r"expected a uint8 frame \(H, W\) or \(H, W, 3\), got float32 \(64, 64\)"),
        (np.zeros((64, 64, 4), np.uint8), r"got uint8 \(64, 64, 4\)"),
        (np.zeros((64, 63), np.uint8), "expected frames of at least 64 px a side, got 63x64"),
    ],
)
def test_unusable_frame_is_refused(frame: np.ndarray, message: str) -> None:
    with pytest.raises(FootageError, match=message):
        grey_picture(frame)


def test_footage_without_frames_or_of_two_sizes_is_refused() -> None:
    with pytest.raises(FootageError, match="expected at least one frame, got none"):
        fit_background([])
    with pytest.raises(FootageError, match=r"expected frames of one size \(64, 64\), got \(64, 65\) at frame 1"):
        fit_background([np.zeros((64, 64), np.uint8), np.zeros((64, 65), np.uint8)])


@pytest.mark.parametrize("num_frames", [1, 7, 8, 9, 63])
def test_samples_are_spread_evenly_and_bounded(num_frames: int) -> None:
    frames = (np.full((64, 64), index, np.uint8) for index in range(num_frames))
    kept = [int(picture[0, 0]) for picture in sample_pictures(frames, 8)]
    assert min(num_frames, 4) <= len(kept) <= 8
    assert len(set(np.diff(kept))) <= 1
    assert kept[0] == 0


def test_median_background_forgets_passers_by() -> None:
    frames = [with_person(floor(), 5 + 10 * index, 80) for index in range(12)]
    assert np.abs(fit_background(frames).astype(int) - floor()).max() <= 10
    assert foreground(fit_background(frames), floor()).sum() == 0


@pytest.mark.parametrize("gain", [0.6, 0.8, 1.0, 1.2, 1.4])
def test_change_of_global_light_is_not_foreground_but_a_person_in_it_is(gain: float) -> None:
    dimmed = np.clip(with_person(floor(), 70, 80) * gain, 0, 255).astype(np.uint8)
    mask = foreground(dimmed, floor())
    assert light_gain(dimmed, floor()) == pytest.approx(gain, abs=0.02)
    assert mask[50:80, 70:82].mean() > 0.8
    mask[48:82, 68:84] = 0
    assert mask.sum() == 0


def test_light_of_a_black_scene_is_taken_as_unchanged() -> None:
    black = np.zeros((64, 64), np.uint8)
    assert light_gain(black, black) == 1.0


def test_background_follows_slow_daylight_in_one_part_of_the_picture() -> None:
    live, brightened = LiveBackground(floor()), floor()
    for second in range(120):
        brightened = floor()
        brightened[:, :40] += np.uint8(second // 6)
        mask = live.subtract(brightened, float(second))
        assert mask is not None
        assert mask.sum() == 0
    assert foreground(brightened, floor()).sum() > 0


def test_person_who_stands_for_a_minute_is_not_absorbed() -> None:
    live, picture = LiveBackground(floor()), with_person(floor(), 70, 80)
    masks = [live.subtract(picture, float(second)) for second in range(61)]
    assert masks[0] is not None
    assert masks[-1] is not None
    assert masks[-1].sum() >= 0.95 * masks[0].sum()


def test_object_left_behind_is_absorbed_in_the_end() -> None:
    live, picture = LiveBackground(floor()), floor()
    picture[50:80, 70:82] -= np.uint8(24)
    masks = [live.subtract(picture, float(second)) for second in range(180)]
    assert masks[0] is not None
    assert masks[60] is not None
    assert masks[-1] is not None
    assert masks[0].sum() == pytest.approx(30 * 12, rel=0.25)  # smoothing rounds the corners of so faint an object
    assert masks[60].sum() >= 0.95 * masks[0].sum()
    assert masks[-1].sum() == 0


def test_lights_going_on_are_absorbed_within_two_seconds_without_objects() -> None:
    rng = np.random.default_rng([5])
    live = LiveBackground((floor() // 8).astype(np.uint8))
    lit = rng.integers(90, 250, (HEIGHT_PX // 8, WIDTH_PX // 8)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    masks = [live.subtract(lit, index / 10) for index in range(25)]
    assert masks[0] is None
    assert masks[20] is not None
    assert all(mask is None or not mask.any() for mask in masks)


def test_faint_person_by_night_is_found_and_the_noise_is_not() -> None:
    rng = np.random.default_rng([8])
    night = np.full((HEIGHT_PX, WIDTH_PX), 60, np.uint8)
    noise = rng.normal(0.0, 4.0, night.shape)
    empty = np.clip(night + noise, 0, 255).astype(np.uint8)
    picture = empty.copy()
    picture[40:90, 60:80] -= np.uint8(14)
    assert foreground(empty, night).mean() < 0.002
    assert foreground(picture, night)[40:90, 60:80].mean() > 0.7
