"""What to do about a wanted training, as a function of what is known.

Rules:

1. No run is started while one of this app is live, whichever training it is for: the next would fence it off.
2. Between two starts of a training lies a pause. It doubles with each start since a round was committed last, and is
   bounded. So a line that is down for a night costs a few starts an hour, and ends nothing.
3. A training is given up only when many starts in a row, over a long time, have not brought it further: it stands in
   the way of the next, and nobody has looked after it for days.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Literal

from fl_runtime.backoff import Backoff
from fl_server.storage.training_starts import Starts


@dataclasses.dataclass(frozen=True)
class Pace:
    """How fast runs follow one another, and how long a training is tried."""

    first_pause_s: float
    longest_pause_s: float
    give_up_starts: int
    """At least so many in a row without a round, and over at least ``give_up_after_s``."""
    give_up_after_s: float


@dataclasses.dataclass(frozen=True)
class FlowerRun:
    """One run, as Flower lists it."""

    run_id: str
    app_id: str
    is_live: bool
    """Pending, starting or running. A run whose server app was killed is live for about another minute."""
    problem: str | None = None
    """How it failed or that it was stopped; None while it is live, and where it ended well."""


@dataclasses.dataclass(frozen=True)
class NextStep:
    """What to do now."""

    kind: Literal["wait", "start", "give up"]
    reason: str = ""
    """Why it is given up."""


def next_step(starts: Starts, runs: Iterable[FlowerRun], app_id: str, now: dt.datetime, pace: Pace) -> NextStep:
    """Decides about a training that is wanted.

    Args:
        starts: Of its runs, read after ``runs``.
        runs: The newest runs that Flower lists.
        app_id: Which of them are ours, ``PUBLISHER/NAME``.
        now: The present instant.
        pace: How patient to be.
    """
    if any(run.is_live and run.app_id == app_id for run in runs):
        return NextStep("wait")
    if starts.last_utc is None:
        return NextStep("start")
    if starts.first_in_row_utc is not None and starts.num_in_row >= pace.give_up_starts:
        tried_s = (now - starts.first_in_row_utc).total_seconds()
        if tried_s >= pace.give_up_after_s:
            return NextStep("give up", _reason(starts, tried_s))
    since_s = (now - starts.last_utc).total_seconds()
    is_too_soon = 0 <= since_s < pause_s(starts.num_in_row, pace)  # a clock that was set back must not stop it for long
    return NextStep("wait" if is_too_soon else "start")


def pause_s(num_in_row: int, pace: Pace) -> float:
    """Seconds from the last start to the next, after so many starts without a committed round."""
    return Backoff(pace.first_pause_s, pace.longest_pause_s, max(1, num_in_row)).delay_s


def _reason(starts: Starts, tried_s: float) -> str:
    last = "" if starts.problem is None else f"; the last: {starts.problem}"
    return f"{starts.num_in_row} runs in {tried_s / 3600:.0f} hours brought it no further{last}"
