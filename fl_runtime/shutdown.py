"""Stopping a process in good order: a flag that signals set and loops wait on."""

import contextlib
import queue
import signal
from collections.abc import Iterator
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopFlag:
    """Says that the process should stop; set once, by a signal or by a caller, from any thread.

    Built on ``queue.SimpleQueue`` because its ``put`` may run inside a signal handler: ``threading.Event`` takes a
    lock that the interrupted ``wait`` of the same thread may hold.
    """

    def __init__(self) -> None:
        self._is_requested = False
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()

    @property
    def stop_requested(self) -> bool:
        """Whether the process should stop."""
        return self._is_requested

    def request_stop(self) -> None:
        """Asks for the stop and wakes everyone who waits."""
        self._is_requested = True
        self._wake.put(None)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Sleeps until a stop is requested or the time is over; returns ``stop_requested``.

        Raises:
            ValueError: ``timeout_s`` is negative.
        """
        if not self._is_requested:
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=timeout_s)
                self._wake.put(None)  # wakes the next one who waits
        return self._is_requested


@contextlib.contextmanager
def stop_on_signals(flag: StopFlag) -> Iterator[StopFlag]:
    """Lets SIGTERM and SIGINT set ``flag`` inside the block; afterwards they mean what they meant before.

    Raises:
        ValueError: Not called in the main thread: Python delivers signals only there.
    """

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        flag.request_stop()

    earlier = {number: signal.signal(number, request_stop) for number in STOP_SIGNALS}
    try:
        yield flag
    finally:
        for number, action in earlier.items():
            signal.signal(number, action)
