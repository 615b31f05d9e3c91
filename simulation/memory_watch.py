"""Peak memory of a process and all its descendants together."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psutil

INTERVAL_S = 0.5


def resident_bytes(process: psutil.Process) -> int:
    """Resident memory; shared pages count for every process that maps them."""
    return int(process.memory_info().rss)


def proportional_bytes(process: psutil.Process) -> int:
    """Resident memory; a page that n processes share counts 1/n for each of them. Linux only, and slower to ask for."""
    return int(process.memory_full_info().pss)


class MemoryWatch:
    """Samples the memory of a process and its descendants while in use.

    Args:
        root: The process; this one when absent.
        num_bytes: Memory of one process.
        interval_s: Between samples.

    Attributes:
        peak_mb: Largest sum seen so far, in MB of 10**6 bytes.
    """

    def __init__(
        self,
        root: psutil.Process | None = None,
        num_bytes: Callable[[psutil.Process], int] = resident_bytes,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.peak_mb, self._interval_s = 0.0, interval_s
        self._root, self._num_bytes = root or psutil.Process(), num_bytes
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, self._tree_bytes() / 1e6)
            if self._stopped.wait(self._interval_s):
                return

    def _tree_bytes(self) -> int:
        return sum(self._bytes_while_it_lives(process) for process in process_tree(self._root))

    def _bytes_while_it_lives(self, process: psutil.Process) -> int:
        try:
            return self._num_bytes(process)
        except psutil.NoSuchProcess:  # it ended since it was listed
            return 0


def process_tree(root: psutil.Process) -> list[psutil.Process]:
    """A process and its descendants; none once it has ended."""
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
