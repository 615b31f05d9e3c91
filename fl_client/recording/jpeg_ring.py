"""The last seconds of a camera as JPEG pictures, so that a clip can begin before its event."""

import collections
import dataclasses

import cv2
import numpy as np

from fl_client.capture.wire import Picture

JPEG_QUALITY = 85
PRE_EVENT_S = 5.0
RING_S = PRE_EVENT_S + 2.0
"""An event is known only some frames after it began; its clip begins five seconds before it began."""
MAX_RING_BYTES = 16 * 1024 * 1024
"""Bound on the ring's pictures. At 640x360, 10 frames a second and quality 85, they take about 2 MB."""


@dataclasses.dataclass(frozen=True)
class JpegFrame:
    """One compressed picture and the instant it was seen, seconds since 1970 UTC."""

    instant_s: float
    jpeg: bytes


def compress(picture: Picture, instant_s: float) -> JpegFrame:
    """Compresses one picture, ``(H, W, 3)`` BGR."""
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return JpegFrame(instant_s, jpeg.tobytes())


def decompress(frame: JpegFrame) -> Picture:
    """The picture again, ``(H, W, 3)`` BGR, as good as ``JPEG_QUALITY`` keeps it."""
    picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(picture, np.uint8)


class JpegRing:
    """Frames of the last ``RING_S`` seconds before the newest, never more than ``max_bytes`` of them."""

    def __init__(self, max_bytes: int = MAX_RING_BYTES) -> None:
        self._frames: collections.deque[JpegFrame] = collections.deque()
        self._max_bytes = max_bytes
        self._num_bytes = 0

    def add(self, frame: JpegFrame) -> None:
        """Keeps ``frame`` and lets go of what is too old or too much."""
        self._frames.append(frame)
        self._num_bytes += len(frame.jpeg)
        while self._frames[0].instant_s < frame.instant_s - RING_S or self._num_bytes > self._max_bytes:
            self._num_bytes -= len(self._frames.popleft().jpeg)
            if not self._frames:
                break

    def frames_since(self, instant_s: float) -> list[JpegFrame]:
        """The kept frames from ``instant_s`` on, oldest first."""
        return [frame for frame in self._frames if frame.instant_s >= instant_s]
