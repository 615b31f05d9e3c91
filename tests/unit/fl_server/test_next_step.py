"""What is done about a wanted training: single cases."""

import datetime as dt

import pytest

from fl_server.storage.training_starts import Starts
from fl_server.supervision.next_step import FlowerRun, NextStep, Pace, next_step, pause_s

NOW = dt.datetime(2026, 3, 1, 22, 0, tzinfo=dt.UTC)
APP = "edgeguard/edgeguard"
PACE = Pace(first_pause_s=10, longest_pause_s=900, give_up_starts=3, give_up_after_s=3600)


def _starts(num_in_row: int, last_s_ago: float, first_s_ago: float | None = None, problem: str | None = None) -> Starts:
    first = None if num_in_row == 0 else NOW - dt.timedelta(seconds=last_s_ago if first_s_ago is None else first_s_ago)
    return Starts(num_in_row, first, NOW - dt.timedelta(seconds=last_s_ago), "7", problem)


def _live(app_id: str = APP) -> FlowerRun:
    return FlowerRun("7", app_id, is_live=True)


def _kind(starts: Starts, *runs: FlowerRun) -> str:
    return next_step(starts, runs, APP, NOW, PACE).kind


def test_first_run_is_started_at_once() -> None:
    assert _kind(Starts()) == "start"
    assert _kind(Starts(), FlowerRun("6", APP, is_live=False, problem="failed: of another training")) == "start"


def test_live_run_of_ours_is_waited_for_however_long_it_takes() -> None:
    assert _kind(Starts(), _live()) == "wait"
    assert _kind(_starts(5, 80_000, 90_000), _live()) == "wait"


def test_run_of_another_app_stands_in_nobodys_way() -> None:
    assert _kind(Starts(), _live("somebody/else")) == "start"


@pytest.mark.parametrize(("num_in_row", "pause"), [(0, 10), (1, 10), (2, 20), (3, 40), (7, 640), (8, 900), (1000, 900)])
def test_pause_doubles_and_is_bounded(num_in_row: int, pause: float) -> None:
    assert pause_s(num_in_row, PACE) == pause
    assert _kind(_starts(num_in_row, pause - 0.1)) == "wait"
    assert _kind(_starts(num_in_row, pause)) == "start"


def test_clock_that_was_set_back_does_not_stop_training() -> None:
    assert _kind(_starts(1, -86_400)) == "start"


def test_training_is_given_up_after_many_starts_over_a_long_time() -> None:
    given_up = next_step(_starts(3, 60, 3600, "failed: no roster"), [], APP, NOW, PACE)
    assert given_up == NextStep("give up", "3 runs in 1 hours brought it no further; the last: failed: no roster")
    assert next_step(_starts(4, 60, 7300), [], APP, NOW, PACE).reason == "4 runs in 2 hours brought it no further"


def test_neither_many_starts_nor_a_long_time_alone_end_a_training() -> None:
    assert _kind(_starts(50, 1000, 3599)) == "start"
    assert _kind(_starts(2, 1000, 1_000_000)) == "start"
