"""Keeping trainings running, on a database and a SuperLink in memory."""

import asyncio
import dataclasses
import datetime as dt
import logging
from collections.abc import Callable, Iterator

import pytest

from fl_protocol.messages import ClosedRound
from fl_runtime.errors import FlowerCommandError
from fl_server.errors import ConflictError, FencedError, NotFoundError
from fl_server.storage import Storage
from fl_server.storage.training_starts import Starts, put_start, starts_of
from fl_server.storage.trainings import (
    FinishedRound,
    Lease,
    Training,
    abandon_training,
    commit_round,
    find_training,
    finish_training,
    take_lease,
    want_training,
)
from fl_server.supervision.next_step import Pace
from fl_server.supervision.reconciler import Reconciler, beside
from tests.fakes.superlink_runs import APP, SuperLinkRuns
from tests.unit.fl_server.memory_storage import START, memory_storage

PACE = Pace(first_pause_s=10, longest_pause_s=80, give_up_starts=4, give_up_after_s=100)


class World:
    """A coordinator and its SuperLink, with a clock that the test sets."""

    def __init__(self) -> None:
        self.now = START
        self.storage: Storage = dataclasses.replace(memory_storage(), clock=lambda: self.now)
        self.superlink = SuperLinkRuns()
        self.reconciler = Reconciler(self.storage, self.superlink, APP, PACE)

    def look_after(self, seconds: float = 0.0) -> None:
        """Lets time go by, and looks once."""
        self.now += dt.timedelta(seconds=seconds)
        asyncio.run(self.reconciler.look())

    def commit(self, lease: Lease, round_number: int) -> None:
        """A round, as a run commits it."""
        closed = ClosedRound(
            training_id="run", round_number=round_number, closed_utc=self.now, num_sites=2, loss=0.5, bytes_up=10
        )
        commit_round(self.storage, lease, FinishedRound(closed, b"arrays", ("store42",)))

    def starts(self, training_id: str) -> Starts:
        """What is known of a training's starts."""
        return starts_of(self.storage, find_training(self.storage, training_id))


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.storage.close()


def test_flower_is_not_asked_while_nothing_is_wanted(world: World) -> None:
    by_hand = want_training(world.storage, 1, {}, is_supervised=False)
    world.look_after()
    assert world.superlink.num_listings == 0
    assert world.starts(by_hand.training_id) == Starts()


def test_wanted_training_runs_once_until_it_is_done_and_then_the_next(world: World) -> None:
    first = want_training(world.storage, 2, {"num-steps": 4})
    second = want_training(world.storage, 1, {})
    world.look_after()
    world.look_after(1000)
    assert [training.training_id for training in world.superlink.started_for.values()] == [first.training_id]
    assert world.superlink.started_for["1"].options == {"num-steps": 4}
    assert world.starts(first.training_id) == Starts(1, START, START, "1")
    lease = take_lease(world.storage, first.training_id)
    world.commit(lease, 1)
    finish_training(world.storage, lease)
    world.look_after(1)
    assert len(world.superlink.runs) == 1  # the first's run has not ended yet
    world.superlink.end("1")
    world.look_after(1)
    assert world.superlink.started_for["2"].training_id == second.training_id


def test_run_that_failed_is_followed_by_the_next_after_the_pause(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = want_training(world.storage, 2, {})
    world.look_after()
    world.superlink.end("1", "failed: too few\x07 sites")
    world.look_after(9)
    assert len(world.superlink.runs) == 1
    assert world.starts(wanted.training_id).problem == "failed: too few? sites"
    world.look_after(1)
    assert world.starts(wanted.training_id) == Starts(2, START, world.now, "2")
    assert caplog.messages.count("run of a training failed") == 1


def test_committed_round_starts_the_pauses_over(world: World) -> None:
    wanted = want_training(world.storage, 2, {})
    for pause in (0, 10, 20):
        world.look_after(pause)
        world.superlink.end(str(len(world.superlink.runs)), "failed: line")
    world.commit(take_lease(world.storage, wanted.training_id), 1)
    assert world.starts(wanted.training_id).num_in_row == 0
    world.look_after(10)
    assert len(world.superlink.runs) == 4
    assert world.starts(wanted.training_id) == Starts(1, world.now, world.now, "4")


def test_coordinator_killed_before_flower_answered_waits_before_it_starts_again(world: World) -> None:
    class KilledError(BaseException):
        pass

    class DyingRuns(SuperLinkRuns):
        async def start(self, training: Training) -> str:
            raise KilledError(training.training_id)

    wanted = want_training(world.storage, 1, {})
    dying = Reconciler(world.storage, DyingRuns(), APP, PACE)
    with pytest.raises(KilledError):
        asyncio.run(dying.look())
    assert world.starts(wanted.training_id) == Starts(1, START, START)
    world.look_after(9)
    assert world.superlink.runs == {}
    world.look_after(1)
    assert world.starts(wanted.training_id).run_id == "1"


def test_run_of_a_killed_coordinator_is_taken_for_the_start_that_was_cut_short(world: World) -> None:
    wanted = want_training(world.storage, 1, {})
    put_start(world.storage, wanted)
    asyncio.run(world.superlink.start(wanted))
    world.look_after(1000)
    assert world.starts(wanted.training_id) == Starts(1, START, START, "1")
    world.superlink.end("1", "failed: line")
    world.look_after()
    assert world.starts(wanted.training_id).num_in_row == 2
    assert len(world.superlink.runs) == 2


def test_refused_start_is_kept_and_tried_again(world: World) -> None:
    wanted = want_training(world.storage, 1, {})
    world.superlink.refusal = "flwr run: [code: 15] Invalid run configuration."
    with pytest.raises(FlowerCommandError, match="code: 15"):
        world.look_after()
    assert world.starts(wanted.training_id) == Starts(1, START, START, None, world.superlink.refusal)
    world.superlink.refusal = None
    world.look_after(10)
    assert world.starts(wanted.training_id).run_id == "1"


def test_training_that_never_comes_further_is_given_up_with_its_reason(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    wanted, following = want_training(world.storage, 1, {}), want_training(world.storage, 1, {})
    for pause in (0, 10, 20, 40, 80):
        world.look_after(pause)
        if find_training(world.storage, wanted.training_id).status == "wanted":
            world.superlink.end(str(len(world.superlink.runs)), "failed: no roster")
    failed = find_training(world.storage, wanted.training_id)
    reason = "4 runs in 0 hours brought it no further; the last: failed: no roster"
    assert (failed.status, failed.reason) == ("failed", reason)
    assert caplog.records[-1].levelno == logging.ERROR
    world.look_after()
    assert world.superlink.started_for["5"].training_id == following.training_id


def test_training_that_ends_while_flower_is_asked_gets_no_further_run(world: World) -> None:
    wanted = want_training(world.storage, 1, {})

    class SlowRuns(SuperLinkRuns):
        async def newest(self) -> tuple[()]:
            finish_training(world.storage, take_lease(world.storage, wanted.training_id))
            return ()

    superlink = SlowRuns()
    asyncio.run(Reconciler(world.storage, superlink, APP, PACE).look())
    assert superlink.started_for == {}


def test_ended_training_fences_its_run_off_and_ends_once(world: World) -> None:
    wanted = want_training(world.storage, 2, {})
    lease = take_lease(world.storage, wanted.training_id)
    world.commit(lease, 1)
    ended = abandon_training(world.storage, wanted.training_id, "ended by an operator")
    assert (ended.status, ended.reason, ended.num_committed) == ("failed", "ended by an operator", 1)
    with pytest.raises(FencedError):
        world.commit(lease, 2)
    with pytest.raises(ConflictError, match="has ended: it is failed"):
        abandon_training(world.storage, wanted.training_id, "again")
    with pytest.raises(NotFoundError):
        abandon_training(world.storage, "0" * 32, "unknown")


def test_failures_are_told_when_they_change_and_end_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    want_training(world.storage, 1, {})
    world.superlink.unreachable = "flwr ls: Connection to the SuperLink is unavailable."

    async def live_through_it() -> None:
        async with beside(world.reconciler, 0.001):
            await _until(lambda: world.reconciler.num_failures >= 3)
            assert world.reconciler.problem == world.superlink.unreachable
            world.superlink.unreachable = None
            await _until(lambda: bool(world.superlink.runs))
            await _until(lambda: world.reconciler.problem is None)
        num_listings = world.superlink.num_listings
        await asyncio.sleep(0.01)
        assert world.superlink.num_listings == num_listings  # it has stopped

    asyncio.run(live_through_it())
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "SuperLink does not do as asked",
        "run of a training started",
        "wanted trainings looked after again",
    ]


def test_error_nobody_expected_is_logged_with_its_trace_and_ends_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenRuns(SuperLinkRuns):
        async def newest(self) -> tuple[()]:
            raise ZeroDivisionError

    want_training(world.storage, 1, {})
    reconciler = Reconciler(world.storage, BrokenRuns(), APP, PACE)

    async def live_through_it() -> None:
        async with beside(reconciler, 0.001):
            await _until(lambda: reconciler.num_failures >= 3)

    asyncio.run(live_through_it())
    assert reconciler.problem == "ZeroDivisionError"
    (told,) = caplog.records
    assert told.exc_info is not None
    assert told.exc_info[0] is ZeroDivisionError


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.001)
