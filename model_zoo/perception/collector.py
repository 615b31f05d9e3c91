"""Windows of the last steps of each track: what becomes a tubelet once its context is known."""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model_zoo.perception.tracker import LOST_MISSES
from model_zoo.perception.tubelet import NUM_STEPS, ObservedObject

MIN_AGE = 4
"""Observations a track needs before it makes a window: younger ones are mostly noise."""


@dataclasses.dataclass(frozen=True)
class Window:
    """The last ``NUM_STEPS`` observations of one track, oldest first.

    Frames in which it was missed leave no step. A younger track is padded on the left with its first observation.
    """

    track_id: int
    crops: npt.NDArray[np.uint8]  # (T, S, S)
    boxes: npt.NDArray[np.float32]  # (T, 4)
    motion: npt.NDArray[np.float32]  # (T, M)


@dataclasses.dataclass
class _History:
    steps: collections.deque[ObservedObject]
    num_observed: int
    last_update: int


class TubeletCollector:
    """Collects the objects of one camera, frame by frame, into windows.

    Args:
        stride: A track yields a window at every so many observations.
    """

    def __init__(self, stride: int = 4) -> None:
        if stride < 1:
            raise ValueError(f"expected a stride of at least 1, got {stride}")
        self._stride = stride
        self._histories: dict[int, _History] = {}
        self._num_updates = 0

    def update(self, objects: Sequence[ObservedObject]) -> tuple[Window, ...]:
        """Takes the objects of the next frame; returns the windows that end now, one every ``stride`` observations."""
        self._num_updates += 1
        for seen in objects:
            history = self._histories.setdefault(
                seen.track_id, _History(collections.deque(maxlen=NUM_STEPS), 0, self._num_updates)
            )
            history.steps.append(seen)
            history.num_observed += 1
            history.last_update = self._num_updates
        oldest = self._num_updates - LOST_MISSES
        self._histories = {key: value for key, value in self._histories.items() if value.last_update >= oldest}
        return tuple(_window(history) for history in self._current() if self._is_due(history))

    def latest(self) -> tuple[Window, ...]:
        """The windows of all objects in the last frame that are old enough, for scoring every frame."""
        return tuple(_window(history) for history in self._current())

    def _current(self) -> list[_History]:
        return [
            history
            for history in self._histories.values()
            if history.last_update == self._num_updates and history.num_observed >= MIN_AGE
        ]

    def _is_due(self, history: _History) -> bool:
        return (history.num_observed - MIN_AGE) % self._stride == 0


def _window(history: _History) -> Window:
    steps = list(history.steps)
    steps = [steps[0]] * (NUM_STEPS - len(steps)) + steps
    return Window(
        steps[-1].track_id,
        np.stack([step.crop for step in steps]),
        np.stack([step.box for step in steps]),
        np.stack([step.motion for step in steps]),
    )
