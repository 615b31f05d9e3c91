"""The network: every row on its own, and the context heard or not."""

import dataclasses
from typing import Literal

import numpy as np
import pytest
import torch

from model_zoo.architecture import STEPS_READ
from model_zoo.backbones.film_lstm import FilmLstm, FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters, network_with, parameters_of
from model_zoo.perception.tubelet import NUM_STEPS, Tubelets
from tests.fakes.networks import untrained_network
from tests.fakes.tubelets import CLOSED, OPEN, Look, drawn_tubelets

SMALL = FilmLstmShape(channels=(4, 8, 8, 12), condition_size=8, lstm_size=16)


def scores(network: FilmLstm, tubelets: Tubelets, camera: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Scores whole tubelets, step after step."""
    rows = len(tubelets)
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


def test_only_the_steps_that_are_read_count(tubelets: Tubelets) -> None:
    changed = tubelets.select(np.arange(len(tubelets)))
    unread = sorted(set(range(NUM_STEPS)) - set(range(NUM_STEPS)[STEPS_READ]))
    assert NUM_STEPS - 1 not in unread
    changed.crops[:, unread], changed.motion[:, unread] = 0, 9.0
    network = untrained_network()
    np.testing.assert_array_equal(scores(network, changed), scores(network, tubelets))


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
