"""The motion gate: what passes, what does not, and that nothing stays out of sight."""

import numpy as np
import numpy.typing as npt
import pytest

from fl_client.capture.motion_gate import KEEP_S, LINGER_S, MotionGate

FPS = 10.0
Picture = npt.NDArray[np.uint8]


def scene(index: int, noise: float = 2.0, shape: tuple[int, int] = (360, 640)) -> Picture:
    """A picture of a scene where nothing moves but the sensor's noise."""
    random = np.random.default_rng(index)
    usual = np.add.outer(np.linspace(40, 160, shape[0]), np.linspace(0, 60, shape[1]))
    return np.clip(usual + random.normal(0.0, noise, shape), 0, 255).astype(np.uint8)


def walker(index: int, height_px: int = 24, contrast: int = 25, step_px: float = 4.0) -> Picture:
    """The scene with something a third as wide as high that walks."""
    picture, left = scene(index), 40 + int(index * step_px) % 500
    picture[200 : 200 + height_px, left : left + height_px // 3] += np.uint8(contrast)
    return picture


def passed(gate: MotionGate, pictures: list[Picture], began_s: float = 1000.0) -> list[float]:
    """Seconds after the beginning at which pictures passed."""
    return [index / FPS for index, one in enumerate(pictures) if gate.passes(one, began_s + index / FPS)]


@pytest.mark.parametrize("shape", [(360, 640), (240, 320), (1080, 1920), (300, 90)])
def test_of_a_quiet_scene_one_passes_now_and_then(shape: tuple[int, int]) -> None:
    times = passed(MotionGate(is_busy=False), [scene(index, shape=shape) for index in range(120)])
    late = [time for time in times if time > LINGER_S + 0.5]
    assert np.diff(late) == pytest.approx(KEEP_S, abs=0.11)


@pytest.mark.parametrize(("height_px", "contrast"), [(12, 60), (24, 25), (60, 12)])
def test_walker_passes_at_once_and_for_a_while_after(height_px: int, contrast: int) -> None:
    quiet, moving = [scene(index) for index in range(60)], [walker(i, height_px, contrast) for i in range(60, 90)]
    times = passed(MotionGate(is_busy=False), [*quiet, *moving, *[scene(index) for index in range(90, 200)]])
    assert set(np.arange(60, 90)) <= {round(time * FPS) for time in times}
    after = [time for time in times if time >= 9.0]
    assert after[round((LINGER_S - 0.5) * FPS)] - after[0] == pytest.approx(LINGER_S - 0.5)
    assert len([time for time in after if time > 9.0 + 2 * LINGER_S + 1.0]) <= 6.0 / KEEP_S


def test_while_anything_is_seen_everything_passes() -> None:
    assert len(passed(MotionGate(is_busy=True), [scene(index) for index in range(50)])) == 50


def test_what_comes_to_rest_is_no_movement() -> None:
    still = walker(0)
    times = passed(MotionGate(is_busy=False), [*[scene(i) for i in range(30)], *[still] * 100])
    assert {round(time * FPS) for time in times} >= set(range(30, 45))
    assert len([time for time in times if time > 8.0]) <= 5.0 / KEEP_S + 1


def test_picture_of_another_size_and_a_clock_that_jumps_begin_afresh() -> None:
    gate = MotionGate(is_busy=False)
    passed(gate, [scene(index) for index in range(60)])
    assert gate.passes(scene(60, shape=(240, 320)), 1006.0)
    assert gate.passes(scene(61, shape=(240, 320)), 5.0)
    assert gate.passes(scene(62, shape=(240, 320)), 5.1)


def test_light_that_is_switched_passes() -> None:
    gate = MotionGate(is_busy=False)
    passed(gate, [scene(index) for index in range(61)])
    assert gate.passes((scene(61) // 2).astype(np.uint8), 1006.1)
