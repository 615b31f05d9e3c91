"""Local training where only the context decides: striped one way while open, the other while closed."""

import dataclasses

import numpy as np
import torch

from model_zoo.architecture import STEPS_READ
from model_zoo.backbones.film_lstm import FilmLstm
from model_zoo.perception.tubelet import Tubelets, concatenate
from model_zoo.training.batch import CameraFootage
from model_zoo.training.local_training import LocalTrainer, TrainingSettings
from tests.fakes.networks import untrained_network
from tests.fakes.tubelets import CLOSED, OPEN, Look, context_of, drawn_tubelets, watched

NUM_STEPS = 80


def in_state(tubelets: Tubelets, state: int) -> Tubelets:
    context = np.repeat(context_of(state)[None], len(tubelets), axis=0)
    return dataclasses.replace(tubelets, context=context, state=np.full(len(tubelets), state, dtype=np.int64))


def scores(network: FilmLstm, tubelets: Tubelets) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    tubelets = tubelets.last_steps(network.shape.num_steps)
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
    normal = concatenate(
        [drawn_tubelets(24, 1, OPEN, Look(stripes="rows")), drawn_tubelets(24, 2, CLOSED, Look(stripes="columns"))]
    )
    network = untrained_network()
    trainer, rng = LocalTrainer(network, TrainingSettings()), np.random.default_rng(0)
    footage = CameraFootage(normal.last_steps(12), watched(OPEN, CLOSED), np.array([0], dtype=np.int64), 0)
    losses = [trainer.step(footage, rng) for _ in range(NUM_STEPS)]
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) - 0.1
    for state, stripes in ((OPEN, "rows"), (CLOSED, "columns")):
        unseen = drawn_tubelets(8, 9, state, Look(stripes=stripes))
        foreign = in_state(unseen, CLOSED if state == OPEN else OPEN)
        assert (scores(network, foreign) > scores(network, unseen)).all()
