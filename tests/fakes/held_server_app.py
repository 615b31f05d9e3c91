"""The coordinator's own server app, held at named instants: a test can end any program just then.

Orders are files in the folder ``EDGEGUARD_HOLDS``. A file named by an instant holds the first server app that gets
there: the file takes on the process number, and the server app goes on when the file is gone.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ParamSpec, TypeVar

import sqlalchemy as sa
from flwr.app import Context, Message
from flwr.serverapp import Grid, ServerApp

from fl_protocol import records
from fl_server import server_app, training_run
from fl_server.grid_exchange import RunningRound
from fl_server.rounds.round_state import Phase
from fl_server.storage.trainings import commit_round, publish_trained

HOLDS = "EDGEGUARD_HOLDS"
INSTANTS = ("open", "training", "masked", "unmask", "aggregated", "commit", "publication")
"""In their order: messages of the phase are under way, updates are in, the round is summed, a transaction lacks but its
commit."""
_ACTION_OF = {"training": records.MASKED, "unmask": records.UNMASK, "open": records.KEYS}
"""Shares and the keys of the next epoch are asked for together, so who is asked for keys alone comes last."""
_POLL_S = 0.02

Told = ParamSpec("Told")
Answer = TypeVar("Answer")

app = ServerApp()


@app.main()
def main(grid: Grid, run_context: Context) -> None:
    """The real one between its holds."""
    _Holds(Path(os.environ[HOLDS])).watch(grid)
    server_app.main(grid, run_context)


class _Holds:
    """Where this process is held.

    Args:
        folder: Of the orders.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = "none"

    def watch(self, grid: Grid) -> None:
        """Holds this process wherever it is told from now on."""
        grid.push_messages = self._after_push(grid.push_messages)  # type: ignore[method-assign]
        RunningRound.done = self._before_done(RunningRound.done)  # type: ignore[method-assign, assignment]
        vars(training_run).update(
            commit_round=self._writes("commit", commit_round, before="aggregated"),
            publish_trained=self._writes("publication", publish_trained),
        )
        sa.event.listen(sa.Engine, "commit", lambda _: self._hold(self._writing))

    def _hold(self, instant: str) -> None:
        held = self._folder / f"{instant}.{os.getpid()}"
        try:
            (self._folder / instant).rename(held)
        except OSError:  # no such order
            return
        while held.exists():
            time.sleep(_POLL_S)

    def _after_push(self, push: Callable[[Iterable[Message]], Iterable[str]]) -> Callable[..., Iterable[str]]:
        def pushed(messages: Iterable[Message]) -> Iterable[str]:
            sent = list(messages)
            message_ids = push(sent)
            actions = {message.metadata.message_type.partition(".")[2] for message in sent}
            self._hold(next((instant for instant, action in _ACTION_OF.items() if action in actions), "none"))
            return message_ids

        return pushed

    def _before_done(self, done: Callable[[RunningRound, Phase], None]) -> Callable[[RunningRound, Phase], None]:
        def held_before(running: RunningRound, phase: Phase) -> None:
            self._hold(phase)
            done(running, phase)

        return held_before

    def _writes(self, instant: str, write: Callable[Told, Answer], before: str = "none") -> Callable[Told, Answer]:
        def written(*told: Told.args, **named: Told.kwargs) -> Answer:
            self._hold(before)
            self._writing = instant
            try:
                return write(*told, **named)
            finally:
                self._writing = "none"

        return written
