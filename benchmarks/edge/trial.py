"""What one trial measured, and the search for the most cameras."""

import dataclasses
from collections.abc import Callable

MOST_DROPPED_SHARE = 0.01
MOST_LATE_S = 1.0


@dataclasses.dataclass(frozen=True)
class Trial:
    """Some cameras for some seconds.

    Attributes:
        num_cameras: Cameras.
        dropped_share: Of the frames that were to be looked at, how many were not.
        late_s: How late frames were looked at towards the end, in seconds; a backlog that grows shows here.
        least_fps: Least number of pictures a second that any camera was looked at.
        recall: Share of the events that raised an alert.
        alert_p95_s: 95 % of the alerts were stored within so many seconds of the first frame that shows movement; None
            without alerts.
        cores: Processor time a second.
        memory_mb: Of all processes, shared pages counted once.
    """

    num_cameras: int
    dropped_share: float
    late_s: float
    least_fps: float
    recall: float
    alert_p95_s: float | None
    cores: float
    memory_mb: float

    @property
    def is_sustained(self) -> bool:
        """Whether the box kept up."""
        return self.dropped_share <= MOST_DROPPED_SHARE and self.late_s <= MOST_LATE_S and self.least_fps >= 5.0


def most_sustained(run: Callable[[int], Trial], first: int, most: int) -> list[Trial]:
    """All trials of a search for the most cameras that are sustained: doubles, then halves the distance.

    Args:
        run: Tries a number of cameras.
        first: Number to begin with.
        most: Number never exceeded.
    """
    trials = [run(first)]
    low, high = (first, most + 1) if trials[0].is_sustained else (0, first)
    while high - low > max(1, low // 16):  # to about six per cent
        middle = min(2 * low, most) if high > most and 2 * low <= most else (low + high) // 2
        if middle in {low, high}:
            break
        trials.append(run(middle))
        low, high = (middle, high) if trials[-1].is_sustained else (low, middle)
    return trials


def best(trials: list[Trial]) -> Trial | None:
    """The sustained trial with the most cameras."""
    return max((one for one in trials if one.is_sustained), key=lambda one: one.num_cameras, default=None)
