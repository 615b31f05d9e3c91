"""Folders that are there whole or not at all, and reading from them."""

import contextlib
import dataclasses
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.errors import DeployError
from fl_runtime.atomic_file import write_atomically

PRIVATE, PUBLIC, PROGRAM = 0o600, 0o644, 0o755
"""Permissions: of secrets, of what anyone may read, of scripts."""
MAX_FILE_BYTES = 2_000_000


@dataclasses.dataclass(frozen=True)
class PlannedFile:
    """What a file is to hold, and who may read it."""

    content: bytes
    mode: int = PUBLIC


Plan = Mapping[str, PlannedFile]
"""Files by path within the folder."""


def make_folder(folder: Path, plan: Plan) -> None:
    """Makes ``folder`` with all planned files, or leaves nothing of it.

    Raises:
        DeployError: The folder is there already, or cannot be made.
    """
    if os.path.lexists(folder):
        raise DeployError(f"{folder}: expected nothing there yet: nothing is overwritten")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        try:
            write_plan(part, plan)
            part.chmod(0o700)
            part.rename(folder)
        except BaseException:  # also a stop signal must not leave keys behind
            shutil.rmtree(part, ignore_errors=True)
            raise
    except OSError as error:
        raise DeployError(f"{folder}: {error.strerror or error}") from error


def write_plan(folder: Path, plan: Plan) -> None:
    """Writes each planned file in one step, in the plan's order; folders in between are made.

    Raises:
        OSError: A file cannot be written; those before it are.
    """
    for name, planned in plan.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, planned.content, planned.mode)


def read_file(path: Path) -> bytes:
    """The content of a file of at most ``MAX_FILE_BYTES``.

    Raises:
        DeployError: It cannot be read or is larger.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DeployError(f"{path}: {error.strerror or error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise DeployError(f"{path}: expected at most {MAX_FILE_BYTES} bytes")
    return content


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lets one command at a time change ``folder``; others wait.

    Raises:
        DeployError: The folder is not there.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise DeployError(f"{folder}: {error.strerror}; was it made with init?") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
