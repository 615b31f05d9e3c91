"""Networks that look at 8, 12 and 16 steps of the same tubelets, exported."""

import dataclasses
from typing import get_args

import numpy as np
import pytest
import torch

from model_zoo.architecture import STEPS_READ, NumSteps
from model_zoo.onnx_model import OnnxModel
from model_zoo.perception.tubelet import NUM_STEPS, Tubelets
from model_zoo.scoring.track_stream import TrackStream
from tests.fakes.networks import exported_fp32, untrained_network
from tests.fakes.tubelets import CLOSED, Look, drawn_tubelets

CAMERA = 7


@pytest.fixture(scope="module", params=get_args(NumSteps))
def model(request: pytest.FixtureRequest) -> OnnxModel:
    return OnnxModel(exported_fp32(request.param), "exported")


@pytest.fixture(scope="module")
def tubelets() -> Tubelets:
    drawn = drawn_tubelets(6, seed=2, state=CLOSED, look=Look(spread=0.5, zone_kind=4))
    drawn.motion[:] += np.random.default_rng(3).normal(0, 0.5, drawn.motion.shape)
    return drawn


def test_graph_says_of_stored_tubelets_what_the_network_says(model: OnnxModel, tubelets: Tubelets) -> None:
    num_steps, rows = model.metadata.num_steps, len(tubelets)
    network, last = untrained_network(num_steps=num_steps), tubelets.last_steps(num_steps)
    with torch.inference_mode():
        condition = network.condition(
            torch.from_numpy(tubelets.context), torch.from_numpy(tubelets.zone_kind), torch.full((rows,), CAMERA)
        )
        crops = torch.from_numpy(last.crops[:, STEPS_READ]).float() / 255
        codes = [network.code(network.features(crops[:, step, None]), condition) for step in range(crops.shape[1])]
        motion = torch.from_numpy(last.motion[:, STEPS_READ])
        whole = network.score(torch.stack(codes, dim=1), motion, condition).numpy()
    np.testing.assert_allclose(model.judge_tubelets(tubelets, CAMERA).score, whole, atol=1e-4)


@pytest.mark.parametrize("num_seen", [5, NUM_STEPS, NUM_STEPS + 5])
def test_stream_of_tracks_says_what_their_whole_tubelets_say(
    model: OnnxModel, tubelets: Tubelets, num_seen: int
) -> None:
    stream, rows = TrackStream(), range(len(tubelets))
    steps = [max(step, 0) for step in range(NUM_STEPS - num_seen, NUM_STEPS)]
    condition = (tubelets.context, tubelets.zone_kind, np.full(len(tubelets), CAMERA, dtype=np.int64))
    for step in steps:
        stream.motion(rows, tubelets.motion[:, step])
        judged = stream.judged(model, rows, tubelets.crops[:, step], condition)
    padded = ([steps[0]] * NUM_STEPS + steps)[-NUM_STEPS:]
    window = dataclasses.replace(tubelets, crops=tubelets.crops[:, padded], motion=tubelets.motion[:, padded])
    whole = model.judge_tubelets(window, CAMERA)
    np.testing.assert_allclose(judged.score, whole.score, atol=1e-5)
    np.testing.assert_allclose(judged.oddity, whole.oddity, atol=1e-5)


def test_graph_looks_at_its_last_steps_and_at_none_before(model: OnnxModel, tubelets: Tubelets) -> None:
    oldest_read = NUM_STEPS - model.metadata.num_steps + 1
    whole, before, inside = (tubelets.select(np.arange(len(tubelets))) for _ in range(3))
    before.crops[:, :oldest_read], before.motion[:, :oldest_read] = 0, 9.0
    inside.crops[:, oldest_read], inside.motion[:, oldest_read] = 0, 9.0
    scores, unread, read = (model.judge_tubelets(one, CAMERA).score for one in (whole, before, inside))
    np.testing.assert_array_equal(unread, scores)
    assert np.abs(read - scores).max() > 1e-5
