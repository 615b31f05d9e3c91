"""Runs a command, and measures the processor time and memory of all its processes."""

import dataclasses
import subprocess
import threading
import time
from pathlib import Path

import psutil

_EVERY_S = 2.0


@dataclasses.dataclass(frozen=True)
class Measured:
    """How a command went.

    Attributes:
        status: Its exit status.
        output: What it wrote to standard output.
        log: What it wrote to standard error.
        cores: Processor time a second, between two instants of its run.
        memory_mb: Most memory at any look in between, pages that processes share counted once.
    """

    status: int
    output: str
    log: str
    cores: float
    memory_mb: float


def measured(command: list[str], cores: int, from_s: float, to_s: float, environment: dict[str, str]) -> Measured:
    """Runs a command on so many cores, and looks at it from one instant after its start to another.

    Args:
        command: The command.
        cores: On which it may run, from the first.
        from_s: Seconds after its start.
        to_s: Seconds after its start.
        environment: Its environment.
    """
    bound = ["taskset", "-c", f"0-{cores - 1}", *command]
    process = subprocess.Popen(  # noqa: S603 - our own programs
        bound, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    looks: list[tuple[float, float, float]] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_EVERY_S):
            looks.append((time.monotonic(), *_used(process.pid)))

    began_s = time.monotonic()
    watcher = threading.Thread(target=look)
    watcher.start()
    output, log = process.communicate()
    ended.set()
    watcher.join()
    between = [one for one in looks if from_s <= one[0] - began_s <= to_s]
    used_s = between[-1][1] - between[0][1] if len(between) > 1 else 0.0
    cores_used = used_s / (between[-1][0] - between[0][0]) if len(between) > 1 else 0.0
    return Measured(process.returncode, output, log, cores_used, max((one[2] for one in between), default=0.0) / 1e6)


def _used(pid: int) -> tuple[float, float]:
    """Processor seconds and bytes of a process and all it has started; what has ended is not counted."""
    seconds = used_bytes = 0.0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0, 0.0
    for one in family:
        try:
            times = one.cpu_times()
            seconds += times.user + times.system
            used_bytes += _proportional_bytes(one.pid)
        except (psutil.NoSuchProcess, OSError):
            continue
    return seconds, used_bytes


def _proportional_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
