"""Whether a camera still shows what it is there to show: frozen, covered, or turned elsewhere.

Looks at one small picture a second, and compares its edges with those the camera usually shows in the same operational
state, so that lights which go out at closing are not a hand over the lens. All constants are named here.

1. Frozen: of the last ``FROZEN_SAMPLES`` whole pictures no more than ``FROZEN_DISTINCT`` differ. Sensors are never
   still; an encoder that is fed the same picture repeats a few.
2. Covered, sprayed or out of focus: less than ``COVERED_DETAIL`` of the usual fine detail is left.
3. Moved: the edges are not where they usually are. Turned back, or left so for ``ACCEPT_S``, it is the usual again.
"""

import collections
import dataclasses
import enum
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

SAMPLE_S = 1.0
WIDTH_PX, HEIGHT_PX = 96, 54
REFERENCE_S = 30.0
"""Seconds of a state that are watched before anything is said of it."""
MEMORY_S = 600.0
"""Time constant in which the usual edges follow what changes slowly."""
LASTING_S = 10.0
"""Seconds that covering and turning must last, and be over, before it is told: people come close."""
ACCEPT_S = 600.0
FROZEN_SAMPLES = 30
FROZEN_DISTINCT = 3
COVERED_DETAIL = 0.25
FOCUS_PX = 1.5
"""Of ``WIDTH_PX``: what is finer is fine detail."""
MOVED_LIKENESS = 0.35
"""Correlation of the edges with the usual ones below which the camera looks elsewhere; half a picture full of people
leaves 0.5."""
TELLING_LIKENESS = 0.6
"""How like itself a camera's picture must usually be: in the dark, noise has other edges in every picture."""
SHIFTED_LIKENESS = 0.7
SHIFTED_PX = 3.0
"""Of ``WIDTH_PX``: edges that are all this far from where they were, and fit there, are those of a knocked camera."""

Picture = npt.NDArray[np.uint8]  # (H, W) or (H, W, 3)
Edges = npt.NDArray[np.float32]  # (HEIGHT_PX, WIDTH_PX)


class Tamper(enum.StrEnum):
    """What is wrong with a camera's picture."""

    FROZEN = "frozen"
    COVERED = "covered"
    MOVED = "moved"


@dataclasses.dataclass(frozen=True)
class Change:
    """Something begins to be wrong, or is well again."""

    tamper: Tamper
    is_wrong: bool


class View(NamedTuple):
    """What is compared of a picture.

    Attributes:
        edges: How much it changes at each place, grey levels a pixel of the small picture. ``(HEIGHT_PX, WIDTH_PX)``.
        detail: Mean difference from the same picture out of focus, in grey levels.
    """

    edges: Edges
    detail: float


@dataclasses.dataclass
class _Usual:
    """What a camera shows in one state: its edges, how like them pictures are, and for how long it was watched."""

    edges: Edges
    detail: float
    watched_s: float = 0.0
    likeness: float = 0.0

    def learn(self, view: "View", step_s: float) -> None:
        """Follows slowly; quickly while little was watched."""
        self.watched_s += step_s
        weight = min(1.0, step_s / min(self.watched_s, MEMORY_S))
        self.likeness += weight * (_likeness(view.edges, self.edges) - self.likeness)
        self.detail += weight * (view.detail - self.detail)
        self.edges = np.asarray(self.edges + np.float32(weight) * (view.edges - self.edges), np.float32)


@dataclasses.dataclass
class _Lasting:
    """Since when something has been otherwise than it was told."""

    is_wrong: bool = False
    since_s: float | None = None

    def turned(self, seems_wrong: bool, now_s: float) -> bool:
        """Takes the next sample; whether what is told changes with it."""
        if seems_wrong is self.is_wrong:
            self.since_s = None
            return False
        self.since_s = now_s if self.since_s is None else self.since_s
        if now_s - self.since_s < LASTING_S:
            return False
        self.is_wrong, self.since_s = seems_wrong, None
        return True


class TamperWatch:
    """Watches one camera's pictures."""

    def __init__(self) -> None:
        self._usual: dict[str, _Usual] = {}
        self._prints: collections.deque[int] = collections.deque(maxlen=FROZEN_SAMPLES)
        self._lasting = {Tamper.COVERED: _Lasting(), Tamper.MOVED: _Lasting()}
        self._is_frozen = False
        self._last_s: float | None = None
        self._moved_s: float | None = None

    @property
    def wrong(self) -> Mapping[Tamper, bool]:
        """What is wrong now."""
        return {Tamper.FROZEN: self._is_frozen} | {one: lasting.is_wrong for one, lasting in self._lasting.items()}

    def look(self, picture: Picture, instant_s: float, state: str) -> tuple[Change, ...]:
        """Takes a picture; those that come sooner than ``SAMPLE_S`` after one another are passed over.

        Args:
            picture: As decoded, ``(H, W)`` grey or ``(H, W, 3)`` BGR, of any size.
            instant_s: Seconds on a clock that only goes forward.
            state: Operational state of the site.
        """
        step_s = SAMPLE_S if self._last_s is None else instant_s - self._last_s
        if 0.0 <= step_s < SAMPLE_S:
            return ()
        self._last_s = instant_s
        self._prints.append(zlib.crc32(np.ascontiguousarray(picture).data))
        changes = self._frozen()
        if not self._is_frozen:
            changes += self._beside_the_usual(view_of(picture), instant_s, min(max(step_s, 0.0), 2 * SAMPLE_S), state)
        return tuple(changes)

    def _frozen(self) -> list[Change]:
        is_frozen = len(self._prints) == FROZEN_SAMPLES and len(set(self._prints)) <= FROZEN_DISTINCT
        if is_frozen is self._is_frozen:
            return []
        self._is_frozen = is_frozen
        return [Change(Tamper.FROZEN, is_frozen)]

    def _beside_the_usual(self, view: View, now_s: float, step_s: float, state: str) -> list[Change]:
        usual = self._usual.setdefault(state, _Usual(view.edges, view.detail))
        if usual.watched_s < REFERENCE_S:
            usual.learn(view, step_s)
            return []
        is_covered = view.detail < COVERED_DETAIL * usual.detail
        can_tell = usual.likeness >= TELLING_LIKENESS and not is_covered
        is_moved = can_tell and _has_moved(view.edges, usual, was_moved=self._lasting[Tamper.MOVED].is_wrong)
        if not (is_covered or is_moved):
            usual.learn(view, step_s)
        self._moved_s = (now_s if self._moved_s is None else self._moved_s) if is_moved else None
        if self._moved_s is not None and now_s - self._moved_s >= ACCEPT_S:
            self._usual = {state: _Usual(view.edges, view.detail, REFERENCE_S, usual.likeness)}  # it looks there now
            is_moved, self._moved_s = False, None
        seems = {Tamper.COVERED: is_covered, Tamper.MOVED: is_moved}
        return [Change(one, seems[one]) for one, lasting in self._lasting.items() if lasting.turned(seems[one], now_s)]


def view_of(picture: Picture) -> View:
    """What is compared of a picture, at a size where noise is averaged away."""
    fitted = cv2.resize(picture, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    small = (fitted if fitted.ndim == 2 else cv2.cvtColor(fitted, cv2.COLOR_BGR2GRAY)).astype(np.float32)
    smooth = cv2.GaussianBlur(small, (3, 3), 0.0)
    across, along = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    detail = float(np.abs(small - cv2.GaussianBlur(small, (0, 0), FOCUS_PX)).mean())
    return View(np.asarray(np.hypot(across, along) / 8.0, np.float32), detail)


def _has_moved(edges: Edges, usual: _Usual, *, was_moved: bool) -> bool:
    """Whether a camera looks elsewhere; once it does, until the picture is about as usual again."""
    likeness = _likeness(edges, usual.edges)
    if was_moved:
        return likeness < min(SHIFTED_LIKENESS, usual.likeness - 0.1)
    if likeness < MOVED_LIKENESS or likeness >= SHIFTED_LIKENESS:
        return likeness < MOVED_LIKENESS
    (across_px, along_px), _ = cv2.phaseCorrelate(usual.edges, edges)
    if max(abs(across_px), abs(along_px)) < SHIFTED_PX:
        return False
    back = np.asarray(np.roll(edges, (-round(along_px), -round(across_px)), (0, 1)), np.float32)
    return _likeness(back, usual.edges) > max(SHIFTED_LIKENESS, likeness)


def _likeness(first: Edges, second: Edges) -> float:
    """Correlation, in [-1, 1], 0 where one has no edges; brightness and contrast of the light make no difference."""
    if not (np.ptp(first) and np.ptp(second)):
        return 0.0
    return float(np.corrcoef(np.log1p(first).ravel(), np.log1p(second).ravel())[0, 1])
