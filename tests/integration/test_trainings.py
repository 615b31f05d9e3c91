"""Trainings, leases and committed rounds, on SQLite and on PostgreSQL."""

import datetime as dt

import pytest
import sqlalchemy as sa

from fl_protocol.messages import ClosedRound
from fl_protocol.secure_sum.graph import MAX_EPOCH
from fl_server.errors import FencedError, NotFoundError, RoundError
from fl_server.storage import Storage
from fl_server.storage.rounds import list_rounds
from fl_server.storage.tables import TrainingLeaseRow, TrainingStateRow
from fl_server.storage.trainings import (
    KEPT_ARRAYS,
    CommittedState,
    FinishedRound,
    Lease,
    commit_round,
    find_training,
    finish_training,
    last_committed,
    list_trainings,
    next_wanted,
    reserve_epoch,
    store_accountant,
    stored_accountant,
    take_lease,
    want_training,
)
from tests.unit.fl_server.memory_storage import START

ROSTER = b"r" * 32
"""Digest of one."""


def lease_of(storage: Storage, num_rounds: int = 3) -> Lease:
    return take_lease(storage, want_training(storage, num_rounds, {}).training_id)


def finished(round_number: int, content: bytes = b"arrays") -> FinishedRound:
    closed = ClosedRound(
        training_id="run",
        round_number=round_number,
        closed_utc=START + dt.timedelta(minutes=round_number),
        num_sites=2,
        loss=0.5,
        bytes_up=10,
    )
    return FinishedRound(closed, content, ("store42", "store43"))


def test_training_is_wanted_until_it_is_finished(storage: Storage) -> None:
    first = want_training(storage, 2, {"num-steps": 4})
    by_hand = want_training(storage, 1, {}, is_supervised=False)
    second = want_training(storage, 5, {})
    assert len(first.training_id) == 32
    assert [one.training_id for one in list_trainings(storage, 9)] == [
        one.training_id for one in (second, by_hand, first)
    ]
    assert next_wanted(storage) == first == find_training(storage, first.training_id)
    finish_training(storage, take_lease(storage, first.training_id))
    assert next_wanted(storage) == second
    finish_training(storage, take_lease(storage, second.training_id), "options: no such strategy" * 100)
    assert next_wanted(storage) is None
    assert [one.status for one in list_trainings(storage, 9)] == ["failed", "wanted", "done"]
    assert (find_training(storage, second.training_id).reason or "").startswith("options: no such")


def test_training_without_a_round_and_one_that_is_not_there_are_refused(storage: Storage) -> None:
    with pytest.raises(ValueError, match="num_rounds: expected 1 or more, got 0"):
        want_training(storage, 0, {})
    with pytest.raises(NotFoundError, match="there is no training abc"):
        take_lease(storage, "abc")
    with pytest.raises(NotFoundError, match="there is no training abc"):
        find_training(storage, "abc")
    assert lease_of(storage).epoch == 1  # the lease that led nowhere was not given


def test_round_is_kept_with_its_record(storage: Storage) -> None:
    lease = lease_of(storage)
    assert last_committed(storage) is None
    commit_round(storage, lease, finished(8, b"eight"))
    commit_round(storage, lease, finished(9, b"nine"))
    assert last_committed(storage) == CommittedState(lease.training_id, 9, b"nine")
    assert [(one.training_id, one.round_number) for one in list_rounds(storage, 9)] == [
        (lease.training_id, 9),
        (lease.training_id, 8),
    ]
    assert find_training(storage, lease.training_id).num_committed == 2


@pytest.mark.parametrize("again", [7, 8, 10])
def test_round_that_does_not_follow_the_last_is_refused(storage: Storage, again: int) -> None:
    lease = lease_of(storage)
    commit_round(storage, lease, finished(8))
    with pytest.raises(RuntimeError, match=f"expected round 9, got {again}"):
        commit_round(storage, lease, finished(again))
    assert len(list_rounds(storage, 9)) == 1


def test_next_training_goes_on_from_the_model_of_the_last(storage: Storage) -> None:
    commit_round(storage, lease_of(storage), finished(8, b"eight"))
    lease = lease_of(storage)
    assert last_committed(storage).arrays == b"eight"  # type: ignore[union-attr]  # the assertion is that there is one
    commit_round(storage, lease, finished(9, b"nine"))
    assert last_committed(storage) == CommittedState(lease.training_id, 9, b"nine")


def test_holder_of_an_older_lease_can_store_nothing(storage: Storage) -> None:
    older = lease_of(storage)
    commit_round(storage, older, finished(8, b"eight"))
    newer = take_lease(storage, older.training_id)
    said = f"training {older.training_id}: expected lease 1 to be the newest, got 2"
    for attempt in (
        lambda: commit_round(storage, older, finished(9)),
        lambda: reserve_epoch(storage, older, ROSTER),
        lambda: store_accountant(storage, older, {"rho": 9.0}),
        lambda: finish_training(storage, older),
    ):
        with pytest.raises(FencedError) as error:
            attempt()
        assert str(error.value) == said
    assert (last_committed(storage), stored_accountant(storage)) == (
        CommittedState(older.training_id, 8, b"eight"),
        None,
    )
    assert reserve_epoch(storage, newer, ROSTER) == 1
    commit_round(storage, newer, finished(9))


def test_run_of_another_training_is_fenced_off_too(storage: Storage) -> None:
    older = lease_of(storage)
    lease_of(storage)
    with pytest.raises(FencedError):
        commit_round(storage, older, finished(1))


def test_epochs_rise_over_leases_and_what_sites_have_seen(storage: Storage) -> None:
    lease = lease_of(storage)
    given = [reserve_epoch(storage, lease, ROSTER), reserve_epoch(storage, lease, ROSTER, newest_seen=40)]
    lease = lease_of(storage)
    given += [reserve_epoch(storage, lease, ROSTER, newest_seen=7), reserve_epoch(storage, lease, ROSTER)]
    assert given == [1, 41, 42, 43]


def test_epochs_of_a_roster_end_and_those_of_the_next_begin(storage: Storage) -> None:
    lease = lease_of(storage)
    assert reserve_epoch(storage, lease, ROSTER, MAX_EPOCH - 1) == MAX_EPOCH
    with pytest.raises(RoundError, match=f"all {MAX_EPOCH} epochs of this roster are used up: sign a new one"):
        reserve_epoch(storage, lease, ROSTER)
    assert [reserve_epoch(storage, lease, bytes(32)) for _ in range(2)] == [1, 2]


def test_epochs_that_a_version_before_gave_out_count_for_the_roster_that_comes_first(storage: Storage) -> None:
    lease = lease_of(storage)
    with storage.writing() as session:
        session.execute(sa.update(TrainingLeaseRow).values(secure_epoch=7))
    assert [reserve_epoch(storage, lease, ROSTER), reserve_epoch(storage, lease, bytes(32))] == [8, 1]


def test_privacy_is_paid_for_before_the_round_and_kept_with_it(storage: Storage) -> None:
    lease = lease_of(storage)
    store_accountant(storage, lease, {"rho": 0.25})
    assert stored_accountant(storage) == {"rho": 0.25}
    commit_round(storage, lease, finished(1))
    assert stored_accountant(storage) == {"rho": 0.25}  # a round without noise spends nothing and forgets nothing
    store_accountant(storage, lease, {"rho": 0.5})
    commit_round(storage, lease, finished(2))
    with storage.reading() as session:
        spent_by_round = sa.select(TrainingStateRow.accountant).order_by(TrainingStateRow.id)
        assert session.scalars(spent_by_round).all() == [{"rho": 0.25}, {"rho": 0.5}]


def test_arrays_of_old_rounds_are_dropped(storage: Storage) -> None:
    for first in (1, 5):
        lease = lease_of(storage)
        for number in range(first, first + 4):
            commit_round(storage, lease, finished(number))
    with storage.reading() as session:
        kept = sa.select(TrainingStateRow.round_number).where(TrainingStateRow.arrays.is_not(None))
        assert sorted(session.scalars(kept)) == [6, 7, 8]
        assert session.scalar(sa.select(sa.func.count()).select_from(TrainingStateRow)) == 8
    assert KEPT_ARRAYS == 3
