"""The open storage: one engine, one folder, transactions.

Rules:

1. A request is answered only after its transaction is committed, and a commit is on the disk (SQLite: WAL with full
   synchronisation), so what was accepted survives a kill and a power cut.
2. A file is in place, flushed, before the transaction that names it: a row never points at nothing.
3. Writers on SQLite take the write lock when they begin. A transaction that reads first and then asks for the lock
   fails at once when another wrote in between; one that waits at its start does not.
4. Every wait is bounded: for a lock, for a server, for the rest of a transaction whose process is gone.
5. Whoever changes what belongs to a site locks the site's row first, so sequence numbers appear in their order.
"""

import contextlib
import dataclasses
import datetime as dt
import logging
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import orm

from fl_server.errors import StartError
from fl_server.storage.tables import SCHEMA_VERSION, SchemaVersionRow, Table, TrainingLeaseRow
from fl_server.storage.upgrades import upgrade_step

logger = logging.getLogger(__name__)

_BUSY_TIMEOUT_S = 30
_LONGEST_IDLE_S = 20
"""In a transaction, on PostgreSQL: locks of a process whose machine is gone end then, before waiters give up.
No transaction of ours takes as long."""
_CONNECT_TIMEOUT_S = 10
_SILENCE_S = 60
"""After which a server that acknowledges nothing is given up."""
_SCHEMA_LOCK = 4_713_108_001  # any number; the same for all processes of ours that use one PostgreSQL database


def utc_now() -> dt.datetime:
    """The present instant."""
    return dt.datetime.now(dt.UTC)


@dataclasses.dataclass(frozen=True)
class Storage:
    """An open database and its folder."""

    engine: sa.Engine
    folder: Path
    clock: Callable[[], dt.datetime] = utc_now

    @property
    def clip_folder(self) -> Path:
        """Holds stored clips, named by digest."""
        return self.folder / "clips"

    @property
    def model_folder(self) -> Path:
        """Holds published models, named by digest."""
        return self.folder / "models"

    @property
    def incoming_folder(self) -> Path:
        """Holds clips that are still arriving."""
        return self.folder / "incoming"

    @contextlib.contextmanager
    def reading(self) -> Iterator[orm.Session]:
        """A transaction that changes nothing and waits for no writer."""
        with orm.Session(self.engine.execution_options(is_reading=True)) as session:
            yield session

    @contextlib.contextmanager
    def writing(self) -> Iterator[orm.Session]:
        """A transaction that is committed at the end of the block, or undone on an error."""
        with orm.Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()


def open_storage(database: str | None, folder: Path) -> Storage:
    """Opens the storage, making what is missing.

    Args:
        database: SQLAlchemy address; ``None`` is a SQLite file in ``folder``.
        folder: State folder.

    Raises:
        StartError: The folder or the database cannot be used.
    """
    storage = Storage(_engine(database, folder), folder)
    _make_folders(storage)
    try:
        create_schema(storage.engine)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise _unusable(storage.engine.url, error) from error
    return storage


def create_schema(engine: sa.Engine) -> None:
    """Makes the tables of an empty database, and brings those of an older version to this one.

    Raises:
        StartError: The database was written by a newer version.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # two processes may start on an empty database at once
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
        found = _schema_version(connection)
        if found is None:
            Table.metadata.create_all(connection)
            connection.execute(sa.insert(SchemaVersionRow).values(id=1, version=SCHEMA_VERSION))
            connection.execute(sa.insert(TrainingLeaseRow).values(id=1, epoch=0, secure_epoch=0))
        elif not 1 <= found <= SCHEMA_VERSION:
            raise StartError(f"expected a database of schema version {SCHEMA_VERSION} or older, got version {found}")
        else:
            _upgrade(connection, found)


def listen_to_sqlite(engine: sa.Engine) -> None:
    """Sets up SQLite connections: WAL, full synchronisation, foreign keys, transactions that begin when we say so."""

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver would begin by itself, and late
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        is_reading = connection.get_execution_options().get("is_reading", False)
        connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")


def _engine(database: str | None, folder: Path) -> sa.Engine:
    address = sa.make_url(database) if database else sa.URL.create("sqlite", database=str(folder / "edgeguard.db"))
    is_sqlite = address.get_backend_name() == "sqlite"
    if is_sqlite and address.database in (None, "", ":memory:"):
        raise StartError("expected a SQLite file: a database in memory would lose every alert")
    waits = {"timeout": _BUSY_TIMEOUT_S} if is_sqlite else _postgresql_waits(address)
    options = {} if is_sqlite else {"pool_pre_ping": True, "isolation_level": "READ COMMITTED"}
    try:
        engine = sa.create_engine(address, connect_args=waits, **options)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise _unusable(address, error) from error
    if is_sqlite:
        listen_to_sqlite(engine)
    return engine


def _postgresql_waits(address: sa.URL) -> dict[str, object]:
    """Bounds on waiting, where the address says nothing of them."""
    waits = {
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "tcp_user_timeout": 1000 * _SILENCE_S,
        "options": f"-c lock_timeout={_BUSY_TIMEOUT_S}s -c idle_in_transaction_session_timeout={_LONGEST_IDLE_S}s",
    }
    return {name: bound for name, bound in waits.items() if name not in address.query}


def _make_folders(storage: Storage) -> None:
    try:
        for folder in (storage.folder, storage.clip_folder, storage.model_folder, storage.incoming_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # clips show people
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise StartError(f"cannot use the state folder {storage.folder}: {error.strerror or error}") from error


def _upgrade(connection: sa.Connection, found: int) -> None:
    """Changes older tables step by step, all or none: the caller's transaction holds every step and the new version."""
    for version in range(found, SCHEMA_VERSION):
        upgrade_step(connection, version)
        connection.execute(sa.update(SchemaVersionRow).values(version=version + 1))
        logger.info("database upgraded", extra={"schema_version": version + 1})


def _schema_version(connection: sa.Connection) -> int | None:
    if not sa.inspect(connection).has_table(SchemaVersionRow.__tablename__):
        return None
    return connection.scalar(sa.select(SchemaVersionRow.version))


def _unusable(address: sa.URL, error: Exception) -> StartError:
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig else error
    reason = " ".join(str(cause).split())
    if isinstance(error, ModuleNotFoundError) and error.name == "psycopg":
        reason += ": pip install 'edgeguard[postgres]'"
    return StartError(f"cannot use the database {address.render_as_string()}: {reason}")
