"""What a camera sends between two connections: encoded packets, and how its streams are encoded.

A take outlives the connection it came from, so that a clip can still be cut after the camera has gone.
"""

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import av
import av.container
import av.stream
from av.bitstream import BitStreamFilterContext

_USUAL_UNIT_S = Fraction(1, 90_000)
_OF_THE_WEB = frozenset({"vp8", "libvpx"})
_REORDERED_FRAMES = 2
"""Frames that a decoder may have to hold back; Matroska leaves their decoding times out."""


class StoredPacket(NamedTuple):
    """One encoded packet; times are in units of its stream.

    Attributes:
        stream: Index into the streams of the take.
        content: As it came.
        pts: When it is shown.
        dts: When it is decoded; at most ``pts``, and later than that of the packet before in its stream.
        duration: For how long it is shown; 0 where the camera does not say.
        is_keyframe: Whether decoding can begin here.
        instant_s: When it was seen, seconds since 1970 UTC.
    """

    stream: int
    content: bytes
    pts: int
    dts: int
    duration: int
    is_keyframe: bool
    instant_s: float


class Take:
    """The streams of one connection.

    Args:
        streams: Of the connection: one of video, and one of audio or none; the video comes first.

    Attributes:
        codecs: Names of the codecs, in order of the streams.
        suffix: Of files that hold such video: ".mp4", or ".webm".
        time_bases: Seconds per unit of time, in order of the streams.
    """

    def __init__(self, streams: Sequence[av.stream.Stream]) -> None:
        self._template = av.open(io.BytesIO(), "w", format="matroska")  # never written: it holds the parameters
        self._streams = [self._template.add_stream_from_template(stream) for stream in streams]
        self._has_header = [bool(stream.codec_context.extradata) for stream in streams]
        self.codecs = [stream.codec_context.name for stream in streams]
        self.suffix = ".webm" if self.codecs[0] in _OF_THE_WEB else ".mp4"
        self.time_bases = [stream.time_base or stream.codec_context.time_base or _USUAL_UNIT_S for stream in streams]
        self._last_dts: list[int | None] = [None] * len(streams)
        self._frame = [_frame_duration(stream) for stream in streams]

    @property
    def num_streams(self) -> int:
        """One, or two where there is sound."""
        return len(self.codecs)

    def stored(self, packet: "av.Packet[Any]", stream: int, instant_s: float) -> StoredPacket | None:
        """A packet of the connection, with times that can be muxed; None for one without content or time."""
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is None or packet.size == 0:
            return None
        last = self._last_dts[stream]
        dts = packet.dts
        if dts is None:
            step = max(1, packet.duration or self._frame[stream])
            dts = pts - _REORDERED_FRAMES * step if last is None else last + step
        if last is not None:
            dts = max(dts, last + 1)
        self._last_dts[stream] = dts
        return StoredPacket(
            stream, bytes(packet), max(pts, dts), dts, packet.duration or 0, packet.is_keyframe, instant_s
        )

    def frame_duration(self, stream: int) -> int:
        """Length of one frame in a stream's units, as its camera says; 1 where it does not."""
        return self._frame[stream]

    def add_streams(
        self, container: av.container.OutputContainer, wanted: Iterable[int]
    ) -> dict[int, av.stream.Stream]:
        """Adds streams like those of the take to a file that is written; returns them by their index in the take."""
        return {index: container.add_stream_from_template(self._streams[index]) for index in wanted}

    def has_header(self, stream: int) -> bool:
        """Whether the codec's parameters stand apart from the packets, as containers of files want them."""
        return self._has_header[stream]

    def filter_of(self, stream: int, name: str) -> BitStreamFilterContext:
        """A filter that rewrites packets of a stream."""
        return BitStreamFilterContext(name, self._streams[stream])

    def close(self) -> None:
        """Lets go of the parameters; no file can be begun any more."""
        self._template.close()


def _frame_duration(stream: av.stream.Stream) -> int:
    """Length of one frame in the stream's units; 1 where its rate is not known."""
    rate, time_base = getattr(stream, "average_rate", None), stream.time_base
    return max(1, round(1 / (rate * time_base))) if rate and time_base else 1
