"""From decoded frames to the pictures that are looked at, of bounded size."""

import av
import cv2
import numpy as np
import numpy.typing as npt

from fl_client.capture.wire import MAX_HEIGHT_PX, MAX_WIDTH_PX, MIN_SIDE_PX, Picture
from fl_client.errors import SourceError

Grey = npt.NDArray[np.uint8]  # (H, W)

_FULL_RANGE = frozenset({"yuvj420p", "yuvj422p", "yuvj444p", "gray"})
_HAS_BRIGHTNESS = _FULL_RANGE | {"yuv420p", "yuv422p", "yuv444p", "nv12"}
"""Formats whose first plane is brightness, one byte a pixel."""
_JPEG_RANGE = 2
_BLACK, _WHITE = 16, 235
_STRETCHED = np.clip(np.round((np.arange(256) - _BLACK) * 255.0 / (_WHITE - _BLACK)), 0, 255).astype(np.uint8)
"""Brightness of video, where black is 16 and white 235, by that of pictures."""


def fitted_size(width: int, height: int) -> tuple[int, int]:
    """The largest even width and height within the link's bounds that keep the picture's shape; never larger.

    Raises:
        SourceError: The picture is too small, or so elongated that it would be.
    """
    scale = min(1.0, MAX_WIDTH_PX / max(width, 1), MAX_HEIGHT_PX / max(height, 1))
    fitted = (int(width * scale) // 2 * 2, int(height * scale) // 2 * 2)
    if min(fitted) < MIN_SIDE_PX:
        raise SourceError(f"a picture of {width}x{height} pixels is too small to be watched")
    return fitted


def brightness(frame: av.VideoFrame) -> Grey | None:
    """The brightness of a frame as it was decoded, without a copy. ``(H, W)``; None where it has no such plane."""
    if frame.format.name not in _HAS_BRIGHTNESS:
        return None
    plane = frame.planes[0]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]


def grey_picture(frame: av.VideoFrame) -> Grey:
    """A frame in grey. ``(H, W)``.

    Raises:
        SourceError: It is too small.
    """
    width, height = fitted_size(frame.width, frame.height)
    plane = brightness(frame)
    if plane is None:
        grey = frame.to_ndarray(format="gray", width=width, height=height, interpolation="AREA")
        return grey.astype(np.uint8, copy=False)
    if (width, height) != (frame.width, frame.height):
        plane = np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    if frame.format.name in _FULL_RANGE or frame.color_range == _JPEG_RANGE:
        return np.ascontiguousarray(plane)
    return np.asarray(cv2.LUT(plane, _STRETCHED), np.uint8)


def colour_picture(frame: av.VideoFrame) -> Picture:
    """A frame in colour. ``(H, W, 3)`` BGR.

    Raises:
        SourceError: It is too small.
    """
    width, height = fitted_size(frame.width, frame.height)
    picture = frame.to_ndarray(format="bgr24", width=width, height=height, interpolation="AREA")
    return picture.astype(np.uint8, copy=False)
