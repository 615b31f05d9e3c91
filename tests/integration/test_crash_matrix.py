"""Whatever is killed, at whichever instant, all rounds that are wanted are committed, each once, and published.

The short form is one training with the worst of it, on PostgreSQL where that is installed. The long form, by
``make crashes`` and on SQLite, ends each program, and all at once, at each instant by each signal, in an order of its
own every night, and says how long it took until the training got to the next instant; what is left of
``EDGEGUARD_CRASH_MINUTES`` goes to random instants. The signals run beside each other, each at a federation of its own.
Flower takes a server app that was killed, or went with its SuperExec, for alive for about a minute and a half.
"""

import dataclasses
import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fakes.held_server_app import INSTANTS
from tests.fakes.postgres_cluster import IS_INSTALLED
from tests.integration.crash_federation import COORDINATOR, MACHINE, PROGRAMS, SUPERLINK, CrashFederation, Ended

NUM_ROUNDS = 2
NUM_ENDS, LONGEST_PAUSE_S = 4, 40.0
"""In one training at random instants."""
_SIGNALS = (signal.SIGKILL, signal.SIGTERM)
_MINUTES = float(os.environ.get("EDGEGUARD_CRASH_MINUTES", "0"))
_NO_END_S = 7 * 24 * 3600


@dataclasses.dataclass(frozen=True)
class End:
    """A program's, at an instant."""

    instant: str
    program: str
    number: signal.Signals


@pytest.mark.timeout(1200)
def test_killed_programs_and_two_server_apps_at_once_cost_no_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    database = request.getfixturevalue("postgres").new_database() if IS_INSTALLED else None
    with CrashFederation(tmp_path, monkeypatch, num_sites=3, database=database) as federation:
        federation.hold("training")
        wanted = federation.want(NUM_ROUNDS)
        federation.held("training")
        federation.end(SUPERLINK)
        federation.end(COORDINATOR)
        federation.hold("aggregated")
        federation.release("training")
        older = federation.held("aggregated")
        federation.start_run(wanted)
        federation.hold("commit")
        newer = federation.held("commit")
        assert sorted(federation.server_apps()) == sorted({older, newer})
        os.kill(newer, signal.SIGKILL)  # its transaction is undone, its lease is not
        federation.release("aggregated")
        federation.wait_for(lambda: not federation.server_apps(), "end of the older server app")
        assert federation.committed() == ()
        _check_ended(federation, wanted, last_round=0)
        assert (
            len([problem for problem in federation.problems() if "expected lease 1 to be the newest" in problem]) == 1
        )


@pytest.mark.timeout(_NO_END_S)
@pytest.mark.skipif(not _MINUTES, reason="takes as long as it is told to: make crashes")
@pytest.mark.parametrize("number", _SIGNALS, ids=lambda number: number.name)
def test_every_end_at_every_instant_costs_no_round(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("EDGEGUARD_CRASH_SEED", str(time.time_ns())))
    _say(f"EDGEGUARD_CRASH_SEED={seed}")
    rng, give_up = random.Random(seed), time.monotonic() + 60 * _MINUTES
    trainings, num_ends = _matrix(number, rng), 0
    with CrashFederation(tmp_path, monkeypatch, num_sites=5) as federation:
        while trainings and time.monotonic() < give_up:
            num_ends += _end_each(federation, trainings.pop())
        _say(f"{num_ends} of {num_ends + sum(map(len, trainings))} ends of the matrix by {number.name}")
        assert not trainings, f"expected the whole matrix within {_MINUTES:g} minutes"
        while time.monotonic() < give_up:
            num_ends += _end_at_random(federation, number, rng)
        _say(f"{num_ends} ends by {number.name}, {len(federation.committed())} rounds, each committed once")


def _matrix(number: signal.Signals, rng: random.Random) -> list[list[End]]:
    """Every program at every instant by a signal, the machine by SIGKILL; a training has every instant once."""
    programs = rng.sample(PROGRAMS, len(PROGRAMS))
    by_training = [[End(instant, MACHINE, number) for instant in INSTANTS]] if number is signal.SIGKILL else []
    for shift in range(len(programs)):
        turned = itertools.cycle(programs[shift:] + programs[:shift])
        by_training.append([End(instant, next(turned), number) for instant in INSTANTS])
    rng.shuffle(by_training)
    return by_training


def _end_each(federation: CrashFederation, ends: Sequence[End]) -> int:
    """One training with these ends, instant by instant; returns how many there were."""
    last_round = len(federation.committed())
    federation.hold(ends[0].instant)
    wanted = federation.want(NUM_ROUNDS)
    for end, following in itertools.zip_longest(ends, ends[1:]):
        federation.held(end.instant)
        if following is not None:
            federation.hold(following.instant)
        began_s, name = time.monotonic(), federation.end(end.program, end.number)
        assert name is not None, "the server app that was held is gone"
        federation.release(end.instant)
        if following is None:
            federation.ended(wanted)
        else:
            federation.held(following.instant)
        reached = "end" if following is None else following.instant
        took_s = time.monotonic() - began_s
        _say(f"{end.number.name:8}{name:18}at {end.instant:12}: {took_s:5.1f} s until {reached}")
    _check_ended(federation, wanted, last_round)
    return len(ends)


def _end_at_random(federation: CrashFederation, number: signal.Signals, rng: random.Random) -> int:
    """One training with ends at random instants; returns how many there were: at some no server app runs."""
    last_round, wanted, num_ends = len(federation.committed()), federation.want(NUM_ROUNDS), 0
    for _ in range(NUM_ENDS):
        time.sleep(rng.uniform(0.0, LONGEST_PAUSE_S))
        name = federation.end(rng.choice((*PROGRAMS, MACHINE)), number)
        if name is not None:
            _say(f"{number.name:8}{name:18}after {federation.num_committed(wanted)} rounds")
            num_ends += 1
    _check_ended(federation, wanted, last_round)
    return num_ends


def _check_ended(federation: CrashFederation, wanted: str, last_round: int) -> None:
    assert federation.ended(wanted) == _done(last_round)
    committed = federation.committed()
    assert [one.round_number for one in committed] == list(range(1, last_round + NUM_ROUNDS + 1))
    epochs, leases = [one.secure_epoch for one in committed], [one.lease_epoch for one in committed]
    assert epochs == sorted(set(epochs)), "an epoch was used twice"
    assert leases == sorted(leases), "a run committed after its successor had"


def _done(last_round: int) -> Ended:
    numbers = tuple(range(last_round + 1, last_round + NUM_ROUNDS + 1))
    return Ended("done", NUM_ROUNDS, numbers, numbers[-1])


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
