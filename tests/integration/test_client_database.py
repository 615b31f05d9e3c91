"""The client's database on disk."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from fl_client.storage.database import open_database

OPENERS = 8


def test_database_that_several_open_at_once_is_created_once(tmp_path: Path) -> None:
    for attempt in range(20):
        path, together = tmp_path / f"{attempt}.sqlite", Barrier(OPENERS)

        def num_alerts(path: Path = path, together: Barrier = together) -> int:
            together.wait(timeout=10)
            with contextlib.closing(open_database(path)) as database, database.transaction() as connection:
                return int(connection.execute("SELECT COUNT(*) FROM alerts").fetchone()[0])

        with ThreadPoolExecutor(OPENERS) as pool:
            counts = [future.result() for future in [pool.submit(num_alerts) for _ in range(OPENERS)]]
        assert counts == [0] * OPENERS
