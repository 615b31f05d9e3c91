"""Local training: what a batch is made of, and that the same stream gives the same parameters."""

import dataclasses
from typing import get_args

import numpy as np
import pytest

from model_zoo.architecture import NumSteps
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import Parameters, initial_parameters, network_with, parameters_of
from model_zoo.backbones.parts import Part, only
from model_zoo.perception.tubelet import concatenate
from model_zoo.training.batch import LABEL_CONFIRMED, CameraFootage, draw_rows
from model_zoo.training.local_training import LocalTrainer, TrainingSettings, evaluate_held_out
from tests.fakes.cutouts import striped_scene
from tests.fakes.tubelets import CLOSED, OPEN, Look, drawn_tubelets, watched

SMALL = FilmLstmShape(channels=(4, 8, 8, 12), condition_size=8, lstm_size=16)
SETTINGS = TrainingSettings(batch_size=8)
FALSE_ALARM = 2
FOOTAGE = CameraFootage(
    concatenate([drawn_tubelets(6, 1, OPEN, Look(200)), drawn_tubelets(6, 2, CLOSED, Look(50))]).last_steps(12),
    watched(OPEN, CLOSED),
    np.array([0], dtype=np.int64),
    3,
)


def trained(footage: CameraFootage, seed: int, num_steps: int = 3) -> Parameters:
    network = network_with(SMALL, initial_parameters(SMALL, 0))
    trainer, rng = LocalTrainer(network, SETTINGS), np.random.default_rng(seed)
    for _ in range(num_steps):
        trainer.step(footage, rng)
    return parameters_of(network)


def test_same_stream_gives_the_same_parameters_bit_for_bit() -> None:
    first, second, other = trained(FOOTAGE, 5), trained(FOOTAGE, 5), trained(FOOTAGE, 6)
    for name, array in first.items():
        assert array.tobytes() == second[name].tobytes()
    assert any(not np.array_equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("num_steps", get_args(NumSteps))
def test_network_trains_on_as_many_steps_as_it_looks_at_and_on_no_others(num_steps: NumSteps) -> None:
    shape = dataclasses.replace(SMALL, num_steps=num_steps)
    trainer = LocalTrainer(network_with(shape, initial_parameters(shape, 0)), SETTINGS)
    for given in get_args(NumSteps):
        footage = dataclasses.replace(FOOTAGE, tubelets=drawn_tubelets(4, 1).last_steps(given))
        if given == num_steps:
            assert np.isfinite(trainer.step(footage, np.random.default_rng(1)))
        else:
            with pytest.raises(ValueError, match=f"expected codes of {num_steps // 2} steps, got {given // 2}"):
                trainer.step(footage, np.random.default_rng(1))


def test_looks_are_made_strange_where_the_empty_scene_is_known() -> None:
    empty = striped_scene()
    plain, known, elsewhere = (
        trained(dataclasses.replace(FOOTAGE, backgrounds=scenes), 5)
        for scenes in ({}, {OPEN: empty, CLOSED: empty}, {OPEN + 1: empty})
    )
    assert all(np.array_equal(plain[name], elsewhere[name]) for name in plain)
    assert any(not np.array_equal(plain[name], known[name]) for name in plain)


def test_step_changes_the_network_and_no_footage() -> None:
    before = {name: array.copy() for name, array in FOOTAGE.tubelets.arrays().items()}
    after = trained(FOOTAGE, 5)
    assert any(not np.array_equal(array, after[name]) for name, array in initial_parameters(SMALL, 0).items())
    for name, array in FOOTAGE.tubelets.arrays().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("label", [LABEL_CONFIRMED, FALSE_ALARM])
def test_camera_of_which_every_tubelet_is_labelled_can_train(label: int) -> None:
    judged = dataclasses.replace(FOOTAGE, tubelets=drawn_tubelets(1, 1, look=Look(label=label)).last_steps(12))
    assert all(np.isfinite(array).all() for array in trained(judged, 1, num_steps=1).values())


def test_confirmed_anomaly_pulls_the_other_way_than_a_false_alarm() -> None:
    footage = [
        dataclasses.replace(FOOTAGE, tubelets=drawn_tubelets(4, 1, look=Look(label=label)).last_steps(12))
        for label in (LABEL_CONFIRMED, FALSE_ALARM)
    ]
    start = initial_parameters(SMALL, 0)["head.2.bias"]
    up, down = (trained(one, 1, num_steps=1)["head.2.bias"] - start for one in footage)
    assert up > 0
    assert up > down


def test_evaluation_counts_what_it_scored_and_changes_nothing() -> None:
    network = network_with(SMALL, initial_parameters(SMALL, 0))
    first, second = (evaluate_held_out(network, FOOTAGE, np.random.default_rng(2)) for _ in range(2))
    assert first.sums.tolist() == second.sums.tolist()
    assert first.num_examples == first.sums[1:, 0].sum() == 12
    assert 0.0 <= first.auc <= 1.0
    assert first.loss == pytest.approx(np.log(2), abs=0.2)


def test_false_alarm_is_drawn_no_more_often_than_other_normal_tubelets_and_a_confirmed_one_is() -> None:
    def share_of(word: int) -> float:
        label = np.array([word] + [0] * 99)
        rng = np.random.default_rng(0)
        return float(
            np.mean(
                [(draw_rows(label, SETTINGS.batch_size, SETTINGS.confirmed_share, rng) == 0).mean() for _ in range(500)]
            )
        )

    assert share_of(FALSE_ALARM) == pytest.approx(0.01, abs=0.006)
    assert share_of(LABEL_CONFIRMED) == pytest.approx(SETTINGS.confirmed_share)


def test_pretraining_teaches_the_heads_and_leaves_what_tells_foreign_alone() -> None:
    network = network_with(SMALL, initial_parameters(SMALL, 0))
    trainer = LocalTrainer(network, dataclasses.replace(SETTINGS, is_pretraining=True))
    rng, before = np.random.default_rng(1), initial_parameters(SMALL, 0)
    losses = [trainer.step(FOOTAGE, rng) for _ in range(30)]
    after = parameters_of(network)
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.1
    for name in (name for name in after if name.startswith(("head.", "lstm."))):
        np.testing.assert_array_equal(after[name], before[name])


def test_heads_learn_beside_the_score() -> None:
    after, before = trained(FOOTAGE, 5), initial_parameters(SMALL, 0)
    for head in SMALL.heads:
        names = [name for name in after if name.startswith(f"heads.{head}.")]
        assert names
        assert any(not np.array_equal(after[name], before[name]) for name in names)


def test_pretraining_without_a_normal_tubelet_is_refused() -> None:
    tubelets = dataclasses.replace(FOOTAGE.tubelets, label=np.full(len(FOOTAGE.tubelets), LABEL_CONFIRMED))
    trainer = LocalTrainer(
        network_with(SMALL, initial_parameters(SMALL, 0)), dataclasses.replace(SETTINGS, is_pretraining=True)
    )
    with pytest.raises(ValueError, match="expected a normal tubelet to pretrain on"):
        trainer.step(dataclasses.replace(FOOTAGE, tubelets=tubelets), np.random.default_rng(0))


def test_proximal_pull_keeps_training_near_where_it_began() -> None:
    """FedProx: with a strong pull the network hardly moves; the first step, taken at no distance, is the same."""
    distances, first = [], []
    for proximal_mu in (0.0, 100.0):
        parameters = initial_parameters(SMALL, 0)
        network = network_with(SMALL, parameters)
        trainer, rng = LocalTrainer(network, TrainingSettings(proximal_mu=proximal_mu)), np.random.default_rng(4)
        trainer.step(FOOTAGE, rng)
        first.append(parameters_of(network))
        for _ in range(5):
            trainer.step(FOOTAGE, rng)
        trained = parameters_of(network)
        distances.append(sum(float(np.square(trained[name] - array).sum()) for name, array in parameters.items()))
    assert all((first[0][name] == array).all() for name, array in first[1].items())
    assert distances[1] < 0.5 * distances[0]


@pytest.mark.parametrize("proximal_mu", [0.0, 1.0])
def test_only_the_parts_to_be_trained_move(proximal_mu: float) -> None:
    start = initial_parameters(SMALL, 0)
    network = network_with(SMALL, start)
    parts: frozenset[Part] = frozenset({"film", "heads"})
    settings = dataclasses.replace(SETTINGS, parts=parts, proximal_mu=proximal_mu)
    trainer, rng = LocalTrainer(network, settings), np.random.default_rng(4)
    for _ in range(3):
        trainer.step(FOOTAGE, rng)
    moved = {name for name, array in parameters_of(network).items() if array.tobytes() != start[name].tobytes()}
    assert moved == set(only(start, parts))
