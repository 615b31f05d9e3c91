"""A real PostgreSQL of a test's own: an empty cluster in a temporary folder, reached by a Unix socket alone."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_START_S = 30.0
_PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)

IS_INSTALLED = _PROGRAMS is not None
"""Whether a cluster can be made here, by Debian's package."""


class PostgresCluster:
    """A cluster whose server runs until ``close``."""

    def __init__(self) -> None:
        assert _PROGRAMS is not None
        self._programs = _PROGRAMS
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # a socket's path has 107 bytes at most
        self._user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        if self._user:
            shutil.chown(self._folder, self._user, self._user)
        self._numbers = itertools.count(1)
        making = [str(self._programs / "initdb"), "--pgdata", str(self._folder / "data"), "--username", "edgeguard"]
        subprocess.run(
            [*making, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            user=self._user,
            group=self._user,
        )
        self.start()

    def start(self) -> None:
        """Starts the server, and returns once it answers."""
        settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self._folder}", "-c", "fsync=off"]
        self._server = subprocess.Popen(
            [self._programs / "postgres", "-D", self._folder / "data", *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            user=self._user,
            group=self._user,
        )
        give_up = time.monotonic() + _START_S
        while True:
            try:
                self._connection().close()
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > give_up:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Ends the server as a machine does that shuts down: every session is cut off."""
        self._server.send_signal(signal.SIGINT)
        self._server.wait(_START_S)

    def kill(self) -> None:
        """Ends the server as a crash does; its next start recovers what was committed."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(_START_S)

    def new_database(self) -> str:
        """SQLAlchemy's address of an empty database."""
        name = f"coordinator{next(self._numbers)}"
        with self._connection() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://edgeguard@/{name}?host={self._folder}"

    def close(self) -> None:
        """Ends the server and removes all it wrote."""
        self.stop()
        shutil.rmtree(self._folder)

    def _connection(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._folder), user="edgeguard", dbname="postgres", autocommit=True, connect_timeout=2
        )
