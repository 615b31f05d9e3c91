"""The local grid with real worker processes: same result for any number, and no hang when one fails."""

import dataclasses
import hashlib
import os
from pathlib import Path

import psutil
import pytest
from flwr.app import Message, MetricRecord, RecordDict

from fl_client.client_app import TRAINER, TRAINER_PROCESS
from fl_server.errors import RoundError
from fl_server.rounds.checkpoint import TrainingState
from fl_server.rounds.server_optimizer import ServerOptimizer
from fl_server.strategy import RoundSettings, evaluate, run_round
from model_zoo.architecture import NumSteps, empty_fleet_normality
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters
from simulation.federation import CLIENT_APP, local_grid
from simulation.local_grid import CLIENT_FAILED, FIRST_NODE_ID, LocalGrid
from tests.fakes.grid_clients import PRIVATE
from tests.fakes.tubelet_sites import fill_site

CLIENTS = "tests.fakes.grid_clients"
PATIENCE_S = 180.0


def grid_of(app: str, num_nodes: int, num_workers: int) -> LocalGrid:
    return LocalGrid(f"{CLIENTS}:{app}", [{"number": index} for index in range(num_nodes)], num_workers)


def ask_all(grid: LocalGrid) -> dict[int, Message]:
    """Every node's reply to an empty training message."""
    messages = [Message(RecordDict(), dst_node_id=node, message_type="train") for node in grid.get_node_ids()]
    replies = list(grid.send_and_receive(messages, timeout=PATIENCE_S))
    return {reply.metadata.src_node_id: reply for reply in replies}


def facts_of(reply: Message) -> dict[str, object]:
    record = reply.content["facts"]
    assert isinstance(record, MetricRecord)
    return dict(record)


def test_each_node_is_asked_with_its_own_configuration_and_stays_with_its_worker() -> None:
    with grid_of("answering", num_nodes=5, num_workers=2) as grid:
        pids = grid.worker_pids
        for _ in range(2):
            replies = ask_all(grid)
            assert {node: facts_of(reply) for node, reply in replies.items()} == {
                FIRST_NODE_ID + number: {"number": number, "pid": pids[number % 2]} for number in range(5)
            }
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_grid_without_workers_serves_its_nodes_in_this_process() -> None:
    with grid_of("answering", num_nodes=3, num_workers=0) as grid:
        assert grid.worker_pids == []
        replies = ask_all(grid)
    numbers = {FIRST_NODE_ID + number: {"number": number, "pid": os.getpid()} for number in range(3)}
    assert {node: facts_of(reply) for node, reply in replies.items()} == numbers


@pytest.mark.parametrize("num_workers", [0, 1])
def test_client_app_that_raises_is_an_error_reply_without_a_word_of_the_exception(num_workers: int) -> None:
    with grid_of("raising", num_nodes=2, num_workers=num_workers) as grid:
        replies = ask_all(grid)
    assert len(replies) == 2
    for reply in replies.values():
        assert (reply.error.code, reply.error.reason) == (CLIENT_FAILED, "the ClientApp raised")
        assert PRIVATE not in str(reply)


def test_worker_that_dies_gives_error_replies_for_its_nodes_and_others_go_on() -> None:
    with grid_of("dying", num_nodes=4, num_workers=2) as grid:
        for _ in range(2):
            replies = ask_all(grid)
            assert len(replies) == 4
            failed = {node - FIRST_NODE_ID: reply.error for node, reply in replies.items() if reply.has_error()}
            assert set(failed) == {0, 2}
            assert {error.reason for error in failed.values()} == {"the worker process died"}


@pytest.fixture(scope="module")
def site_dirs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three sites with a few tubelets each."""
    return [fill_site(tmp_path_factory.mktemp(f"site{index}"), index) for index in range(3)]


def digest_after_two_rounds(site_dirs: list[Path], num_workers: int) -> str:
    settings = RoundSettings(seed=3, num_steps=1, is_conditioned=True, min_sites=3, deadline_s=PATIENCE_S)
    state = TrainingState(initial_parameters(FilmLstmShape(), 3), empty_fleet_normality(), ServerOptimizer(), 0)
    with local_grid(site_dirs, num_workers) as grid:
        for _ in range(2):
            state, report = run_round(grid, sorted(grid.get_node_ids()), state, settings)
            auc = evaluate(grid, sorted(grid.get_node_ids()), state, settings)
            assert (report.num_survivors, auc is not None) == (3, True)
    parameters = b"".join(array.tobytes() for array in state.parameters.values())
    return hashlib.sha256(parameters + state.normality.tobytes()).hexdigest()


@pytest.mark.parametrize("tubelet_steps", [8, 16])
def test_sites_train_the_number_of_steps_that_the_coordinator_says(
    site_dirs: list[Path], tubelet_steps: NumSteps
) -> None:
    settings = RoundSettings(seed=3, num_steps=1, is_conditioned=True, min_sites=3, deadline_s=PATIENCE_S)
    parameters = initial_parameters(FilmLstmShape(), 3)
    start = TrainingState(parameters, empty_fleet_normality(), ServerOptimizer(), 0, tubelet_steps)
    with local_grid(site_dirs, 1) as grid:
        state, report = run_round(grid, sorted(grid.get_node_ids()), start, settings)
        auc = evaluate(grid, sorted(grid.get_node_ids()), state, settings)
        assert (state.tubelet_steps, report.num_survivors, auc is not None) == (tubelet_steps, 3, True)
        impossible = dataclasses.replace(start, tubelet_steps=10)  # type: ignore[arg-type]  # sites must refuse it
        with pytest.raises(RoundError, match="round 1: training: expected at least 3 of 3 sites, got 0"):
            run_round(grid, sorted(grid.get_node_ids()), impossible, settings)


def test_number_of_workers_changes_no_bit_of_the_result(site_dirs: list[Path]) -> None:
    assert digest_after_two_rounds(site_dirs, 1) == digest_after_two_rounds(site_dirs, 2)


def test_box_on_a_roster_gives_nothing_outside_masks(site_dirs: list[Path]) -> None:
    settings = RoundSettings(seed=3, num_steps=1, is_conditioned=True, min_sites=2, deadline_s=PATIENCE_S)
    start = TrainingState(initial_parameters(FilmLstmShape(), 3), empty_fleet_normality(), ServerOptimizer(), 0)
    with (
        LocalGrid(
            CLIENT_APP,
            [{"state": str(site_dirs[0]), TRAINER: TRAINER_PROCESS}, {"state": str(site_dirs[1])}],
            1,
        ) as grid,
        pytest.raises(RoundError, match="round 1: training: expected at least 2 of 2 sites, got 0"),
    ):
        run_round(grid, sorted(grid.get_node_ids()), start, settings)
