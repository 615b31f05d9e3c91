"""Laws of keeping a training running, over simulated time: runs that live and die as they like."""

import dataclasses
import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from fl_server.storage.training_starts import Starts
from fl_server.supervision.next_step import FlowerRun, Pace, next_step, pause_s

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
APP = "edgeguard/edgeguard"
PACES = st.builds(
    Pace,
    first_pause_s=st.floats(0.1, 100),
    longest_pause_s=st.floats(100, 10_000),
    give_up_starts=st.just(10_000),
    give_up_after_s=st.just(1e9),
)


@dataclasses.dataclass(frozen=True)
class Look:
    """One look of the coordinator's, and what happened since the one before."""

    after_s: float
    is_live: bool
    num_new_rounds: int


LOOKS = st.lists(
    st.builds(Look, after_s=st.floats(0.01, 2000), is_live=st.booleans(), num_new_rounds=st.sampled_from([0, 0, 0, 1])),
    max_size=60,
)


@dataclasses.dataclass
class World:
    """A training whose runs are started as ``next_step`` says."""

    pace: Pace
    now: dt.datetime = START
    starts: Starts = dataclasses.field(default_factory=Starts)

    def look(self, look: Look) -> str:
        """Lets time go by, and looks; returns what is to be done."""
        self.now += dt.timedelta(seconds=look.after_s)
        if look.num_new_rounds:
            self.starts = dataclasses.replace(self.starts, num_in_row=0, first_in_row_utc=None)
        runs = [FlowerRun("1", APP, is_live=look.is_live), FlowerRun("2", "another/app", is_live=True)]
        kind = next_step(self.starts, runs, APP, self.now, self.pace).kind
        if kind == "start":
            first = self.starts.first_in_row_utc or self.now
            self.starts = Starts(self.starts.num_in_row + 1, first, self.now)
        return kind


@given(PACES, LOOKS)
def test_no_two_starts_lie_within_the_pause(pace: Pace, looks: list[Look]) -> None:
    world, previous = World(pace), Starts()
    for look in looks:
        num_before = 0 if look.num_new_rounds else world.starts.num_in_row
        if world.look(look) == "start":
            assert world.starts.last_utc is not None
            if previous.last_utc is not None:
                since_s = (world.starts.last_utc - previous.last_utc).total_seconds()
                assert since_s >= pause_s(num_before, pace) >= pace.first_pause_s
            previous = world.starts


@given(PACES, LOOKS)
def test_nothing_is_started_while_a_run_is_live(pace: Pace, looks: list[Look]) -> None:
    world = World(pace)
    for look in looks:
        assert world.look(look) != "start" or not look.is_live


@given(PACES, LOOKS)
def test_with_no_run_live_one_is_started_within_the_longest_pause(pace: Pace, looks: list[Look]) -> None:
    world = World(pace)
    for look in looks:
        world.look(look)
    assert world.look(Look(pace.longest_pause_s + 1, is_live=False, num_new_rounds=0)) == "start"


@given(PACES, st.integers(1, 50), st.floats(0, 1e7), st.booleans())
def test_training_is_given_up_only_where_both_bounds_are_passed(
    pace: Pace, num_in_row: int, tried_s: float, is_live: bool
) -> None:
    patience = dataclasses.replace(pace, give_up_starts=10, give_up_after_s=1e6)
    now = START + dt.timedelta(seconds=tried_s)
    starts = Starts(num_in_row, START, START)
    step = next_step(starts, [FlowerRun("1", APP, is_live)], APP, now, patience)
    tried_s = (now - START).total_seconds()  # as a time span holds it
    assert (step.kind == "give up") == (not is_live and num_in_row >= 10 and tried_s >= 1e6)
    assert bool(step.reason) == (step.kind == "give up")
