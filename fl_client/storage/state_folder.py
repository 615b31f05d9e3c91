"""The folder one client keeps everything in: ``client.sqlite``, ``alerts/``, ``clips/``, ``models/``, learned state.

Two clients in one folder would write over each other, so the first locks it for as long as it runs; a lock goes away
with its process, whatever kills it.
"""

import dataclasses
import fcntl
from pathlib import Path
from typing import IO, Self

from fl_client.errors import StateError

_SUBFOLDERS = ("alerts", "clips", "models")


@dataclasses.dataclass(frozen=True)
class StateFolder:
    """An open, locked state folder."""

    path: Path
    lock: IO[bytes]

    @property
    def database_path(self) -> Path:
        """SQLite file of alerts, outbox and cursors."""
        return self.path / "client.sqlite"

    @property
    def alerts(self) -> Path:
        """One readable JSON file for each alert."""
        return self.path / "alerts"

    @property
    def clips(self) -> Path:
        """One MP4 or WebM file for each alert."""
        return self.path / "clips"

    @property
    def models(self) -> Path:
        """Models fetched from the coordinator, and which of them is current."""
        return self.path / "models"

    def close(self) -> None:
        """Lets another client use the folder."""
        self.lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_state_folder(path: Path) -> StateFolder:
    """Creates the folder where it is missing, locks it, and clears copies of clips that a killed client was making.

    Raises:
        StateError: The folder is in use, or cannot be created or written.
    """
    try:
        for name in _SUBFOLDERS:
            (path / name).mkdir(parents=True, exist_ok=True)
        lock = (path / "lock").open("ab")
    except OSError as error:
        raise StateError(f"{path}: cannot be used as state folder ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StateError(f"{path}: state folder is in use by another client") from error
    for leftover in (path / "clips").glob(".*.whole"):  # the part it was made from is still there
        leftover.unlink()
    return StateFolder(path, lock)
