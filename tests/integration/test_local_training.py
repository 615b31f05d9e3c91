"""Local training where only the context decides: bright objects while open, dark ones while closed."""

import dataclasses

import numpy as np
import torch

from model_zoo.backbones.film_lstm import STEPS_READ, FilmLstm, FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters, network_with
from model_zoo.perception.tubelet import Tubelets, concatenate
from model_zoo.training.local_training import CameraFootage, LocalTrainer, TrainingSettings
from tests.fakes.tubelets import CLOSED, OPEN, Look, context_of, drawn_tubelets, watched

SMALL = FilmLstmShape(channels=(4, 8, 8, 12), condition_size=8, lstm_size=16)
NUM_STEPS = 120


def in_state(tubelets: Tubelets, state: int) -> Tubelets:
    context = np.repeat(context_of(state)[None], len(tubelets), axis=0)
    return dataclasses.replace(tubelets, context=context, state=np.full(len(tubelets), state, dtype=np.int64))


def scores(network: FilmLstm, tubelets: Tubelets) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    with torch.inference_mode():
        condition = network.condition(
            torch.from_numpy(tubelets.context),
            torch.from_numpy(tubelets.zone_kind),
            torch.zeros(len(tubelets), dtype=torch.int64),
        )
        crops = torch.from_numpy(tubelets.crops[:, STEPS_READ]).float() / 255
        codes = [network.code(network.features(crops[:, step, None]), condition) for step in range(crops.shape[1])]
        motion = torch.from_numpy(tubelets.motion[:, STEPS_READ])
        return network.score(torch.stack(codes, dim=1), motion, condition).numpy()


def test_loss_falls_and_foreign_contexts_score_higher_on_tubelets_never_seen() -> None:
    normal = concatenate([drawn_tubelets(24, 1, OPEN, Look(200)), drawn_tubelets(24, 2, CLOSED, Look(50))])
    network = network_with(SMALL, initial_parameters(SMALL, 0))
    trainer, rng = LocalTrainer(network, TrainingSettings(learning_rate=0.01)), np.random.default_rng(0)
    footage = CameraFootage(normal, watched(OPEN, CLOSED), np.int64([0]), 0)
    losses = [trainer.step(footage, rng) for _ in range(NUM_STEPS)]
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) - 0.1
    for state, brightness in ((OPEN, 200), (CLOSED, 50)):
        unseen = drawn_tubelets(8, 9, state, Look(brightness))
        foreign = in_state(unseen, CLOSED if state == OPEN else OPEN)
        assert (scores(network, foreign) > scores(network, unseen)).all()
