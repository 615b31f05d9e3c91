"""Which frames of a source are analysed: an even choice at a lower rate."""

import dataclasses

_EARLY_SHARE = 0.2
"""How much of a step a frame may come early: cameras jitter, and a 10 fps camera must not lose every other frame."""


@dataclasses.dataclass(frozen=True)
class FrameSampler:
    """Chooses at most ``frames_per_s`` frames a second of source time, on average, without drift.

    Attributes:
        frames_per_s: Frames chosen a second, > 0; a slower source has all its frames chosen.
        due_s: Source time at which the next frame is due.
    """

    frames_per_s: float
    due_s: float | None = None

    def choose(self, time_s: float) -> "tuple[FrameSampler, bool]":
        """Whether the frame at ``time_s`` is analysed, and the state after it.

        A source whose time jumps, as after a restart of the camera, begins anew.
        """
        step_s = 1.0 / self.frames_per_s
        due_s = self.due_s
        if due_s is None or time_s < due_s - 2 * step_s:
            due_s = time_s
        if time_s < due_s - _EARLY_SHARE * step_s:
            return dataclasses.replace(self, due_s=due_s), False
        next_s = due_s + step_s if time_s < due_s + step_s else time_s + step_s
        return dataclasses.replace(self, due_s=next_s), True
