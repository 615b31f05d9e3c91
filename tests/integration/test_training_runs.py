"""Runs of a training over one database: killed, fenced off, tried again, published."""

import dataclasses
import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Error, Message

from fl_server.errors import FencedError, RoundError, StartError
from fl_server.rounds.checkpoint import TrainingState, load_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer
from fl_server.run_options import RunOptions
from fl_server.starting_state import starting_state
from fl_server.storage import Storage, open_storage
from fl_server.storage.models import latest_model
from fl_server.storage.rounds import list_rounds
from fl_server.storage.tables import TrainingRow
from fl_server.storage.trainings import (
    find_training,
    finish_training,
    list_trainings,
    take_lease,
    want_training,
)
from fl_server.strategy import HeldOut, PlainStrategy, RoundReport, RoundSettings
from fl_server.training_run import TrainingRun, train_and_publish
from model_zoo.default import DEFAULT_CHECKPOINT
from tests.fakes.site_fleet import Answer, Contribution, SiteFleet, answering

SHIPPED = load_checkpoint(DEFAULT_CHECKPOINT, ServerOptimizer())


def contribution(number: int) -> Contribution:
    """A small update of the network that ships."""
    rng = np.random.default_rng(number)
    update = {
        name: (1e-3 * rng.standard_normal(array.shape)).astype(np.float32) for name, array in SHIPPED.parameters.items()
    }
    return Contribution(update, SHIPPED.normality, num_examples=10 + number, tubelet_steps=SHIPPED.tubelet_steps)


SITES: dict[int, Answer] = {101 + number: answering(contribution(number)) for number in range(3)}


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = open_storage(None, tmp_path)
    yield opened
    opened.close()


def options(folder: Path, **given: object) -> RunOptions:
    usual = {"state": folder, "min-sites": 2, "deadline-s": 30.0}
    return RunOptions.model_validate(usual | {name.replace("_", "-"): value for name, value in given.items()})


def wanted(storage: Storage, num_rounds: int) -> str:
    return want_training(storage, num_rounds, {}).training_id


class KilledError(Exception):
    """The process ends here."""


def killed_at(message_type: str, at: int) -> SiteFleet:
    """A fleet whose coordinator is killed when the first site is asked for the ``at``-th time."""
    asked = 0

    def answer(message: Message) -> Message | None:
        nonlocal asked
        asked += message.metadata.message_type == message_type
        if asked == at:
            raise KilledError
        return SITES[101](message)

    return SiteFleet(SITES | {101: answer})


def digest_of(state: TrainingState) -> str:
    """Of the parameters: pytest takes minutes to tell two different networks apart."""
    return hashlib.sha256(b"".join(array.tobytes() for array in state.parameters.values())).hexdigest()


def trained(folder: Path, *grids: SiteFleet) -> tuple[str, str]:
    """Digests of the model and of the parameters after four rounds, by runs of which all but the last are killed."""
    storage = open_storage(None, folder)
    given = options(folder, training=wanted(storage, 4))
    for grid in grids[:-1]:
        with pytest.raises(KilledError):
            train_and_publish(grid, given, storage)
    train_and_publish(grids[-1], given, storage)
    assert sorted(one.round_number for one in list_rounds(storage, 100)) == [1, 2, 3, 4]
    training, published = find_training(storage, given.training), latest_model(storage)
    assert (training.status, training.num_committed) == ("done", 4)
    state = starting_state(given, storage)
    storage.close()
    assert published is not None
    return published.digest, digest_of(state)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What one run gives that nobody kills."""
    return trained(tmp_path_factory.mktemp("whole"), SiteFleet(SITES))


@pytest.mark.parametrize("kill", [("train", 1), ("train", 3), ("evaluate", 2)])
def test_killed_run_is_gone_on_with_at_the_open_round_and_ends_with_the_same_model(
    tmp_path: Path, kill: tuple[str, int], undisturbed: tuple[str, str]
) -> None:
    assert trained(tmp_path, killed_at(*kill), killed_at("train", 2), SiteFleet(SITES)) == undisturbed


def test_run_that_finds_all_rounds_committed_publishes_and_asks_nobody(tmp_path: Path, storage: Storage) -> None:
    given = options(tmp_path, training=wanted(storage, 2))
    train_and_publish(SiteFleet(SITES), given, storage)
    published = latest_model(storage)
    storage_again = open_storage(None, tmp_path)
    _reopen(storage_again, given.training)
    grid = SiteFleet(SITES)
    train_and_publish(grid, given, storage_again)
    assert not grid.sent
    assert latest_model(storage_again) == published
    assert find_training(storage_again, given.training).status == "done"
    storage_again.close()


def _reopen(storage: Storage, training_id: str) -> None:
    """As if the run had been killed between its last round and the publication."""
    finish_training(storage, take_lease(storage, training_id), failure="killed")
    with storage.writing() as session:
        session.query(TrainingRow).filter_by(training_id=training_id).update({"status": "wanted", "reason": None})


def test_older_of_two_runs_is_fenced_off_and_stores_nothing(
    tmp_path: Path, storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    given = options(tmp_path, training=wanted(storage, 3))
    caplog.set_level(logging.ERROR)

    def another_run_begins(message: Message) -> Message | None:
        if message.metadata.message_type == "train" and len(list_rounds(storage, 100)) == 1:
            newer.append(1)
            if len(newer) == 1:
                train_and_publish(SiteFleet(SITES), given, storage)
        return SITES[101](message)

    newer: list[int] = []
    with pytest.raises(FencedError, match="expected lease 1 to be the newest, got 2"):
        train_and_publish(SiteFleet(SITES | {101: another_run_begins}), given, storage)
    assert sorted(one.round_number for one in list_rounds(storage, 100)) == [1, 2, 3]
    assert find_training(storage, given.training).num_committed == 3
    assert [record.message for record in caplog.records] == ["another run has taken over"]


def failing(times: int) -> Callable[[Message], Message | None]:
    """A site that fails so many times before it works."""
    left = [times]

    def answer(message: Message) -> Message | None:
        if message.metadata.message_type == "train" and left[0]:
            left[0] -= 1
            return Message(Error(code=1000, reason="not ready"), reply_to=message)
        return SITES[101](message)

    return answer


def test_round_that_fails_is_tried_again_and_stragglers_are_left_out(
    tmp_path: Path, storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    grid = SiteFleet({101: failing(1), 102: SITES[102], 103: lambda _: None})
    with caplog.at_level(logging.WARNING):
        train_and_publish(grid, options(tmp_path, num_rounds=2, retries=1, deadline_s=1.0), storage)
    assert [(one.round_number, one.num_sites) for one in list_rounds(storage, 100)] == [(2, 2), (1, 2)]
    (failed,) = (record for record in caplog.records if record.message == "round failed; it is tried again")
    assert vars(failed)["reason"].startswith("round 1: training: expected at least 2 of 3 sites, got 1")


def test_round_that_fails_too_often_ends_the_run_and_earlier_ones_stay(tmp_path: Path, storage: Storage) -> None:
    given = options(tmp_path, training=wanted(storage, 2), retries=0)
    with pytest.raises(RoundError, match="round 1: training: expected at least 2 of 2 sites, got 0"):
        train_and_publish(SiteFleet({101: failing(1), 102: SITES[102]}), given, storage)
    assert find_training(storage, given.training).status == "wanted"  # whoever started the run may start another
    own = options(tmp_path, retries=0)
    with pytest.raises(RoundError, match="round 1: training"):
        train_and_publish(SiteFleet({101: failing(1), 102: SITES[102]}), own, storage)
    (newest, _) = list_trainings(storage, 10)
    assert (newest.is_supervised, newest.status) == (False, "failed")
    assert (newest.reason or "").startswith("round 1: training: expected at least 2 of 2 sites, got 0")


def test_trainings_that_take_turns_go_on_with_one_model(tmp_path: Path, storage: Storage) -> None:
    given = options(tmp_path, training=wanted(storage, 4))
    with pytest.raises(KilledError):
        train_and_publish(killed_at("train", 3), given, storage)
    train_and_publish(SiteFleet(SITES), options(tmp_path, num_rounds=2), storage)
    train_and_publish(SiteFleet(SITES), given, storage)
    assert find_training(storage, given.training).status == "done"
    numbers = {one.round_number: one.training_id == given.training for one in list_rounds(storage, 100)}
    assert numbers == {1: True, 2: True, 3: False, 4: False, 5: True, 6: True}


def test_site_that_never_evaluates_undoes_no_round(tmp_path: Path, storage: Storage) -> None:
    def only_trains(message: Message) -> Message | None:
        return SITES[101](message) if message.metadata.message_type == "train" else None

    grid = SiteFleet({101: only_trains, 102: SITES[102]})
    train_and_publish(grid, options(tmp_path, num_rounds=1, deadline_s=1.0), storage)
    assert [one.round_number for one in list_rounds(storage, 100)] == [1]
    assert [one.status for one in list_trainings(storage, 10)] == ["done"]


class TellingBefore(PlainStrategy):
    """Plain rounds that tell of the model before, as secure ones do."""

    tells_before = True
    before_round: Callable[[int], object] = staticmethod(lambda _number: None)

    def run_round(self, state: TrainingState) -> tuple[TrainingState, RoundReport]:
        """Calls ``before_round`` with its number."""
        self.before_round(state.round_number + 1)
        trained, report = super().run_round(state)
        return trained, dataclasses.replace(report, before=HeldOut(0.25))


def rounds_told(folder: Path, storage: Storage, training: str, before_round: Callable[[int], object]) -> None:
    """A run of two rounds that tell of the model before."""
    given = options(folder, training=training)
    strategy = TellingBefore(SiteFleet(SITES), RoundSettings(0, 4, is_conditioned=True, min_sites=2, deadline_s=30.0))
    strategy.before_round = before_round
    lease, state = take_lease(storage, training), starting_state(given, storage)
    num_left = 2 - find_training(storage, training).num_committed
    TrainingRun(SiteFleet(SITES), given, storage, lease).train_rounds(strategy, state, num_left)


def test_run_that_is_fenced_off_tells_nothing_of_earlier_rounds(tmp_path: Path, storage: Storage) -> None:
    training = wanted(storage, 2)
    with pytest.raises(FencedError):
        rounds_told(tmp_path, storage, training, lambda number: number == 2 and take_lease(storage, training))
    assert [one.auc for one in list_rounds(storage, 100)] == [None]


def test_run_tells_of_the_round_that_the_killed_one_before_committed(tmp_path: Path, storage: Storage) -> None:
    def kill(number: int) -> None:
        if number == 2:
            raise KilledError

    training = wanted(storage, 2)
    with pytest.raises(KilledError):
        rounds_told(tmp_path, storage, training, kill)
    rounds_told(tmp_path, storage, training, lambda _number: None)
    assert {one.round_number: one.auc for one in list_rounds(storage, 100)} == {1: 0.25, 2: pytest.approx(0.5)}


def test_training_that_restarts_begins_from_the_model_that_ships_once(tmp_path: Path, storage: Storage) -> None:
    train_and_publish(SiteFleet(SITES), options(tmp_path, num_rounds=1), storage)
    first = digest_of(starting_state(options(tmp_path), storage))
    given = options(tmp_path, training=wanted(storage, 2), restart=True)
    with pytest.raises(KilledError):
        train_and_publish(killed_at("train", 2), given, storage)
    assert digest_of(starting_state(given, storage)) == first
    train_and_publish(SiteFleet(SITES), given, storage)
    assert sorted(one.round_number for one in list_rounds(storage, 100)) == [1, 2, 3]
    assert digest_of(starting_state(given, storage)) != first


@pytest.mark.parametrize("status", ["unknown", "done", "failed"])
def test_training_that_is_not_wanted_is_refused_and_fences_nobody_off(
    tmp_path: Path, storage: Storage, status: str
) -> None:
    training_id = wanted(storage, 1)
    lease = take_lease(storage, training_id)
    if status != "unknown":
        finish_training(storage, lease, failure=None if status == "done" else "why")
    given = options(tmp_path, training="0" * 32 if status == "unknown" else training_id)
    expected = "there is no training 0000" if status == "unknown" else f"expected one that is wanted, .* is {status}"
    with pytest.raises(StartError, match=expected):
        train_and_publish(SiteFleet(SITES), given, storage)
    with pytest.raises(StartError, match="initial: expected default or random"):
        train_and_publish(SiteFleet(SITES), options(tmp_path, initial="elsewhere"), storage)
    finish_training(storage, lease)  # still the newest
