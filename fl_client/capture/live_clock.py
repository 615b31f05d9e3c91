"""Instants of a live camera's frames: the camera's own rhythm, kept near our clock.

Frames arrive in bursts (a connection begins with what the camera had buffered), so their arrival says little about
how much time passed between them, and speeds computed from it would be wrong. The camera's time stamps say that well,
but not what time it is, and they drift.
"""

import dataclasses

SLEW = 0.002
"""Share of the difference to our clock that each frame makes up for: 1 s ahead distorts speeds by 2 % at 10 fps."""
JUMP_S = 10.0
"""Difference beyond which the camera's time has jumped, and is set anew."""


@dataclasses.dataclass(frozen=True)
class LiveClock:
    """What to add to a camera's time stamps to have instants; None before the first frame."""

    offset_s: float | None = None

    def instant(self, time_s: float, now_s: float) -> "tuple[LiveClock, float]":
        """The instant of a frame.

        Args:
            time_s: The camera's time stamp.
            now_s: When it arrived, on a clock that never jumps; seconds since 1970 UTC.

        Returns:
            The clock after this frame, and the frame's instant in seconds since 1970 UTC.
        """
        offset_s = now_s - time_s if self.offset_s is None else self.offset_s
        behind_s = now_s - (time_s + offset_s)
        offset_s += behind_s * (1.0 if abs(behind_s) > JUMP_S else SLEW)
        return LiveClock(offset_s), time_s + offset_s
