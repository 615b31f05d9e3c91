"""Where the time of a frame goes, stage by stage."""

import contextlib
import time
from collections.abc import Iterator


class StageClock:
    """Adds up the wall time of named stages."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self.num_frames = 0

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times what runs inside; stages must not nest."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - began

    def next_frame(self) -> None:
        """Counts one frame more."""
        self.num_frames += 1

    def ms_per_frame(self) -> dict[str, float]:
        """Mean milliseconds a frame by stage, in the order in which stages first ran; empty before any frame."""
        if not self.num_frames:
            return {}
        return {name: 1000.0 * seconds / self.num_frames for name, seconds in self._seconds.items()}
