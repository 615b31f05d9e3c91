"""Masked rounds through the real ClientApp, trainers and worker processes give what plain rounds give."""

import datetime as dt
import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, Message, RecordDict

from fl_protocol import records
from fl_protocol.messages import ClosedRound
from fl_server.rounds.checkpoint import TrainingState
from fl_server.rounds.server_optimizer import server_optimizer
from fl_server.run_options import RunOptions
from fl_server.secure_rounds import SecureRounds, SecureRun
from fl_server.secure_strategy import SecureStrategy
from fl_server.storage import open_storage
from fl_server.storage.trainings import take_lease, want_training
from fl_server.strategy import HeldOut, PlainStrategy, RoundReport, RoundSettings
from fl_server.training_run import TrainingRun
from model_zoo.architecture import empty_fleet_normality
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters
from simulation.federation import local_grid
from tests.fakes.secure_sites import secure_nodes, secure_parts
from tests.fakes.site_fleet import SiteFleet
from tests.fakes.tubelet_sites import enrolled_run, fill_site

SETTINGS = RoundSettings(seed=3, num_steps=2, is_conditioned=True, min_sites=3, deadline_s=120.0)
NUM_ROUNDS = 2


@pytest.fixture(scope="module")
def site_dirs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three sites with equally many tubelets: in the first masked round all count alike."""
    return [fill_site(tmp_path_factory.mktemp(f"site{index}"), index) for index in range(3)]


@pytest.fixture(scope="module")
def run(site_dirs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> SecureRun:
    return enrolled_run(site_dirs, tmp_path_factory.mktemp("roster"))


def first_state() -> TrainingState:
    parameters = initial_parameters(FilmLstmShape(), 3)
    return TrainingState(parameters, empty_fleet_normality(), server_optimizer("fedavg"), 0)


def masked(site_dirs: list[Path], run: SecureRun, num_workers: int) -> tuple[TrainingState, list[RoundReport], HeldOut]:
    state, reports = first_state(), list[RoundReport]()
    with local_grid(site_dirs, num_workers) as grid:
        rounds = SecureRounds(grid, run, lambda newest: newest + 1, deadline_s=SETTINGS.deadline_s)
        rounds.set_up()
        strategy = SecureStrategy(rounds, SETTINGS)
        for _ in range(NUM_ROUNDS):
            state, report = strategy.run_round(state)
            reports.append(report)
        held_out = strategy.evaluate(state)
    assert held_out is not None
    return state, reports, held_out


def test_masked_rounds_give_what_plain_rounds_give(site_dirs: list[Path], run: SecureRun) -> None:
    plain, plain_reports, plain_aucs = first_state(), list[RoundReport](), list[float]()
    with local_grid(site_dirs, 2) as grid:
        strategy = PlainStrategy(grid, SETTINGS)
        for _ in range(NUM_ROUNDS):
            plain, report = strategy.run_round(plain)
            plain_reports.append(report)
            told = strategy.evaluate(plain)
            assert told is not None
            plain_aucs.append(told.auc)
    state, reports, last = masked(site_dirs, run, 2)
    moved = _distance(plain, first_state())
    assert _distance(state, plain) < 0.2 * moved  # three sites' rounding, and what the second round makes of it: 0.11
    np.testing.assert_allclose(state.normality, plain.normality, rtol=1e-4, atol=1e-3)
    for secure, open_ in zip(reports, plain_reports, strict=True):
        assert (secure.round_number, secure.num_survivors) == (open_.round_number, open_.num_survivors)
        assert secure.loss == pytest.approx(open_.loss, rel=0.01)
    told_later = [reports[1].before, last]  # a round tells of the model it began with
    assert [one and one.auc for one in told_later] == pytest.approx(plain_aucs, abs=0.1)
    assert last.auc_by_state == {"open": last.auc}


def test_nothing_leaves_a_site_in_clear_and_a_refusal_says_nothing_of_it(
    site_dirs: list[Path], run: SecureRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One site is asked for the next keys with rubbish: its shares go out all the same."""
    seen, spoilt = list[Message](), list[str]()
    with local_grid(site_dirs, 1) as grid:
        push, pull = grid.push_messages, grid.pull_messages

        def pushed(messages: Iterable[Message]) -> Iterable[str]:
            sent = list(messages)
            if sent and sent[0].metadata.message_type == f"query.{records.UNMASK}":
                asked = secure_parts(sent[0]) | {records.KEYS_REQUEST: b"rubbish"}
                parts = {name: Array(part) for name, part in records.byte_arrays(asked).items()}
                sent[0].content[records.SECURE] = ArrayRecord(parts)
                spoilt.append(str(sent[0].metadata.dst_node_id))
            return push(sent)

        def pulled(message_ids: Iterable[str]) -> Iterable[Message]:
            replies = list(pull(message_ids))
            seen.extend(replies)
            return replies

        monkeypatch.setattr(grid, "push_messages", pushed)
        monkeypatch.setattr(grid, "pull_messages", pulled)
        rounds = SecureRounds(grid, run, lambda newest: newest + 1, deadline_s=SETTINGS.deadline_s)
        rounds.set_up()
        SecureStrategy(rounds, SETTINGS).run_round(first_state())
        rubbish = ArrayRecord(
            {name: Array(part) for name, part in records.byte_arrays({records.REQUEST: b"x"}).items()}
        )
        node_id = next(iter(grid.get_node_ids()))
        message = Message(RecordDict({records.SECURE: rubbish}), dst_node_id=node_id, message_type="query.keys")
        (refusal,) = grid.send_and_receive([message], timeout=60.0)
    assert {message.metadata.message_type for message in seen} == {
        "query.set_up",
        "query.keys",
        "train.masked",
        "query.unmask",
    }
    assert spoilt
    for reply in seen[:-1]:
        assert list(reply.content) == [records.SECURE]
        parts = set(secure_parts(reply))
        is_unmask = reply.metadata.message_type == "query.unmask" and str(reply.metadata.src_node_id) not in spoilt
        assert parts == {records.ANSWER} | ({records.KEYS_ANSWER} if is_unmask else set())
    assert (refusal.error.reason, refusal.has_content()) == ("site not ready", False)


def test_number_of_workers_changes_no_bit_of_a_masked_result(site_dirs: list[Path], run: SecureRun) -> None:
    assert _digest(masked(site_dirs, run, 1)[0]) == _digest(masked(site_dirs, run, 3)[0])


def test_last_evaluation_that_fails_keeps_no_model_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    nodes, run = secure_nodes(tmp_path, 3)
    for node in nodes.values():
        node.failing = {"set_up"}
    rounds = SecureRounds(SiteFleet(dict(nodes)), run, lambda newest: newest + 1, deadline_s=0.1)
    storage = open_storage(None, tmp_path / "state")
    lease = take_lease(storage, want_training(storage, 1, {}).training_id)
    closed = ClosedRound(
        training_id=lease.training_id,
        round_number=1,
        closed_utc=dt.datetime.now(dt.UTC),
        num_sites=3,
        loss=0.5,
        auc=None,
        bytes_up=1,
    )
    with caplog.at_level(logging.WARNING):
        TrainingRun(SiteFleet({}), RunOptions(), storage, lease).evaluate(
            SecureStrategy(rounds, SETTINGS), first_state(), closed
        )
    storage.close()
    assert [record.message for record in caplog.records if record.name == "fl_server.training_run"] == [
        "model not evaluated"
    ]


def _distance(one: TrainingState, other: TrainingState) -> float:
    pairs = [(array, other.parameters[name]) for name, array in one.parameters.items()]
    return float(np.sqrt(sum(np.square(a - b).sum() for a, b in pairs)))


def _digest(state: TrainingState) -> str:
    parameters = b"".join(array.tobytes() for array in state.parameters.values())
    return hashlib.sha256(parameters + state.normality.tobytes()).hexdigest()
