"""The coordinator's storage on a PostgreSQL that is new, restarts, crashes, or is not there."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from flwr.app import Message

from fl_server.errors import ConflictError, StartError
from fl_server.storage import open_storage
from fl_server.storage.rounds import list_rounds
from fl_server.storage.tables import TrainingLeaseRow, TrainingRow
from fl_server.storage.trainings import abandon_training, find_training, want_training
from fl_server.training_run import train_and_publish
from tests.fakes.postgres_cluster import PostgresCluster
from tests.fakes.site_fleet import SiteFleet
from tests.integration.test_training_runs import SITES, options

ROOT = Path(__file__).parents[2]


def test_coordinators_that_start_together_on_an_empty_database_make_its_tables_once(
    tmp_path: Path, postgres: PostgresCluster
) -> None:
    address = postgres.new_database()
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_storage, [address] * 4, [tmp_path] * 4))
    assert {want_training(one, 1, {}).num_committed for one in opened} == {0}
    for one in opened:
        one.close()


@pytest.mark.parametrize("end", [PostgresCluster.stop, PostgresCluster.kill])
def test_database_that_restarts_between_rounds_costs_none(
    tmp_path: Path, postgres: PostgresCluster, end: Callable[[PostgresCluster], None]
) -> None:
    storage = open_storage(postgres.new_database(), tmp_path)
    given = options(tmp_path, training=want_training(storage, 3, {}).training_id)
    num_asked = 0

    def restarting(message: Message) -> Message | None:
        nonlocal num_asked
        num_asked += message.metadata.message_type == "train"
        if num_asked == 2:
            end(postgres)
            postgres.start()
        return SITES[101](message)

    train_and_publish(SiteFleet(SITES | {101: restarting}), given, storage)
    assert num_asked == 3
    assert sorted(one.round_number for one in list_rounds(storage, 10)) == [1, 2, 3]
    assert find_training(storage, given.training).status == "done"
    storage.close()


def test_run_whose_database_is_gone_ends_and_the_next_goes_on_with_the_open_round(
    tmp_path: Path, postgres: PostgresCluster
) -> None:
    storage = open_storage(postgres.new_database(), tmp_path)
    given = options(tmp_path, training=want_training(storage, 2, {}).training_id)

    def ending(message: Message) -> Message | None:
        if message.metadata.message_type == "train" and list_rounds(storage, 10):
            postgres.kill()
        return SITES[101](message)

    with pytest.raises(sa.exc.OperationalError):
        train_and_publish(SiteFleet(SITES | {101: ending}), given, storage)
    postgres.start()
    train_and_publish(SiteFleet(SITES), given, storage)
    assert sorted(one.round_number for one in list_rounds(storage, 10)) == [1, 2]
    assert find_training(storage, given.training).status == "done"
    storage.close()


def test_process_that_hangs_in_a_transaction_holds_nobody_up_for_long(
    tmp_path: Path, postgres: PostgresCluster
) -> None:
    storage = open_storage(postgres.new_database(), tmp_path)
    with storage.engine.connect() as connection:
        names = ("lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")
        told = [connection.scalar(sa.text(f"SHOW {name}")) for name in names]
    assert told == ["30s", "20s", "read committed"]
    storage.close()


def test_training_that_ends_while_somebody_abandons_it_stays_done(tmp_path: Path, postgres: PostgresCluster) -> None:
    storage = open_storage(postgres.new_database(), tmp_path)
    training_id = want_training(storage, 1, {}).training_id
    with ThreadPoolExecutor(1) as pool:
        with storage.writing() as session:
            session.execute(sa.select(TrainingLeaseRow).with_for_update())
            abandoning = pool.submit(abandon_training, storage, training_id, "not needed")
            time.sleep(0.5)  # it waits for the lease
            session.execute(sa.update(TrainingRow).values(status="done"))
        with pytest.raises(ConflictError, match="it is done"):
            abandoning.result(timeout=30)
    assert find_training(storage, training_id).status == "done"
    storage.close()


def test_database_that_is_not_there_is_named_in_one_line(tmp_path: Path) -> None:
    address = f"postgresql+psycopg://edgeguard@/coordinator?host={tmp_path}"
    command = [sys.executable, "-m", "fl_server", "--database", address, "--state", str(tmp_path / "state")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: cannot use the database postgresql+psycopg://edgeguard@/coordinator?host=")
    assert "No such file or directory" in line


def test_driver_that_is_missing_says_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StartError, match=r"cannot use the database .*: pip install 'edgeguard\[postgres\]'$"):
        open_storage("postgresql+psycopg:///coordinator", tmp_path)
