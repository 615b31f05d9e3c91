"""The network: every row on its own, and the context heard or not."""

import dataclasses
from typing import Literal

import numpy as np
import pytest
import torch

from model_zoo.architecture import STEPS_READ, NumSteps
from model_zoo.backbones.film_lstm import FilmLstm, FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters, network_with, parameters_of
from model_zoo.perception.tubelet import NUM_STEPS, Tubelets
from tests.fakes.networks import untrained_network
from tests.fakes.tubelets import CLOSED, OPEN, Look, drawn_tubelets

SMALL = FilmLstmShape(channels=(4, 8, 8, 12), condition_size=8, lstm_size=16)
READ_BY_NUM_STEPS: dict[NumSteps, list[int]] = {
    8: [9, 11, 13, 15],
    12: [5, 7, 9, 11, 13, 15],
    16: [1, 3, 5, 7, 9, 11, 13, 15],
}


def scores(network: FilmLstm, tubelets: Tubelets, camera: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Scores whole tubelets, step after step."""
    rows, tubelets = len(tubelets), tubelets.last_steps(network.shape.num_steps)
    with torch.inference_mode():
        condition = network.condition(
            torch.from_numpy(tubelets.context),
            torch.from_numpy(tubelets.zone_kind),
            torch.full((rows,), camera, dtype=torch.int64),
        )
        crops = torch.from_numpy(tubelets.crops[:, STEPS_READ]).float() / 255
        codes = [network.code(network.features(crops[:, step, None]), condition) for step in range(crops.shape[1])]
        motion = torch.from_numpy(tubelets.motion[:, STEPS_READ])
        return network.score(torch.stack(codes, dim=1), motion, condition).numpy()


@pytest.fixture(scope="module")
def tubelets() -> Tubelets:
    return drawn_tubelets(5, seed=1, look=Look(spread=0.5))


def test_score_of_a_tubelet_does_not_depend_on_its_batch(tubelets: Tubelets) -> None:
    network = untrained_network()
    alone = [scores(network, tubelets.select(np.array([row])))[0] for row in range(len(tubelets))]
    np.testing.assert_allclose(scores(network, tubelets), alone, atol=1e-5)
    assert len(set(np.round(alone, 5).tolist())) == len(tubelets)


@pytest.mark.parametrize("what", ["state", "zone", "camera"])
def test_conditioned_network_hears_state_zone_and_camera_and_the_blind_one_none(tubelets: Tubelets, what: str) -> None:
    elsewhere = drawn_tubelets(
        5, seed=1, state=CLOSED if what == "state" else OPEN, look=Look(spread=0.5, zone_kind=int(what == "zone"))
    )
    camera = int(what == "camera")
    conditioned, blind = network_with(SMALL, initial_parameters(SMALL, 0)), untrained_network(is_conditioned=False)
    assert np.abs(scores(conditioned, elsewhere, camera) - scores(conditioned, tubelets)).max() > 1e-4
    np.testing.assert_array_equal(scores(blind, elsewhere, camera), scores(blind, tubelets))


@pytest.mark.parametrize(("num_steps", "read"), READ_BY_NUM_STEPS.items())
def test_only_the_steps_that_are_read_count(tubelets: Tubelets, num_steps: NumSteps, read: list[int]) -> None:
    shape = dataclasses.replace(SMALL, num_steps=num_steps)
    network = network_with(shape, initial_parameters(shape, 0))
    counting = []
    for step in range(NUM_STEPS):
        changed = tubelets.select(np.arange(len(tubelets)))
        changed.crops[:, step], changed.motion[:, step] = 0, 9.0
        if (scores(network, changed) != scores(network, tubelets)).any():
            counting.append(step)
    assert counting == read


def test_number_of_steps_that_no_network_looks_at_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^expected 8, 12 or 16 steps of a tubelet, got 10$"):
        FilmLstmShape(num_steps=10)  # type: ignore[arg-type]  # the point of the test


def test_codes_of_more_steps_than_are_read_and_tubelets_of_fewer_are_refused(tubelets: Tubelets) -> None:
    network = untrained_network(num_steps=8)
    codes, motion = torch.zeros(1, 6, network.shape.code_size), torch.zeros(1, 6, network.shape.num_motion)
    with pytest.raises(ValueError, match=r"^expected codes of 4 steps, got 6$"):
        network.score(codes, motion, torch.zeros(1, network.shape.condition_size))
    with pytest.raises(ValueError, match=r"^expected tubelets of at least 12 steps, got 8$"):
        tubelets.last_steps(8).last_steps(12)


def test_parameters_survive_the_way_through_arrays() -> None:
    parameters = initial_parameters(SMALL, 3)
    again = parameters_of(network_with(SMALL, parameters))
    assert list(again) == list(parameters)
    for name, array in parameters.items():
        np.testing.assert_array_equal(again[name], array)
        assert array.dtype == np.float32


def test_initial_parameters_are_those_of_the_seed_and_leave_torchs_own_stream_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, second, other = (initial_parameters(SMALL, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["conv1.weight"], other["conv1.weight"])


def test_network_shares_no_memory_with_the_arrays_it_came_from() -> None:
    parameters = initial_parameters(SMALL, 0)
    network = network_with(SMALL, parameters)
    with torch.no_grad():
        network.conv1.bias.add_(1.0)  # type: ignore[union-attr]  # it has one
    assert not parameters["conv1.bias"].any()
    assert parameters_of(network)["conv1.bias"].tolist() == [1.0] * 4


def test_parameters_of_another_shape_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"size mismatch for conv1\.weight"):
        network_with(FilmLstmShape(), initial_parameters(SMALL, 0))


@pytest.mark.parametrize(("conditioning", "matters"), [("film", True), ("concatenation", True), ("none", False)])
def test_context_matters_as_it_is_brought_in(
    conditioning: Literal["film", "concatenation", "none"], matters: bool
) -> None:
    shape = dataclasses.replace(SMALL, conditioning=conditioning)
    network = network_with(shape, initial_parameters(shape, 0)).eval()
    codes, motion = torch.randn(1, 6, shape.code_size), torch.randn(1, 6, shape.num_motion)
    nowhere = torch.zeros(1, dtype=torch.int64)
    with torch.inference_mode():
        scores = [
            network.score(codes, motion, network.condition(torch.full((1, shape.num_context), value), nowhere, nowhere))
            for value in (-1.0, 1.0)
        ]
    assert (scores[0].item() != scores[1].item()) is matters
    assert any(name.startswith("films.") for name in initial_parameters(shape, 0)) is (conditioning == "film")
