"""One job in a process of its own, measured from outside: seconds from its start, memory of it and all it starts."""

import contextlib
import dataclasses
import itertools
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TextIO

import psutil

from benchmarks.simulation_scale.job import Job
from simulation.memory_watch import MemoryWatch, process_tree, proportional_bytes

_ROOT = Path(__file__).parents[2]
_LAST_LINES, _PAUSE_S = 30, 0.5
_QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "OMP_NUM_THREADS": "1",
}
_INTERVAL_S = 0.05
"""Between samples of memory: the shortest measurement takes less than half a second."""


class EngineError(Exception):
    """An engine did not run all its rounds."""


@dataclasses.dataclass(frozen=True)
class Figures:
    """One run of an engine."""

    first_result_s: float
    """From the start of the process to the end of the first round."""
    round_s: float
    """Median of the later rounds."""
    peak_mb: float
    """Resident memory of all processes; a shared page counts for each of them."""
    peak_shared_once_mb: float
    """The same, a shared page counted once."""


def measured(python: str, job: Job) -> Figures:
    """Runs a job to its end.

    Args:
        python: Interpreter that has the engine.
        job: Which; its folder is replaced by a temporary one, which is also the home of the process.

    Raises:
        EngineError: The interpreter cannot be started, or the run failed or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="scale") as folder, (Path(folder) / "log").open("w+") as log:
        own = dataclasses.replace(job, folder=folder)
        began_s = time.monotonic()
        root = _started(python, own, log)
        with (
            MemoryWatch(root, interval_s=_INTERVAL_S) as resident,
            MemoryWatch(root, proportional_bytes, _INTERVAL_S) as shared_once,
        ):
            _wait(root, own, log)
        ended_s = own.marked_s()
    later_s = [after - before for before, after in itertools.pairwise(ended_s)]
    return Figures(ended_s[0] - began_s, statistics.median(later_s), resident.peak_mb, shared_once.peak_mb)


def _started(python: str, job: Job, log: TextIO) -> psutil.Popen:
    home = {"HOME": job.folder, "FLWR_HOME": job.folder, "PYTHONPATH": str(_ROOT)}
    command = [python, "-m", "benchmarks.simulation_scale.engine", job.encode()]
    try:
        return psutil.Popen(command, cwd=_ROOT, env=os.environ | _QUIET | home, stdout=log, stderr=subprocess.STDOUT)
    except OSError as error:
        raise EngineError(f"{python}: expected an interpreter, cannot be started: {error.strerror}") from error


def _wait(root: psutil.Popen, job: Job, log: TextIO) -> None:
    """Waits for the end; ends whatever a run that failed has left."""
    known: set[psutil.Process] = set()
    give_up_s = time.monotonic() + job.deadline_s
    try:
        while root.poll() is None:
            known.update(process_tree(root))
            if time.monotonic() > give_up_s:
                raise EngineError(f"{job.engine}, {job.num_clients} clients: not done after {job.deadline_s:g} s")
            time.sleep(_PAUSE_S)
    finally:
        for process in known | set(process_tree(root)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        root.wait()
    if root.returncode or not job.marks_file.exists() or len(job.marked_s()) != job.num_rounds:
        log.seek(0)
        said = "".join(log.readlines()[-_LAST_LINES:])
        raise EngineError(f"{job.engine}, {job.num_clients} clients: ended with status {root.returncode}: {said}")
