"""What is remembered of tracks."""

import dataclasses
from typing import get_args

import numpy as np
import pytest

from model_zoo.architecture import NumSteps
from model_zoo.onnx_model import OnnxModel
from model_zoo.perception.tracker import LOST_MISSES
from model_zoo.perception.tubelet import NUM_MOTION, NUM_STEPS, Tubelets
from model_zoo.scoring.track_stream import TrackStream
from tests.fakes.onnx_models import METADATA, Weights, drawn_model, score_by_hand
from tests.fakes.tubelets import drawn_tubelets

WEIGHTS = Weights(brightness=0.7, motion=0.1, offset=-2.0)


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


def looking_at(num_steps: NumSteps) -> OnnxModel:
    return OnnxModel(drawn_model(WEIGHTS, dataclasses.replace(METADATA, num_steps=num_steps)), "drawn")


def drawn() -> Tubelets:
    """Three tubelets that change from step to step."""
    tubelets, random = drawn_tubelets(3, 5), np.random.default_rng(6)
    tubelets.motion[:] += random.normal(0, 0.3, tubelets.motion.shape)
    tubelets.crops[:] = random.integers(0, 256, (3, NUM_STEPS, 1, 1))
    return tubelets


def streamed(stream: TrackStream, model: OnnxModel, tubelets: Tubelets) -> np.ndarray:
    """Scores after the last step."""
    rows, nowhere = range(len(tubelets)), np.zeros(len(tubelets), np.int64)
    for step in range(NUM_STEPS):
        stream.motion(rows, tubelets.motion[:, step])
        judged = stream.judged(model, rows, tubelets.crops[:, step], (tubelets.context, nowhere, nowhere))
    return judged.score


@pytest.mark.parametrize("num_steps", get_args(NumSteps))
def test_cached_codes_give_the_score_of_the_whole_tubelet(num_steps: NumSteps) -> None:
    tubelets, model = drawn(), looking_at(num_steps)
    by_hand = score_by_hand(WEIGHTS, tubelets.crops, tubelets.motion, tubelets.context, num_steps)
    np.testing.assert_allclose(streamed(TrackStream(), model, tubelets), by_hand, rtol=1e-4)
    np.testing.assert_allclose(model.judge_tubelets(tubelets, 0).score, by_hand, rtol=1e-4)


def test_stream_begins_afresh_with_a_model_that_looks_at_another_number_of_steps() -> None:
    tubelets, stream = drawn(), TrackStream()
    streamed(stream, looking_at(8), tubelets)
    by_hand = score_by_hand(WEIGHTS, tubelets.crops, tubelets.motion, tubelets.context, 16)
    np.testing.assert_allclose(streamed(stream, looking_at(16), tubelets), by_hand, rtol=1e-4)
