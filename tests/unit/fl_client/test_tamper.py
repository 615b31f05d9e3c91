"""Frozen, covered and turned cameras are told, once; people, light, noise and closing time are not."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fl_client.capture.tamper import (
    ACCEPT_S,
    FROZEN_DISTINCT,
    FROZEN_SAMPLES,
    LASTING_S,
    Change,
    Picture,
    Tamper,
    TamperWatch,
)

HEIGHT, WIDTH = 180, 320
Film = Callable[[int], Picture]


def shop(seed: int = 0, shift: int = 0) -> Picture:
    """Shelves and signs: rectangles of different grey, on a floor wider than the picture so that it can be shifted."""
    rng = np.random.default_rng(seed)
    wide = np.full((HEIGHT, WIDTH + 200), 120, np.uint8)
    for _ in range(60):
        top, left = rng.integers(0, HEIGHT - 20), rng.integers(0, WIDTH + 170)
        height, width = rng.integers(10, 70, 2)
        wide[top : top + height, left : left + width] = rng.integers(30, 220)
    return wide[:, 60 + shift : 60 + shift + WIDTH].copy()


def noisy(picture: Picture, second: int, gain: float = 1.0, level: float = 3.0) -> Picture:
    rng = np.random.default_rng([7, second])
    return (picture * gain + rng.normal(0.0, level, picture.shape)).clip(0, 255).astype(np.uint8)


def usual(second: int) -> Picture:
    return noisy(shop(), second)


def changes(watch: TamperWatch, film: Film, seconds: range, state: str = "open") -> list[tuple[int, Change]]:
    return [(second, change) for second in seconds for change in watch.look(film(second), float(second), state)]


def settled() -> TamperWatch:
    watch = TamperWatch()
    assert changes(watch, usual, range(60)) == []
    return watch


def with_people(second: int) -> Picture:
    """People who fill half of the picture and move."""
    picture = shop()
    for index in range(4):
        left = (37 * second + 83 * index) % (WIDTH - 40)
        picture[30:, left : left + 40] = 20 + 40 * index
    return noisy(picture, second)


def dusk(second: int) -> Picture:
    return noisy(shop(), second, gain=max(0.25, 1.0 - second / 400))


@pytest.mark.parametrize("film", [usual, with_people, dusk])
def test_everyday_is_nothing(film: Film) -> None:
    assert changes(settled(), film, range(60, 360)) == []


def test_lights_that_go_out_at_closing_are_nothing_and_a_dark_picture_while_open_is_covered() -> None:
    def _dark(second: int) -> Picture:
        return noisy(shop(), second, gain=0.05, level=1.0)

    assert changes(settled(), _dark, range(60, 200), "closed") == []
    assert [change for _, change in changes(settled(), _dark, range(60, 100))] == [Change(Tamper.COVERED, True)]


@pytest.mark.parametrize("level", [5, 120, 250])
def test_hand_over_the_lens_is_told_once_it_lasts_and_when_it_is_gone(level: int) -> None:
    watch = settled()
    cover = np.full((HEIGHT, WIDTH), level, np.uint8)
    told = changes(watch, lambda second: noisy(cover, second), range(60, 120))
    assert told == [(60 + int(LASTING_S), Change(Tamper.COVERED, True))]
    assert watch.wrong[Tamper.COVERED]
    assert changes(watch, usual, range(120, 180)) == [(120 + int(LASTING_S), Change(Tamper.COVERED, False))]


def test_somebody_close_to_the_lens_for_a_moment_is_nothing() -> None:
    cover = np.full((HEIGHT, WIDTH), 90, np.uint8)
    watch = settled()
    assert changes(watch, lambda second: noisy(cover, second), range(60, 68)) == []
    assert changes(watch, usual, range(68, 120)) == []


@pytest.mark.parametrize("moved", [shop(seed=5), shop(shift=40), shop(shift=-25)])
def test_turned_or_knocked_camera_is_told(moved: Picture) -> None:
    watch = settled()
    told = changes(watch, lambda second: noisy(moved, second), range(60, 120))
    assert [change for _, change in told] == [Change(Tamper.MOVED, True)]
    assert [change for _, change in changes(watch, usual, range(120, 180))] == [Change(Tamper.MOVED, False)]


def test_camera_that_stays_turned_is_the_usual_after_a_while() -> None:
    watch, elsewhere = settled(), shop(seed=5)
    told = changes(watch, lambda second: noisy(elsewhere, second), range(60, 60 + int(ACCEPT_S) + 60))
    assert [change for _, change in told] == [Change(Tamper.MOVED, True), Change(Tamper.MOVED, False)]
    assert [change for _, change in changes(watch, usual, range(800, 860))] == [Change(Tamper.MOVED, True)]


def test_picture_that_trembles_by_a_pixel_is_nothing() -> None:
    assert changes(settled(), lambda second: noisy(shop(shift=second % 3), second), range(60, 200)) == []


def _frozen(watch: TamperWatch, num_pictures: int) -> list[tuple[int, Change]]:
    pictures = [usual(second) for second in range(num_pictures)]
    return changes(watch, lambda second: pictures[second % num_pictures], range(60, 160))


@pytest.mark.parametrize("num_pictures", [1, 2, 3])
def test_picture_that_repeats_is_frozen_until_it_moves_again(num_pictures: int) -> None:
    watch = settled()
    ((second, change),) = _frozen(watch, num_pictures)
    assert change == Change(Tamper.FROZEN, True)
    assert 60 + FROZEN_SAMPLES - FROZEN_DISTINCT <= second <= 60 + FROZEN_SAMPLES
    assert [change for _, change in changes(watch, usual, range(160, 220))] == [Change(Tamper.FROZEN, False)]


def test_still_scene_with_the_noise_of_a_sensor_is_not_frozen() -> None:
    def _still(second: int) -> Picture:
        picture = shop()
        picture[second % HEIGHT, 0] ^= 1  # one pixel is enough
        return picture

    assert changes(settled(), _still, range(60, 200)) == []


def test_camera_that_never_showed_anything_else_is_not_called_covered() -> None:
    cover = np.full((HEIGHT, WIDTH), 90, np.uint8)
    assert changes(TamperWatch(), lambda second: noisy(cover, second), range(120)) == []


def test_black_pictures_of_a_camera_that_starts_do_not_blind_the_watch() -> None:
    watch, black = TamperWatch(), np.zeros((HEIGHT, WIDTH), np.uint8)
    assert changes(watch, lambda second: black if second < 3 else usual(second), range(90)) == []
    moved = shop(seed=5)
    told = changes(watch, lambda second: noisy(moved, second), range(90, 120))
    assert [change for _, change in told] == [Change(Tamper.MOVED, True)]


def test_frames_in_between_are_passed_over_and_a_clock_that_steps_back_ends_nothing() -> None:
    watch = settled()

    def _instants() -> Iterator[float]:
        yield from (60.0 + index / 10 for index in range(100))
        yield from (3.0 + index for index in range(60))

    assert [watch.look(usual(index), instant_s, "open") for index, instant_s in enumerate(_instants())] == [()] * 160
