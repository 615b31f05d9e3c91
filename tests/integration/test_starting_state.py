"""Where a training run starts, and what it refuses to go on from."""

import dataclasses
from pathlib import Path

import pydantic
import pytest

from fl_server.errors import StartError
from fl_server.rounds.checkpoint import load_checkpoint, save_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer
from fl_server.run_options import RunOptions
from fl_server.starting_state import CHECKPOINT_FILE
from fl_server.storage import open_storage
from fl_server.training_run import train_and_publish
from model_zoo.default import DEFAULT_CHECKPOINT
from tests.fakes.site_fleet import SiteFleet


def refusal(folder: Path, tubelet_steps: int = 12, *, is_conditioned: bool = True) -> str:
    given = {"tubelet-steps": tubelet_steps, "state": folder, "min-sites": 1, "conditioned": is_conditioned}
    options = RunOptions.model_validate(given)
    storage = open_storage(None, folder)
    try:
        with pytest.raises(StartError) as error:
            train_and_publish(SiteFleet({}), options, storage)
    finally:
        storage.close()
    return str(error.value)


def test_training_of_another_number_of_steps_is_not_gone_on_with(tmp_path: Path) -> None:
    save_checkpoint(load_checkpoint(DEFAULT_CHECKPOINT, ServerOptimizer()), tmp_path / CHECKPOINT_FILE)
    assert refusal(tmp_path, 16) == f"{tmp_path / CHECKPOINT_FILE}: expected tubelet-steps 16, got 12"


def test_model_that_ships_is_no_start_for_another_number_of_steps(tmp_path: Path) -> None:
    assert refusal(tmp_path, 8) == f"{DEFAULT_CHECKPOINT}: expected tubelet-steps 8, got 12"


def test_parameters_of_another_network_are_refused_before_a_round_begins(tmp_path: Path) -> None:
    said = "expected parameters of a network blind to contexts, of this version; got others"
    assert refusal(tmp_path, is_conditioned=False) == f"{DEFAULT_CHECKPOINT}: {said}"
    shipped = load_checkpoint(DEFAULT_CHECKPOINT, ServerOptimizer())
    fewer = {name: array for name, array in shipped.parameters.items() if name != "head.2.bias"}
    save_checkpoint(dataclasses.replace(shipped, parameters=fewer), tmp_path / CHECKPOINT_FILE)
    assert refusal(tmp_path).startswith(f"{tmp_path / CHECKPOINT_FILE}: expected parameters of a network that knows")


def test_number_of_steps_that_no_network_looks_at_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="Input should be 8, 12 or 16"):
        RunOptions.model_validate({"tubelet-steps": 10})
