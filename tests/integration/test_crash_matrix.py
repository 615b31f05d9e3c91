"""Whatever is killed, all rounds that are wanted are committed, each once, and their model is published.

The long form, ``make crashes``, ends programs at random instants for ``EDGEGUARD_CRASH_MINUTES`` minutes.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.integration.crash_federation import SERVER_APP, SITES, CrashFederation, Ended

NUM_ROUNDS = 3
NUM_ENDS, LONGEST_PAUSE_S = 4, 40.0
"""In one training of the long form."""
_PROGRAMS = ("superlink", "superexec", "coordinator", SERVER_APP, *SITES)
_MINUTES = float(os.environ.get("EDGEGUARD_CRASH_MINUTES", "0"))
_NO_END_S = 7 * 24 * 3600


@pytest.mark.timeout(900)
def test_kill_of_coordinator_superlink_and_server_app_costs_no_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CrashFederation(tmp_path, monkeypatch) as federation:
        wanted = federation.want(NUM_ROUNDS)
        federation.wait_for(federation.server_apps, "server app")
        federation.end("coordinator")
        federation.wait_for(lambda: federation.num_committed(wanted) >= 1, "first round")
        federation.end("superlink")
        federation.wait_for(lambda: federation.num_committed(wanted) >= 2, "round after the SuperLink's end")
        federation.end(SERVER_APP)
        assert federation.ended(wanted) == _done(0, NUM_ROUNDS)


@pytest.mark.timeout(_NO_END_S)
@pytest.mark.skipif(not _MINUTES, reason="takes as long as it is told to: make crashes")
def test_ends_at_random_instants_cost_no_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = int(os.environ.get("EDGEGUARD_CRASH_SEED", str(time.time_ns())))
    sys.stdout.write(f"EDGEGUARD_CRASH_SEED={seed}\n")
    rng, give_up, last_round = random.Random(seed), time.monotonic() + 60 * _MINUTES, 0
    with CrashFederation(tmp_path, monkeypatch) as federation:
        while time.monotonic() < give_up:
            wanted = federation.want(NUM_ROUNDS)
            for _ in range(NUM_ENDS):
                time.sleep(rng.uniform(0.0, LONGEST_PAUSE_S))
                name, number = rng.choice(_PROGRAMS), rng.choice([signal.SIGKILL, signal.SIGTERM])
                sys.stdout.write(f"{federation.num_committed(wanted)} rounds: {number.name} to {name}\n")
                federation.end(name, number)
            assert federation.ended(wanted) == _done(last_round, NUM_ROUNDS)
            last_round += NUM_ROUNDS


def _done(last_round: int, num_rounds: int) -> Ended:
    numbers = tuple(range(last_round + 1, last_round + num_rounds + 1))
    return Ended("done", num_rounds, numbers, numbers[-1])
