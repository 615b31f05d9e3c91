"""The link from a camera's program to the inference program: pictures over a stream socket.

Rules:

1. A picture is a header of ``HEADER.size`` bytes and its pixels, whose number the header's shape gives.
2. The receiver believes nothing before it has checked it: a program fed with hostile video may send anything.
3. A shape is checked against its bounds before anything is read for it, and an instant is finite.
4. The receiver never waits for the rest of a picture: it takes what is there, and another camera's turn comes.
5. The other way goes ``Wish``: how many pictures the receiver wants, and whether it sees anything in them.
"""

import dataclasses
import math
import socket
import struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fl_client.errors import ChannelError

Picture = npt.NDArray[np.uint8]  # (H, W) grey or (H, W, 3) BGR

MAX_WIDTH_PX = 640
MAX_HEIGHT_PX = 1280
MIN_SIDE_PX = 16
HEADER = struct.Struct("<4sHHB7xdd")
WISH = struct.Struct("<?d")
_MAGIC = b"EGF2"
_GREY, _COLOUR = 1, 3


@dataclasses.dataclass(frozen=True)
class CapturedFrame:
    """One picture handed over for analysis.

    Attributes:
        picture: ``(H, W)`` grey or ``(H, W, 3)`` BGR, at most ``MAX_HEIGHT_PX`` by ``MAX_WIDTH_PX``.
        instant_s: Seconds since 1970 UTC at which it was seen.
        captured_s: ``time.monotonic()`` when it was decoded: how late analysis is.
    """

    picture: Picture
    instant_s: float
    captured_s: float


class Wish(NamedTuple):
    """What the inference program wants of a camera.

    Attributes:
        is_busy: Whether it sees anything: while it does, quiet pictures are wanted, too.
        rate_fps: Pictures a second.
    """

    is_busy: bool
    rate_fps: float

    def packed(self) -> bytes:
        """As it is sent."""
        return WISH.pack(self.is_busy, self.rate_fps)


def last_wish(content: bytes) -> Wish | None:
    """The last whole wish of those that have come; None where there is none, or none that makes sense."""
    whole = len(content) // WISH.size * WISH.size
    if not whole:
        return None
    is_busy, rate_fps = WISH.unpack(content[whole - WISH.size : whole])
    return Wish(is_busy, rate_fps) if math.isfinite(rate_fps) and rate_fps > 0.0 else None


def packed_header(frame: CapturedFrame) -> bytes:
    """The header that goes before the pixels of ``frame``."""
    height, width, *depth = frame.picture.shape
    return HEADER.pack(_MAGIC, height, width, depth[0] if depth else _GREY, frame.instant_s, frame.captured_s)


def pixels_of(frame: CapturedFrame) -> memoryview:
    """The pixels of ``frame`` as bytes, without a copy where they lie together."""
    return np.ascontiguousarray(frame.picture).data.cast("B")


class FrameReader:
    """Takes pictures from one link, as they come.

    Args:
        link: The socket; never waited for.
    """

    def __init__(self, link: socket.socket) -> None:
        link.setblocking(False)
        self._link = link
        self._header = bytearray(HEADER.size)
        self._frame: CapturedFrame | None = None
        self._left = memoryview(self._header)
        self.is_closed = False

    def read(self) -> CapturedFrame | None:
        """The next picture where it is whole by now; ``is_closed`` at the end of the link.

        Raises:
            ChannelError: What came breaks a rule above.
        """
        while not self.is_closed:
            try:
                num_read = self._link.recv_into(self._left)
            except BlockingIOError:
                return None
            except OSError:
                num_read = 0
            self.is_closed = num_read == 0
            self._left = self._left[num_read:]
            if self._left:
                continue
            if self._frame is not None:
                frame, self._frame, self._left = self._frame, None, memoryview(self._header)
                return frame
            self._frame = _announced(bytes(self._header))
            self._left = self._frame.picture.data.cast("B")
        return None


def _announced(header: bytes) -> CapturedFrame:
    """Rules 1 to 3."""
    magic, height, width, depth, instant_s, captured_s = HEADER.unpack(header)
    if magic != _MAGIC or depth not in {_GREY, _COLOUR}:
        raise ChannelError(f"a camera's program sent a header that is not ours: {magic!r}")
    if not (MIN_SIDE_PX <= height <= MAX_HEIGHT_PX and MIN_SIDE_PX <= width <= MAX_WIDTH_PX):
        raise ChannelError(f"a camera's program announced a picture of {width}x{height} pixels")
    if not (math.isfinite(instant_s) and math.isfinite(captured_s)):
        raise ChannelError("a camera's program sent a picture without a finite instant")
    shape = (height, width) if depth == _GREY else (height, width, depth)
    return CapturedFrame(np.empty(shape, np.uint8), instant_s, captured_s)
