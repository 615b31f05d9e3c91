"""The loop that holds wanted trainings against the SuperLink's runs, and starts what is missing.

Rules:

1. What is wanted is read again after Flower has listed its runs: what a run has done by the time it is not listed as
   live is seen then, so no run is started for a training that has just ended.
2. Nothing that fails in here stops the loop or the API. A failure is logged when it changes, not each time.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from fl_runtime.errors import FlowerCommandError
from fl_server.config import TrainingSupervision
from fl_server.storage.database import Storage
from fl_server.storage.training_starts import Starts, put_end, put_found, put_outcome, put_start, starts_of
from fl_server.storage.trainings import Training, finish_training, next_wanted, take_lease
from fl_server.supervision.bundle import read_bundle
from fl_server.supervision.flower_runs import FlowerRuns
from fl_server.supervision.next_step import FlowerRun, NextStep, Pace, next_step

logger = logging.getLogger(__name__)


class Runs(Protocol):
    """The SuperLink's runs."""

    async def newest(self) -> Sequence[FlowerRun]:
        """The newest runs."""

    async def start(self, training: Training) -> str:
        """Starts a run of a training; returns its number."""


class Reconciler:
    """Keeps wanted trainings running.

    Args:
        storage: The open storage.
        runs: The SuperLink's.
        app_id: Which of them are ours.
        pace: How patient to be.

    Attributes:
        problem: Why the last look failed; None where it did not.
        num_failures: Looks in a row that failed.
    """

    def __init__(self, storage: Storage, runs: Runs, app_id: str, pace: Pace) -> None:
        self._storage, self._runs, self._app_id, self._pace = storage, runs, app_id, pace
        self.problem: str | None = None
        self.num_failures = 0

    async def keep_running(self, poll_s: float) -> None:
        """Looks every ``poll_s`` seconds until it is cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  a supervisor's loop: told below
                self._tell(error)
            else:
                self._tell(None)
            await asyncio.sleep(poll_s)

    async def look(self) -> None:
        """Looks once, and does what is to be done.

        Raises:
            FlowerCommandError: The SuperLink does not answer, or refuses a run.
        """
        if await asyncio.to_thread(next_wanted, self._storage) is None:
            return
        runs = await self._runs.newest()
        training, step = await asyncio.to_thread(self._decide, runs)
        if training is None or step.kind == "wait":
            return
        if step.kind == "give up":
            await asyncio.to_thread(self._give_up, training, step.reason)
            return
        await self._start(training)

    def _decide(self, runs: Iterable[FlowerRun]) -> tuple[Training | None, NextStep]:
        training = next_wanted(self._storage)  # rule 1
        if training is None:
            return None, NextStep("wait")
        ours = [run for run in runs if run.app_id == self._app_id]
        starts = self._completed(training, starts_of(self._storage, training), ours)
        return training, next_step(starts, ours, self._app_id, self._storage.clock(), self._pace)

    def _completed(self, training: Training, starts: Starts, ours: Sequence[FlowerRun]) -> Starts:
        """The starts with what Flower's listing adds to the last: its number, or how it ended."""
        if starts.last_utc is None or starts.problem is not None:
            return starts
        if starts.run_id is None:  # the coordinator was killed before Flower had answered
            live = [run.run_id for run in ours if run.is_live]
            if live:
                put_found(self._storage, training, live[0])
            return starts
        problem = next((run.problem for run in ours if run.run_id == starts.run_id), None)
        if problem is None:
            return starts
        put_end(self._storage, starts.run_id, problem)
        facts = {"training": training.training_id, "run": starts.run_id, "reason": problem}
        logger.warning("run of a training failed", extra=facts)
        return starts_of(self._storage, training)

    async def _start(self, training: Training) -> None:
        start = await asyncio.to_thread(put_start, self._storage, training)
        try:
            run_id = await self._runs.start(training)
        except FlowerCommandError as error:
            await asyncio.to_thread(put_outcome, self._storage, start, None, str(error))
            raise
        await asyncio.to_thread(put_outcome, self._storage, start, run_id, None)
        facts = {"training": training.training_id, "run": run_id, "rounds_committed": training.num_committed}
        logger.info("run of a training started", extra=facts)

    def _give_up(self, training: Training, reason: str) -> None:
        finish_training(self._storage, take_lease(self._storage, training.training_id), reason)
        logger.error("training given up", extra={"training": training.training_id, "reason": reason})

    def _tell(self, error: Exception | None) -> None:
        """Keeps what went wrong, and logs it where it is news."""
        problem = None if error is None else str(error) or type(error).__name__
        self.num_failures = 0 if problem is None else self.num_failures + 1
        if problem == self.problem:
            return
        self.problem = problem
        if isinstance(error, FlowerCommandError):
            logger.warning("SuperLink does not do as asked", extra={"reason": problem})
        elif error is not None:
            logger.error("wanted trainings not looked after", exc_info=error)
        else:
            logger.info("wanted trainings looked after again")


def reconciler_on(storage: Storage, settings: TrainingSupervision) -> Reconciler:
    """The reconciler of this coordinator, on Flower's own commands.

    Raises:
        StartError: There is no Flower app where the settings say.
    """
    pace = Pace(settings.first_pause_s, settings.longest_pause_s, settings.give_up_starts, settings.give_up_after_s)
    return Reconciler(storage, FlowerRuns(settings), read_bundle(settings.app).app_id, pace)


@contextlib.asynccontextmanager
async def beside(reconciler: Reconciler, poll_s: float) -> AsyncIterator[None]:
    """Keeps trainings running beside the block, and has stopped, with any command under way, when it is left."""
    task = asyncio.create_task(reconciler.keep_running(poll_s))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
