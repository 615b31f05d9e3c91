"""Processes that write trainings to a real database, and die when they are told to.

``python -m tests.fakes.training_writer kill DATABASE FOLDER``: for each statement of taking a lease, reserving an epoch
and committing a round, a process that is killed right before it; one that is not, at the end. Prints, as JSON lines,
what is in the database after each.

``python -m tests.fakes.training_writer race DATABASE FOLDER TRAINING START``: takes the lease and commits 20 rounds,
beginning at the instant START; prints how many were committed before it was fenced off.

DATABASE is SQLAlchemy's address; empty, a SQLite file in FOLDER.
"""

import datetime as dt
import json
import os
import signal
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from fl_protocol.messages import ClosedRound
from fl_server.errors import FencedError
from fl_server.storage import Storage, open_storage
from fl_server.storage.rounds import list_rounds
from fl_server.storage.tables import TrainingLeaseRow
from fl_server.storage.trainings import (
    FinishedRound,
    commit_round,
    find_training,
    last_committed,
    reserve_epoch,
    take_lease,
    want_training,
)

Place = tuple[str | None, Path]
"""What ``open_storage`` takes."""


def finished(round_number: int) -> FinishedRound:
    """A round whose arrays tell its number."""
    closed = ClosedRound(
        training_id="run",
        round_number=round_number,
        closed_utc=dt.datetime.now(dt.UTC),
        num_sites=2,
        loss=0.5,
        bytes_up=10,
    )
    return FinishedRound(closed, f"arrays of {round_number}".encode() * 1000, ("store42", "store43"))


def next_number(storage: Storage) -> int:
    """Number of the round after the last committed."""
    state = last_committed(storage)
    return 1 if state is None else state.round_number + 1


def _one_round(place: Place, training_id: str, killed_at: int) -> None:
    """Does a round; dies before statement ``killed_at`` (from 0, each COMMIT counts as one)."""
    storage = open_storage(*place)
    counted = iter(range(killed_at))

    def count(*_: object) -> None:
        if next(counted, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "commit"):
        sa.event.listen(storage.engine, name, count)
    lease = take_lease(storage, training_id)
    reserve_epoch(storage, lease, bytes(32))
    commit_round(storage, lease, finished(next_number(storage)))


def _kill_everywhere(place: Place) -> None:
    storage = open_storage(*place)
    training_id = want_training(storage, 100, {}).training_id
    storage.close()
    is_whole, killed_at = False, 0
    while not is_whole:
        child = os.fork()
        if child == 0:
            _one_round(place, training_id, killed_at)
            os._exit(0)
        is_whole = os.waitpid(child, 0)[1] == 0
        sys.stdout.write(json.dumps(_found(place, training_id) | {"is_whole": is_whole}) + "\n")
        killed_at += 1


def _found(place: Place, training_id: str) -> dict[str, object]:
    storage = open_storage(*place)
    state = last_committed(storage)
    with storage.reading() as session:
        lease = session.scalars(sa.select(TrainingLeaseRow)).one()
        epochs = [lease.epoch, lease.secure_epoch]
    facts: dict[str, object] = {
        "states": find_training(storage, training_id).num_committed,
        "records": len(list_rounds(storage, 500)),
        "last": state and state.round_number,
        "are_arrays_of_last": state is None or state.arrays == finished(state.round_number).arrays,
        "epochs": epochs,
    }
    storage.close()
    return facts


def _race(place: Place, training_id: str, start: float) -> None:
    storage = open_storage(*place)
    time.sleep(max(0.0, start - time.time()))
    lease, num_committed = take_lease(storage, training_id), 0
    try:
        for _ in range(20):
            commit_round(storage, lease, finished(next_number(storage)))
            num_committed += 1
    except FencedError:
        pass
    storage.close()
    sys.stdout.write(json.dumps({"epoch": lease.epoch, "num_committed": num_committed}) + "\n")


if __name__ == "__main__":
    given_place = (sys.argv[2] or None, Path(sys.argv[3]))
    if sys.argv[1] == "kill":
        _kill_everywhere(given_place)
    else:
        _race(given_place, sys.argv[4], float(sys.argv[5]))
