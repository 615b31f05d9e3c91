"""What is remembered of tracks."""

import numpy as np

from model_zoo.perception.tracker import LOST_MISSES
from model_zoo.perception.tubelet import NUM_MOTION, NUM_STEPS
from model_zoo.scoring.track_stream import TrackStream


def step(value: float) -> np.ndarray:
    return np.full(NUM_MOTION, value, np.float32)


def test_a_young_track_repeats_its_first_step_and_an_old_one_keeps_the_last() -> None:
    stream = TrackStream()
    first = stream.motion([5], np.stack([step(1)]))
    assert first[0, :, 0].tolist() == [1.0] * NUM_STEPS
    for value in range(2, 20):
        window = stream.motion([5, 100 + value], np.stack([step(value), step(0)]))
    assert window[0, :, 0].tolist() == [float(value) for value in range(20 - NUM_STEPS, 20)]


def test_tracks_that_ended_are_forgotten_and_an_empty_frame_has_no_windows() -> None:
    stream = TrackStream()
    stream.motion([5], np.stack([step(1)]))
    for _ in range(LOST_MISSES):
        assert stream.motion([], np.zeros((0, NUM_MOTION), np.float32)).shape == (0, NUM_STEPS, NUM_MOTION)
        assert stream.remembers(5)
    stream.motion([], np.zeros((0, NUM_MOTION), np.float32))
    assert not stream.remembers(5)


def test_track_found_again_goes_on_with_its_steps() -> None:
    stream = TrackStream()
    for value in range(1, 4):
        stream.motion([5], np.stack([step(value)]))
    for _ in range(LOST_MISSES):
        stream.motion([], np.zeros((0, NUM_MOTION), np.float32))
    window = stream.motion([5], np.stack([step(4)]))
    assert window[0, -4:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]
