"""Where clips lie, and what kinds of files they are."""

import hashlib
import os
from pathlib import Path

from fl_protocol.messages import ClipMediaType

MEDIA_TYPE_BY_SUFFIX: dict[str, ClipMediaType] = {".mp4": "video/mp4", ".webm": "video/webm"}


def clip_paths(folder: Path, alert_id: str) -> list[Path]:
    """Where the clip of an alert may be, by kind of file."""
    return [folder / f"{alert_id}{suffix}" for suffix in MEDIA_TYPE_BY_SUFFIX]


def part_path(path: Path) -> Path:
    """Where a clip is written before it is whole."""
    return path.with_name(f".{path.name}.part")


def clip_digest(path: Path) -> str:
    """SHA-256 of a clip, which is on the disk afterwards.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return digest


def remove_parts(folder: Path, but: set[str]) -> None:
    """Removes what is left of clips whose alerts nobody completes any more.

    Args:
        folder: Of the clips.
        but: Alerts whose clips are still to be made whole.
    """
    for left in folder.glob(".*.part"):
        if left.name[1:].partition(".")[0] not in but:
            left.unlink()
