"""The channel from a decoder to its parent: messages over one pipe.

Rules:

1. A message is a header of ``HEADER.size`` bytes and a payload whose size the header gives.
2. The parent believes nothing before it has checked it: a decoder fed with hostile video may send anything.
3. A payload's size is checked against its kind's bound, and a picture's against its shape, before any of it is read.
4. Instants are finite, and a decoder never goes on after ``END`` or ``FAILURE``.
"""

import dataclasses
import enum
import json
import math
import struct
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fl_client.errors import ChannelError

Picture = npt.NDArray[np.uint8]  # (H, W, 3) BGR

MAX_WIDTH_PX = 640
MAX_HEIGHT_PX = 1280
MIN_SIDE_PX = 16
MAX_TEXT_BYTES = 4096
HEADER = struct.Struct("<4sBxHHxxIdI")
_MAGIC = b"EGF1"


class Kind(enum.IntEnum):
    """What a message says."""

    FRAME = 1
    END = 2
    FAILURE = 3


@dataclasses.dataclass(frozen=True)
class CapturedFrame:
    """One picture handed over for analysis.

    Attributes:
        picture: ``(H, W, 3)`` BGR, at most ``MAX_HEIGHT_PX`` by ``MAX_WIDTH_PX``.
        instant_s: Seconds since 1970 UTC at which it was seen.
        num_decoded: Source frames decoded so far, this one and those not handed over included.
    """

    picture: Picture
    instant_s: float
    num_decoded: int


@dataclasses.dataclass(frozen=True)
class SourceEnd:
    """A source that was decoded to its end.

    Attributes:
        num_decoded: Source frames decoded.
        num_warnings: Packets or pictures that did not decode, or decoded damaged.
        is_cut_off: Whether less could be decoded than the source promised.
    """

    num_decoded: int
    num_warnings: int
    is_cut_off: bool


@dataclasses.dataclass(frozen=True)
class SourceFailure:
    """A source that cannot be decoded, with the reason in one line."""

    reason: str


Message = CapturedFrame | SourceEnd | SourceFailure


def pack_header(message: Message, payload_bytes: int) -> bytes:
    """The header that goes before the ``payload_bytes`` of ``message``."""
    if isinstance(message, CapturedFrame):
        height, width = message.picture.shape[:2]
        return HEADER.pack(_MAGIC, Kind.FRAME, height, width, message.num_decoded, message.instant_s, payload_bytes)
    kind = Kind.END if isinstance(message, SourceEnd) else Kind.FAILURE
    return HEADER.pack(_MAGIC, kind, 0, 0, 0, 0.0, payload_bytes)


def payload_of(message: Message) -> memoryview:
    """The payload of ``message`` as bytes; a picture is not copied."""
    if isinstance(message, CapturedFrame):
        return np.ascontiguousarray(message.picture).data.cast("B")
    if isinstance(message, SourceEnd):
        return memoryview(json.dumps(dataclasses.asdict(message)).encode())
    return memoryview(message.reason.encode()[:MAX_TEXT_BYTES])


def read_message(read_into: Callable[[memoryview], bool]) -> Message | None:
    """Reads one message.

    Args:
        read_into: Fills the whole given buffer and returns True, or returns False at the end of the channel.

    Returns:
        The message, or None where the channel ended before another was whole.

    Raises:
        ChannelError: A header or payload breaks a rule above.
    """
    header = bytearray(HEADER.size)
    if not read_into(memoryview(header)):
        return None
    magic, kind, height, width, num_decoded, instant_s, payload_bytes = HEADER.unpack(header)
    if magic != _MAGIC or kind not in set(Kind):
        raise ChannelError(f"the decoder sent a header of kind {kind} that is not ours")
    if kind == Kind.FRAME:
        _check_frame_header(height, width, instant_s, payload_bytes)
        picture = np.empty((height, width, 3), np.uint8)
        return CapturedFrame(picture, instant_s, num_decoded) if read_into(picture.data.cast("B")) else None
    if payload_bytes > MAX_TEXT_BYTES:  # rule 3
        raise ChannelError(f"the decoder announced {payload_bytes} bytes of text, expected at most {MAX_TEXT_BYTES}")
    text = bytearray(payload_bytes)
    if not read_into(memoryview(text)):
        return None
    return _parse_end(bytes(text)) if kind == Kind.END else SourceFailure(_one_line(bytes(text)))


def _check_frame_header(height: int, width: int, instant_s: float, payload_bytes: int) -> None:
    """Rules 3 and 4 for a picture."""
    if not (MIN_SIDE_PX <= height <= MAX_HEIGHT_PX and MIN_SIDE_PX <= width <= MAX_WIDTH_PX):
        raise ChannelError(f"the decoder announced a picture of {width}x{height} pixels")
    if payload_bytes != height * width * 3:
        raise ChannelError(f"the decoder announced {payload_bytes} bytes for a picture of {width}x{height} pixels")
    if not math.isfinite(instant_s):
        raise ChannelError("the decoder sent a picture without a finite instant")


def _parse_end(text: bytes) -> SourceEnd:
    try:
        values = json.loads(text)
        return SourceEnd(int(values["num_decoded"]), int(values["num_warnings"]), bool(values["is_cut_off"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ChannelError("the decoder closed with a message that is not ours") from error


def _one_line(text: bytes) -> str:
    return " ".join(text.decode(errors="replace").split())
