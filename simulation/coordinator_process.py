"""The real coordinator as a child process on a free port of this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulation.errors import CoordinatorStartError

STOP_TIMEOUT_S = 10.0


@contextmanager
def running_coordinator(state_dir: Path, log_path: Path) -> Iterator[str]:
    """Runs ``python -m fl_server`` over a state folder; gives its address.

    Args:
        state_dir: The coordinator's folder.
        log_path: Where its log goes.

    Raises:
        CoordinatorStartError: It did not start; the log says why.
    """
    command = [sys.executable, "-m", "fl_server", "--port", "0", "--state", str(state_dir)]
    root = str(Path(__file__).resolve().parent.parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    with (
        log_path.open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment) as process,  # noqa: S603
    ):
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise CoordinatorStartError(f"the coordinator did not start: see {log_path}")
            yield str(json.loads(line)["address"])
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
