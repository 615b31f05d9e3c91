"""Trainings: rounds that are wanted, what each left behind, and who may go on with them.

Rules:

1. One run trains at a time. Whoever starts takes the *lease*, a number that only rises; with it, everyone who held an
   older one is fenced off: whatever they try to store is refused by ``FencedError``, whole.
2. A round is one transaction: arrays, optimizer, bounds, cohort, what privacy was spent by then, and the round's
   record, on the disk together or not at all. Each number follows the one before, whichever training that was of: all
   go on with one model.
3. An epoch of a secure sum is stored before it is used, and never given twice, whatever is killed in between. So is
   what a round spends of the privacy budget.
4. Arrays of all but the newest rounds are dropped, so the database does not grow with the model times the rounds.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy import orm

from fl_protocol.messages import ClosedRound, PublishedModel
from fl_protocol.secure_sum.graph import MAX_EPOCH
from fl_server.errors import ConflictError, FencedError, NotFoundError, RoundError
from fl_server.storage.database import Storage
from fl_server.storage.models import publish_model
from fl_server.storage.rounds import put_round
from fl_server.storage.tables import TrainingLeaseRow, TrainingRow, TrainingStateRow

KEPT_ARRAYS = 3
"""Rounds whose arrays are kept, of all trainings together."""
_MAX_REASON = 500

TrainingStatus = Literal["wanted", "done", "failed"]


@dataclasses.dataclass(frozen=True)
class Training:
    """Rounds that are wanted, and how far they have come."""

    training_id: str
    """32 hexadecimal characters."""
    num_rounds: int
    """Wanted."""
    num_committed: int
    options: Mapping[str, Any]
    """Of its runs, as JSON values."""
    is_supervised: bool
    """Whether the coordinator starts its runs, and starts them again; else somebody does by hand."""
    status: TrainingStatus
    reason: str | None
    """Why it failed."""
    wanted_utc: dt.datetime


@dataclasses.dataclass(frozen=True)
class Lease:
    """The right to commit rounds of a training, until somebody takes the next."""

    training_id: str
    epoch: int


@dataclasses.dataclass(frozen=True)
class FinishedRound:
    """All that a round leaves behind."""

    closed: ClosedRound
    arrays: bytes
    """Parameters, optimizer, normality and the next round's bounds, as ``encode_state`` writes them."""
    cohort: tuple[str, ...]
    """Who was asked: names, or places on the roster."""
    secure_epoch: int | None = None
    """Of the secure sum; None for a plain round."""


@dataclasses.dataclass(frozen=True)
class CommittedState:
    """Where the model stands."""

    training_id: str
    round_number: int
    arrays: bytes


def want_training(
    storage: Storage, num_rounds: int, options: Mapping[str, Any], *, is_supervised: bool = True
) -> Training:
    """Puts down that rounds are wanted; the coordinator starts them where ``is_supervised``.

    Args:
        storage: The open storage.
        num_rounds: At least 1.
        options: Options of the runs, as JSON values.
        is_supervised: Whether the coordinator is to start runs by itself.
    """
    if num_rounds < 1:
        raise ValueError(f"num_rounds: expected 1 or more, got {num_rounds}")
    row = TrainingRow(
        training_id=uuid.uuid4().hex,
        num_rounds=num_rounds,
        options=dict(options),
        is_supervised=is_supervised,
        status="wanted",
        reason=None,
        lease_epoch=0,
        wanted_utc=storage.clock(),
    )
    with storage.writing() as session:
        session.add(row)
        session.flush()
        return _training(session, row)


def find_training(storage: Storage, training_id: str) -> Training:
    """A training.

    Raises:
        NotFoundError: There is none of this number.
    """
    with storage.reading() as session:
        return _training(session, _row(session, training_id))


def list_trainings(storage: Storage, limit: int) -> tuple[Training, ...]:
    """The trainings that were wanted last, the newest first."""
    with storage.reading() as session:
        rows = session.scalars(sa.select(TrainingRow).order_by(TrainingRow.id.desc()).limit(limit))
        return tuple(_training(session, row) for row in rows)


def next_wanted(storage: Storage) -> Training | None:
    """The oldest supervised training that is not done; None when nothing is wanted."""
    is_due = (TrainingRow.status == "wanted") & TrainingRow.is_supervised
    with storage.reading() as session:
        row = session.scalar(sa.select(TrainingRow).where(is_due).order_by(TrainingRow.id).limit(1))
        return None if row is None else _training(session, row)


def take_lease(storage: Storage, training_id: str) -> Lease:
    """Gives the right to commit to the caller, and takes it from everybody else.

    Raises:
        NotFoundError: There is no such training.
    """
    with storage.writing() as session:
        epoch = _raised_lease(session)
        _row(session, training_id).lease_epoch = epoch
        return Lease(training_id, epoch)


def reserve_epoch(storage: Storage, lease: Lease, roster_digest: bytes, newest_seen: int = 0) -> int:
    """An epoch of a secure sum that was never given under this roster; it is stored when this returns.

    Args:
        storage: The open storage.
        lease: The caller's.
        roster_digest: Of the roster; epochs of another begin anew.
        newest_seen: The newest epoch any site has told of: the answer is greater.

    Raises:
        FencedError: Another run has taken over.
        RoundError: All ``MAX_EPOCH`` epochs of the roster are used up.
    """
    with storage.writing() as session:
        row = _held(session, lease)
        is_same = row.secure_roster in (None, roster_digest.hex())  # None: given by a version that did not tell
        epoch = max(row.secure_epoch if is_same else 0, newest_seen) + 1
        if epoch > MAX_EPOCH:
            raise RoundError(f"secure sum: all {MAX_EPOCH} epochs of this roster are used up: sign a new one")
        row.secure_epoch, row.secure_roster = epoch, roster_digest.hex()
        return epoch


def store_accountant(storage: Storage, lease: Lease, accountant: Mapping[str, Any]) -> None:
    """Pays for a round before its sum is opened: what is spent is stored when this returns.

    Raises:
        FencedError: Another run has taken over.
    """
    with storage.writing() as session:
        _held(session, lease).accountant = dict(accountant)


def stored_accountant(storage: Storage) -> Mapping[str, Any] | None:
    """What privacy the rounds of all trainings have spent; None where noise was never added."""
    with storage.reading() as session:
        return session.scalar(sa.select(TrainingLeaseRow.accountant))


def complete_round(storage: Storage, lease: Lease, closed: ClosedRound) -> None:
    """Replaces the record of a round by one that knows more.

    Raises:
        FencedError: Another run has taken over; nothing is stored.
    """
    with storage.writing() as session:
        _held(session, lease)
        put_round(session, closed)


def publish_trained(
    storage: Storage, lease: Lease, model_bytes: bytes, card: Mapping[str, Any], round_number: int
) -> PublishedModel:
    """``publish_model`` by whoever holds the lease.

    Raises:
        FencedError: Another run has taken over; nothing is published.
    """
    return publish_model(storage, model_bytes, card, round_number, lambda session: _held(session, lease))


def commit_round(storage: Storage, lease: Lease, finished: FinishedRound) -> None:
    """Keeps a round, all of it or nothing.

    Raises:
        FencedError: Another run has taken over; nothing is stored.
        RuntimeError: The round is not the one after the last of whichever training.
    """
    closed = finished.closed.model_copy(update={"training_id": lease.training_id})
    with storage.writing() as session:
        held = _held(session, lease)
        previous = session.scalar(_newest_state())  # of whichever training: all go on with one model
        if previous is not None and closed.round_number != previous.round_number + 1:
            raise RuntimeError(f"expected round {previous.round_number + 1}, got {closed.round_number}")
        session.add(_state_row(storage, held, lease, finished))
        put_round(session, closed)
        session.flush()
        _drop_old_arrays(session)


def last_committed(storage: Storage) -> CommittedState | None:
    """Where the model stands: the newest round of whichever training; None before the first."""
    with storage.reading() as session:
        row = session.scalar(_newest_state().options(orm.undefer(TrainingStateRow.arrays)))
        if row is None or row.arrays is None:
            return None
        return CommittedState(row.training_id, row.round_number, row.arrays)


def finish_training(storage: Storage, lease: Lease, failure: str | None = None) -> None:
    """Puts down that no further round is wanted: all are there and published, or it can never work.

    Raises:
        FencedError: Another run has taken over.
    """
    with storage.writing() as session:
        _held(session, lease)
        row = _row(session, lease.training_id)
        row.status, row.reason = ("done", None) if failure is None else ("failed", failure[:_MAX_REASON])


def abandon_training(storage: Storage, training_id: str, reason: str) -> Training:
    """Ends a training that is wanted; a run under way is fenced off, and the rounds it committed stay.

    Raises:
        NotFoundError: There is no such training.
        ConflictError: It has ended already.
    """
    with storage.writing() as session:
        epoch = _raised_lease(session)
        row = _row(session, training_id)
        if row.status != "wanted":
            raise ConflictError(f"training {training_id} has ended: it is {row.status}")
        row.lease_epoch, row.status, row.reason = epoch, "failed", reason[:_MAX_REASON]
        return _training(session, row)


def _raised_lease(session: orm.Session) -> int:
    """Takes the lease from everybody who holds one; what is read after it, nobody else changes any more."""
    raised = sa.update(TrainingLeaseRow).values(epoch=TrainingLeaseRow.epoch + 1).returning(TrainingLeaseRow.epoch)
    return cast(int, session.scalar(raised))


def _held(session: orm.Session, lease: Lease) -> TrainingLeaseRow:
    """The lease's row, kept from other writers until the transaction ends.

    Raises:
        FencedError: Another run has taken over.
    """
    row = session.scalar(sa.select(TrainingLeaseRow).with_for_update())
    if row is None or row.epoch != lease.epoch:
        newest = "none" if row is None else row.epoch
        raise FencedError(f"training {lease.training_id}: expected lease {lease.epoch} to be the newest, got {newest}")
    return row


def _newest_state() -> sa.Select[TrainingStateRow]:
    return sa.select(TrainingStateRow).order_by(TrainingStateRow.id.desc()).limit(1)


def _state_row(storage: Storage, held: TrainingLeaseRow, lease: Lease, finished: FinishedRound) -> TrainingStateRow:
    return TrainingStateRow(
        training_id=lease.training_id,
        round_number=finished.closed.round_number,
        lease_epoch=lease.epoch,
        arrays=finished.arrays,
        accountant=held.accountant,
        cohort=list(finished.cohort),
        secure_epoch=finished.secure_epoch,
        committed_utc=storage.clock(),
    )


def _drop_old_arrays(session: orm.Session) -> None:
    newest = sa.select(TrainingStateRow.id).order_by(TrainingStateRow.id.desc()).limit(KEPT_ARRAYS)
    oldest_kept = min(session.scalars(newest))
    is_old = (TrainingStateRow.id < oldest_kept) & TrainingStateRow.arrays.is_not(None)
    session.execute(sa.update(TrainingStateRow).where(is_old).values(arrays=None))


def _row(session: orm.Session, training_id: str) -> TrainingRow:
    row = session.scalar(sa.select(TrainingRow).where(TrainingRow.training_id == training_id))
    if row is None:
        raise NotFoundError(f"there is no training {training_id}")
    return row


def _training(session: orm.Session, row: TrainingRow) -> Training:
    is_its = TrainingStateRow.training_id == row.training_id
    num_committed = session.scalar(sa.select(sa.func.count()).select_from(TrainingStateRow).where(is_its))
    return Training(
        row.training_id,
        row.num_rounds,
        num_committed or 0,
        row.options,
        row.is_supervised,
        cast(TrainingStatus, row.status),
        row.reason,
        row.wanted_utc,
    )
