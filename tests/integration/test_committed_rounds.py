"""Committed rounds on real databases: processes that race for them, and processes that are killed in between."""

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fl_server.storage import open_storage
from fl_server.storage.rounds import list_rounds
from fl_server.storage.trainings import find_training, want_training
from tests.fakes.postgres_cluster import PostgresCluster

ROOT = Path(__file__).parents[2]
WRITER = [sys.executable, "-m", "tests.fakes.training_writer"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    """Address of an empty database; None is a file in the state folder."""
    if request.param == "sqlite":
        return None
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.new_database()


def test_kill_before_any_statement_loses_nothing_but_the_open_round(tmp_path: Path, database: str | None) -> None:
    ended = subprocess.run(
        [*WRITER, "kill", database or "", str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    found: list[dict[str, Any]] = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(found) > 12
    for one in found:
        assert one["states"] == one["records"] == (one["last"] or 0)
        assert one["are_arrays_of_last"]
    for before, after in itertools.pairwise(found):
        assert 0 <= after["states"] - before["states"] <= 1
        for older, newer in zip(before["epochs"], after["epochs"], strict=True):
            assert older <= newer <= older + 1
    assert [one["is_whole"] for one in found] == [False] * (len(found) - 1) + [True]
    assert found[-1]["states"] == found[-2]["states"] + 1
    assert found[0]["epochs"] == [0, 0]


def test_of_two_processes_that_race_the_older_is_fenced_off_and_no_round_is_there_twice(
    tmp_path: Path, database: str | None
) -> None:
    storage = open_storage(database, tmp_path)
    training_id = want_training(storage, 100, {}).training_id
    command = [*WRITER, "race", database or "", str(tmp_path), training_id, str(time.time() + 3.0)]
    racing = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
    told = sorted((json.loads(one.communicate(timeout=60)[0]) for one in racing), key=lambda facts: facts["epoch"])
    assert [facts["epoch"] for facts in told] == [1, 2]
    assert told[1]["num_committed"] == 20
    total = told[0]["num_committed"] + 20
    assert sorted(one.round_number for one in list_rounds(storage, 100)) == list(range(1, total + 1))
    assert find_training(storage, training_id).num_committed == total
    storage.close()
