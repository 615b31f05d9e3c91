"""What must be so before a machine takes part, and after: clock, certificate, permissions."""

import datetime as dt
import stat
from collections.abc import Iterator
from pathlib import Path

from deploy.authority import RENEW_BEFORE, remaining
from deploy.clock import MARKER, ask_this_machine, clock_problem
from deploy.coordinator_folder import SERVER_CERTIFICATE
from deploy.folder import read_file

_PRIVATE_NAMES = ("*.key", "*.secret", "enrolments.json")


def problems_of_machine() -> list[str]:
    """What is wrong with this machine's clock, one line each."""
    problem = clock_problem(ask_this_machine, has_marker=MARKER.exists())
    return [problem] if problem else []


def problems_of_folder(folder: Path, now: dt.datetime) -> list[str]:
    """What is wrong with an operator's, coordinator's or box's folder, one line each.

    Raises:
        DeployError: The certificate cannot be read.
    """
    return [*_exposed(folder), *_ending(folder, now)]


def _exposed(folder: Path) -> Iterator[str]:
    for pattern in _PRIVATE_NAMES:
        for path in sorted(folder.rglob(pattern)):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                yield f"{path}: expected no access for others (mode 600), got {mode:o}"


def _ending(folder: Path, now: dt.datetime) -> Iterator[str]:
    path = folder / SERVER_CERTIFICATE
    if path.exists():
        left = remaining(read_file(path), now)
        if left < RENEW_BEFORE:
            yield f"{path}: {left.days} days left: renew it at the operator's"
