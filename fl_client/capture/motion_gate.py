"""Whether a picture is worth handing over: a quiet scene costs next to nothing, and is never out of sight.

Rules:

1. While anything moves, and for ``LINGER_S`` after, every picture passes.
2. While the inference program sees anything at all, moving or not, every picture passes.
3. Otherwise one passes every ``KEEP_S``: daylight is followed, and what is too faint for this gate is seen after all.
4. Where something begins to move, the picture before goes first: movement needs two.
"""

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

KEEP_S = 0.8
"""Well below the second that may lie between two pictures for the time to count as watched."""
LINGER_S = 2.0
WIDTH_CELLS = 160
"""Pictures are compared by the brightness of so many squares across."""
PATCH_CELLS = 3
"""Squares that must change together: what a codec does to one alone is no movement."""
CHANGE_BOUNDS = (3.0, 12.0)
"""Grey levels by which a patch must differ from what it usually shows, at least; and by which one is enough in any
noise: what fills the picture, such as a hand, is no noise."""
NOISES = 8.0
"""Between those bounds, so many times the deviation that noise has now."""
MEMORY_S = 0.7
"""Time constant in which the usual follows: what comes to rest is no movement, and what has gone leaves no ghost."""
_DEVIATIONS = 1.4826  # of a normal distribution, in its median absolute deviation

Luma = npt.NDArray[np.uint8]  # (H, W)
Cells = npt.NDArray[np.float32]  # (h, WIDTH_CELLS)


@dataclasses.dataclass
class MotionGate:
    """One camera's gate.

    Attributes:
        is_busy: Whether the inference program sees anything; it does until it says otherwise.
        usual: What the squares show while nothing moves; None before the first picture.
        moved_s: When anything moved last.
        passed_s: When a picture passed last.
        looked_s: Instant of the last picture.
    """

    is_busy: bool = True
    usual: Cells | None = None
    moved_s: float = 0.0
    passed_s: float = 0.0
    looked_s: float = 0.0

    def passes(self, luma: Luma, instant_s: float) -> bool:
        """Takes the next picture's brightness, ``(H, W)``; whether it is worth handing over."""
        cells = _cells(luma)
        step_s = instant_s - self.looked_s
        self.looked_s = instant_s
        if self.usual is None or self.usual.shape != cells.shape or not 0.0 <= step_s <= LINGER_S:
            self.usual, self.moved_s, self.passed_s = cells, instant_s, instant_s
            return True
        difference = cells - self.usual
        change = np.abs(cv2.blur(difference, (PATCH_CELLS, PATCH_CELLS)))
        noise = _DEVIATIONS * float(np.median(change[::4, ::4]))
        if float(change.max()) > min(max(NOISES * noise, CHANGE_BOUNDS[0]), CHANGE_BOUNDS[1]):
            self.moved_s = instant_s
        self.usual += np.float32(min(1.0, step_s / MEMORY_S)) * difference
        is_awake = self.is_busy or instant_s - self.moved_s <= LINGER_S
        if not (is_awake or instant_s - self.passed_s >= KEEP_S):
            return False
        self.passed_s = instant_s
        return True


def _cells(luma: Luma) -> Cells:
    """Mean brightness of the squares; by halves, which OpenCV does much faster than all at once."""
    while luma.shape[1] >= 4 * WIDTH_CELLS:
        half = (luma.shape[1] // 2, max(1, luma.shape[0] // 2))
        luma = np.asarray(cv2.resize(luma, half, interpolation=cv2.INTER_AREA), np.uint8)
    size = (WIDTH_CELLS, max(1, round(luma.shape[0] * WIDTH_CELLS / luma.shape[1])))
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.float32)
