"""The training state as a file: read back bit for bit, or refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from fl_server.errors import CheckpointError
from fl_server.rounds.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer
from fl_server.rounds.update_bounds import RoundTerms, UpdateBounds

STATE = TrainingState(
    {"conv.weight": (np.arange(12).reshape(3, 4) / 7).astype(np.float32), "bias": np.array([1.0], dtype=np.float32)},
    np.random.default_rng(0).normal(size=20),
    ServerOptimizer(velocity={"conv.weight": np.full((3, 4), 0.1, dtype=np.float32)}),
    11,
    16,
)
BOUNDS = UpdateBounds(
    max_norm=1 / 3,
    max_examples=412,
    terms=RoundTerms(num_steps=16, proximal_mu=0.1, trained_parts="all", personal_parts="none", first_noisy_norm=0.7),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "training.npz"
    save_checkpoint(STATE, target)
    return target


def test_state_is_read_back_bit_for_bit_and_in_order(path: Path) -> None:
    again = load_checkpoint(path, ServerOptimizer(server_lr=0.3, momentum=0.9))
    assert list(again.parameters) == list(STATE.parameters)
    for name, array in STATE.parameters.items():
        assert (again.parameters[name].tobytes(), again.parameters[name].dtype) == (array.tobytes(), array.dtype)
    assert again.normality.tobytes() == STATE.normality.tobytes()
    assert (again.round_number, again.tubelet_steps) == (11, 16)
    np.testing.assert_array_equal(again.optimizer.velocity["conv.weight"], STATE.optimizer.velocity["conv.weight"])
    assert (again.optimizer.server_lr, again.optimizer.momentum) == (0.3, 0.9)


def test_bounds_for_the_next_round_are_read_back(path: Path) -> None:
    save_checkpoint(dataclasses.replace(STATE, bounds=BOUNDS), path)
    assert load_checkpoint(path, ServerOptimizer()).bounds == BOUNDS


def test_state_from_before_bounds_were_kept_is_read_without(path: Path) -> None:
    with np.load(path) as archive:
        assert "update_bounds" not in archive.files
    assert load_checkpoint(path, ServerOptimizer()).bounds is None


@pytest.mark.parametrize(
    "bounds",
    [
        np.str_(BOUNDS.model_dump_json().replace('"max_examples":412', '"max_examples":0')),
        np.str_(BOUNDS.model_dump_json().replace('"max_norm":0.3333333333333333', '"max_norm":2e9')),
        np.str_(BOUNDS.model_dump_json()[:-1]),
        np.float64(0.5),
    ],
)
def test_bounds_that_no_round_can_be_told_are_refused(path: Path, bounds: np.generic) -> None:
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(path, allow_pickle=False, **(arrays | {"update_bounds": bounds}))
    with pytest.raises(CheckpointError, match=r"training\.npz: missing or damaged training state$"):
        load_checkpoint(path, ServerOptimizer())


def test_file_cut_off_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 23):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError) as error:
            load_checkpoint(path, ServerOptimizer())
        assert str(error.value) == f"{path}: missing or damaged training state"


def test_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nothing\.npz: missing or damaged training state$"):
        load_checkpoint(tmp_path / "nothing.npz", ServerOptimizer())


@pytest.mark.parametrize("version", [2, 4])
def test_other_schema_is_refused(path: Path, version: int) -> None:
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(path, allow_pickle=False, **(arrays | {"schema_version": np.int64(version)}))
    with pytest.raises(CheckpointError, match=rf"training\.npz: expected schema 3, got {version}$"):
        load_checkpoint(path, ServerOptimizer())


def test_training_of_a_number_of_steps_that_no_network_looks_at_is_refused(path: Path) -> None:
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(path, allow_pickle=False, **(arrays | {"tubelet_steps": np.int64(10)}))
    with pytest.raises(CheckpointError, match=r"training\.npz: missing or damaged training state$"):
        load_checkpoint(path, ServerOptimizer())


def test_single_array_in_the_place_of_an_archive_is_refused(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(CheckpointError, match=r"missing or damaged"):
        load_checkpoint(path, ServerOptimizer())


def test_saving_replaces_the_old_state_and_leaves_no_other_file(path: Path) -> None:
    save_checkpoint(TrainingState(STATE.parameters, STATE.normality, STATE.optimizer, 12), path)
    assert load_checkpoint(path, ServerOptimizer()).round_number == 12
    assert [entry.name for entry in path.parent.iterdir()] == ["training.npz"]
