"""Peak memory of this process and all its descendants together."""

import threading
from types import TracebackType
from typing import Self

import psutil

INTERVAL_S = 0.5


class MemoryWatch:
    """Samples resident memory while in use; shared pages count for every process that maps them.

    Attributes:
        peak_mb: Largest sum seen so far, in MB of 10**6 bytes.
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
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
        me = psutil.Process()
        while True:
            self.peak_mb = max(self.peak_mb, _resident_bytes(me) / 1e6)
            if self._stopped.wait(INTERVAL_S):
                return


def _resident_bytes(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:  # it ended since it was listed
            continue
    return total
