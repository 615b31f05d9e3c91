"""When the frames of a source were seen, and when those of a recorded one are due."""

import time

from fl_client.capture.live_clock import LiveClock
from fl_client.capture.source import Source


class Instants:
    """Turns times in the source into instants: counted from a file's start, or kept near the clock."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._first_s: float | None = None
        self._clock = LiveClock()
        self._epoch_s = time.time() - time.monotonic()  # read once: the clock may be set while we watch

    @property
    def has_begun(self) -> bool:
        """Whether anything has arrived."""
        return self._first_s is not None or self._clock.offset_s is not None

    def arrived(self, time_s: float) -> float:
        """The instant of what arrives now and has ``time_s`` in the source; seconds since 1970 UTC."""
        if self._source.is_live:
            self._clock, instant_s = self._clock.instant(time_s, self._epoch_s + time.monotonic())
            return instant_s
        self._first_s = time_s if self._first_s is None else self._first_s
        return self._source.start_s + time_s - self._first_s

    def of(self, time_s: float) -> float:
        """The instant of ``time_s`` in the source, by what has arrived so far."""
        if self._source.is_live and self._clock.offset_s is not None:
            return time_s + self._clock.offset_s
        return self.arrived(time_s)


class Pacer:
    """Holds frames of a recorded source back until they are due."""

    def __init__(self, source: Source) -> None:
        self._is_paced = not (source.is_live or source.is_fast)
        self._began: float | None = None

    def wait_until(self, time_s: float) -> None:
        """Sleeps until ``time_s`` in the source is due; the first call says what is due now."""
        if self._began is None:
            self._began = time.monotonic() - time_s
        elif self._is_paced:
            time.sleep(max(0.0, self._began + time_s - time.monotonic()))
