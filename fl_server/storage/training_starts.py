"""Starts of runs: kept so that pauses between them, and patience with them, outlive the coordinator's process.

A start is put down before Flower is asked for the run: a coordinator that is killed in between has started, and waits
before it starts again.
"""

import dataclasses
import datetime as dt

import sqlalchemy as sa
from sqlalchemy import orm

from fl_server.storage.database import Storage
from fl_server.storage.tables import TrainingStartRow
from fl_server.storage.trainings import Training

_MAX_PROBLEM = 500


@dataclasses.dataclass(frozen=True)
class Starts:
    """What is known of the starts of one training's runs."""

    num_in_row: int = 0
    """Since a round was committed last."""
    first_in_row_utc: dt.datetime | None = None
    last_utc: dt.datetime | None = None
    """Of all its starts."""
    run_id: str | None = None
    """Flower's number of the last run; None where the last start came to none."""
    problem: str | None = None
    """Why the last start came to nothing, or how its run ended; None while neither is known."""


def starts_of(storage: Storage, training: Training) -> Starts:
    """The starts of a training's runs, as seen when ``training`` was read."""
    its = TrainingStartRow.training_id == training.training_id
    in_row = its & (TrainingStartRow.num_committed == training.num_committed)
    with storage.reading() as session:
        last = session.scalar(sa.select(TrainingStartRow).where(its).order_by(TrainingStartRow.id.desc()).limit(1))
        if last is None:
            return Starts()
        first = session.scalar(sa.select(TrainingStartRow).where(in_row).order_by(TrainingStartRow.id).limit(1))
        num_in_row = session.scalar(sa.select(sa.func.count()).select_from(TrainingStartRow).where(in_row))
        first_utc = None if first is None else first.started_utc
        return Starts(num_in_row or 0, first_utc, last.started_utc, last.run_id, last.problem)


def put_start(storage: Storage, training: Training) -> int:
    """Puts down that a run of ``training`` is about to be started; returns the number of the start."""
    row = TrainingStartRow(
        training_id=training.training_id,
        num_committed=training.num_committed,
        started_utc=storage.clock(),
        run_id=None,
        problem=None,
    )
    with storage.writing() as session:
        session.add(row)
        session.flush()
        return row.id


def put_outcome(storage: Storage, start: int, run_id: str | None, problem: str | None) -> None:
    """Puts down what a start came to: a run, or a problem."""
    with storage.writing() as session:
        _update(session, TrainingStartRow.id == start, run_id=run_id, problem=problem)


def put_found(storage: Storage, training: Training, run_id: str) -> None:
    """Puts down the run of a start that was cut short before Flower had told its number."""
    is_cut_short = TrainingStartRow.run_id.is_(None) & TrainingStartRow.problem.is_(None)
    with storage.writing() as session:
        its = TrainingStartRow.training_id == training.training_id
        last = session.scalar(sa.select(sa.func.max(TrainingStartRow.id)).where(its))
        _update(session, (TrainingStartRow.id == last) & is_cut_short, None, run_id=run_id)


def put_end(storage: Storage, run_id: str, problem: str) -> None:
    """Puts down how a run ended, once."""
    with storage.writing() as session:
        _update(session, (TrainingStartRow.run_id == run_id) & TrainingStartRow.problem.is_(None), problem=problem)


def _update(session: orm.Session, which: sa.ColumnElement[bool], problem: str | None, **more: str | None) -> None:
    shown = None if problem is None else "".join(x if x.isprintable() else "?" for x in problem[:_MAX_PROBLEM])
    session.execute(sa.update(TrainingStartRow).where(which).values(problem=shown, **more))
