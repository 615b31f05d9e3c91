"""Files that are there whole or not at all, also after a kill or a power cut.

* The content goes into a new file beside the target and is flushed to the disk before it takes the target's name.
* Renaming within a folder is atomic; the folder is flushed after it, so that the name survives a power cut.
* A kill in between leaves the target as it was, and a ``.NAME.RANDOM.part`` that nobody reads.
"""

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replaces the file at ``path`` by ``content`` in one step. A link is replaced, not followed.

    Args:
        path: The target; its folder must exist.
        content: The whole content.
        mode: Permissions of the new file, whatever the process's umask.

    Raises:
        OSError: The folder is absent, full or not writable; the target is then as before.
    """
    descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(part).replace(path)
    except BaseException:  # also a stop signal must not leave the part behind
        with contextlib.suppress(OSError):
            Path(part).unlink()
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
