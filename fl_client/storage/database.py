"""The client's SQLite file: every commit is on the disk before it returns, so that a power cut loses none."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from fl_client.errors import StateError

SCHEMA_VERSION = 2

_BUSY_TIMEOUT_S = 5.0
_RETRY_S = 0.01
_ALERTS_AND_OUTBOX = (
    """CREATE TABLE alerts (
        alert_id TEXT PRIMARY KEY,
        report TEXT NOT NULL,
        is_complete INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE outbox (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        alert_id TEXT NOT NULL REFERENCES alerts (alert_id),
        refusal TEXT
    ) STRICT""",
    """CREATE TABLE cursors (
        name TEXT PRIMARY KEY,
        position INTEGER NOT NULL
    ) STRICT""",
)
_RECORDINGS = (
    """CREATE TABLE segments (
        camera TEXT NOT NULL,
        name TEXT NOT NULL,
        began_s REAL NOT NULL,
        ended_s REAL,
        num_bytes INTEGER NOT NULL,
        tier INTEGER NOT NULL,
        PRIMARY KEY (camera, name)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX segments_by_time ON segments (camera, began_s)",
    """CREATE TABLE gaps (
        camera TEXT NOT NULL,
        began_s REAL NOT NULL,
        ended_s REAL NOT NULL,
        cause TEXT NOT NULL
    ) STRICT""",
)
_TABLES_OF_VERSION = (_ALERTS_AND_OUTBOX, _RECORDINGS)
"""What each version added to the one before."""


class Database:
    """One connection, used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All changes made inside are committed together, or not at all."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()


def open_database(path: Path | None) -> Database:
    """Opens the file at ``path``, creating it with its tables; None keeps it in memory, for tests.

    Raises:
        StateError: The file is no database, is damaged, or was written by a newer version.
    """
    connection = None
    try:
        connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        return _prepared(connection, str(path))
    except (sqlite3.Error, StateError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, StateError):
            raise
        raise StateError(f"{path}: cannot be used as the client's database ({error})") from error


def _prepared(connection: sqlite3.Connection, name: str) -> Database:
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    database = Database(connection)
    with database.transaction():  # another process may be creating the same tables
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if not 0 <= version <= SCHEMA_VERSION:
            raise StateError(f"{name}: expected schema version {SCHEMA_VERSION}, got {version}")
        for table in (one for tables in _TABLES_OF_VERSION[version:] for one in tables):
            connection.execute(table)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return database


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switches the file to a write-ahead log; here SQLite does not wait for other processes by itself."""
    give_up = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > give_up:
                raise
            time.sleep(_RETRY_S)
        else:
            return
