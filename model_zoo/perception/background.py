"""The empty scene: analysis pictures, the median background, and what differs from it.

Perception works on small grey pictures. What moves is what differs from the background by more than noise does,
after the global light has been compensated: a cloud or an exposure step changes every pixel by one factor.
"""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.errors import FootageError

Frame = npt.NDArray[np.uint8]  # (H, W) grey or (H, W, 3) BGR
Picture = npt.NDArray[np.uint8]  # (h, w) grey
Mask = npt.NDArray[np.uint8]  # (h, w) 1 where something is that is not background

ANALYSIS_WIDTH_PX = 360
MIN_SIDE_PX = 64
NUM_MEDIAN_FRAMES = 60

_CONTRAST = 0.14
_DIFFERENCE_BOUNDS = (8, 18)
_SMOOTHING_PX = (3, 3)
_GAIN_BOUNDS = (0.5, 2.0)
_DARKEST_FOR_GAIN = 16
_GAIN_STRIDE = 11
_OPENING = np.ones((3, 3), np.uint8)
_CLOSING = np.ones((5, 3), np.uint8)  # taller than wide: a head belongs to the body below it
_REFRESH_STEP_S = 1.0
_REFRESH_RATE = 0.2  # grey levels a second where nothing stands: dusk takes tens of minutes
_ABSORB_RATE = 0.05  # where something stands: a person of usual contrast lasts a quarter of an hour
_SUDDEN_SHARE = 0.6
_SETTLED_SHARE = 0.05
_SUDDEN_LIMIT_S = 2.0
_SUDDEN_TIME_S = 0.4


def grey_picture(frame: Frame) -> Picture:
    """The frame in grey at its own size.

    Raises:
        FootageError: not ``(H, W)`` or ``(H, W, 3)`` uint8 of at least 64 pixels a side.
    """
    if frame.dtype != np.uint8 or frame.ndim not in {2, 3} or (frame.ndim == 3 and frame.shape[2] != 3):
        raise FootageError(f"expected a uint8 frame (H, W) or (H, W, 3), got {frame.dtype} {frame.shape}")
    if min(frame.shape[:2]) < MIN_SIDE_PX:
        height, width = frame.shape[:2]
        raise FootageError(f"expected frames of at least {MIN_SIDE_PX} px a side, got {width}x{height}")
    return frame if frame.ndim == 2 else np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)


def analysis_picture(grey: Picture) -> Picture:
    """Scales a grey picture down to at most ``ANALYSIS_WIDTH_PX`` wide; narrower ones are returned as they are."""
    height, width = analysis_size(*grey.shape)
    if (height, width) == grey.shape:
        return grey
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def analysis_size(height: int, width: int) -> tuple[int, int]:
    """Height and width that a picture of this size is analysed at."""
    if width <= ANALYSIS_WIDTH_PX:
        return height, width
    return max(1, round(height * ANALYSIS_WIDTH_PX / width)), ANALYSIS_WIDTH_PX


def sample_pictures(frames: Iterable[Frame], most: int) -> list[Picture]:
    """Analysis pictures spread evenly over footage of unknown length, in one pass and bounded memory.

    Args:
        frames: Frames of one size.
        most: Largest number of pictures kept; at least half of it is kept where there are as many frames.

    Raises:
        FootageError: no frame at all, frames of differing sizes, or a frame that cannot be used.
    """
    kept: list[Picture] = []
    stride, shape = 1, None
    for index, frame in enumerate(frames):
        shape = shape or frame.shape
        if frame.shape != shape:
            raise FootageError(f"expected frames of one size {shape}, got {frame.shape} at frame {index}")
        if index % stride == 0:
            kept.append(analysis_picture(grey_picture(frame)))
        if len(kept) > most:
            kept, stride = kept[::2], 2 * stride
    if not kept:
        raise FootageError("expected at least one frame, got none")
    return kept


def fit_background(frames: Iterable[Frame]) -> Picture:
    """The per-pixel median of up to ``NUM_MEDIAN_FRAMES`` frames spread over the footage.

    Args:
        frames: ``(H, W[, 3])`` uint8 frames of one camera under one light.

    Returns:
        The background at analysis size. ``(h, w)``.

    Raises:
        FootageError: as ``sample_pictures``.
    """
    pictures = sample_pictures(frames, NUM_MEDIAN_FRAMES)
    return np.asarray(np.median(np.stack(pictures), axis=0).astype(np.uint8))


def light_gain(picture: Picture, background: Picture) -> float:
    """The factor by which the light changed: median ratio of picture to background, within bounds."""
    level = background[::_GAIN_STRIDE, ::_GAIN_STRIDE].astype(np.float32)
    usable = level >= _DARKEST_FOR_GAIN
    if not usable.any():
        return 1.0
    ratio = float(np.median(picture[::_GAIN_STRIDE, ::_GAIN_STRIDE][usable] / level[usable]))
    return float(np.clip(ratio, *_GAIN_BOUNDS))


def foreground(picture: Picture, background: Picture) -> Mask:
    """Marks what differs from the background at equal light, without specks and with small gaps closed.

    The least difference follows the light: by night people stand out by a few grey levels only, and noise is
    kept down by smoothing.
    """
    lit = cv2.blur(cv2.convertScaleAbs(background, alpha=light_gain(picture, background)), _SMOOTHING_PX)
    least = np.clip(cv2.convertScaleAbs(lit, alpha=_CONTRAST), *_DIFFERENCE_BOUNDS)
    different = (cv2.absdiff(cv2.blur(picture, _SMOOTHING_PX), lit) > least).astype(np.uint8)
    opened = cv2.morphologyEx(different, cv2.MORPH_OPEN, _OPENING)
    return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, _CLOSING), np.uint8)


class LiveBackground:
    """A background that follows the daylight, and starts afresh when most of the picture changes at once."""

    def __init__(self, background: Picture) -> None:
        self._level = background.astype(np.float32)
        self._picture = background
        self._refreshed_s = -np.inf
        self._sudden_since_s: float | None = None
        self._updated_s = -np.inf

    @property
    def picture(self) -> Picture:
        """The present background. ``(h, w)``."""
        return self._picture

    def subtract(self, picture: Picture, instant_s: float) -> Mask | None:
        """The foreground of a picture; None while a sudden change of most of the picture is being absorbed."""
        mask = foreground(picture, self._picture)
        is_sudden = self._is_sudden(cv2.countNonZero(mask) / mask.size, instant_s)
        if is_sudden:
            self._absorb(picture, instant_s)
        elif instant_s - self._refreshed_s >= _REFRESH_STEP_S or instant_s < self._refreshed_s:
            self._refresh(picture, mask)
            self._refreshed_s = instant_s
        self._updated_s = instant_s
        return None if is_sudden else mask

    def _is_sudden(self, share: float, instant_s: float) -> bool:
        since_s = self._sudden_since_s
        is_over = share < _SETTLED_SHARE or since_s is None or not 0 <= instant_s - since_s < _SUDDEN_LIMIT_S
        if is_over:
            self._sudden_since_s = instant_s if share > _SUDDEN_SHARE else None
        return self._sudden_since_s is not None

    def _absorb(self, picture: Picture, instant_s: float) -> None:
        elapsed_s = max(0.0, min(instant_s - self._updated_s, _SUDDEN_LIMIT_S))
        self._move((1.0 - np.exp(-elapsed_s / _SUDDEN_TIME_S)) * (picture - self._level))

    def _refresh(self, picture: Picture, mask: Mask) -> None:
        step = np.where(mask, np.float32(_ABSORB_RATE), np.float32(_REFRESH_RATE)) * _REFRESH_STEP_S
        self._move(np.clip(picture - self._level, -step, step))

    def _move(self, step: npt.NDArray[np.float32]) -> None:
        self._level += step
        self._picture = np.rint(self._level).astype(np.uint8)
