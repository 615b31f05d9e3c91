"""Sound as MP4 can hold it: what it cannot (G.711, of most old cameras) becomes AAC, which costs next to nothing."""

import io
from typing import Any

import av
import av.audio
import av.audio.resampler
import av.stream

STORED_AS_IT_IS = frozenset({"aac", "mp3", "opus", "ac3", "eac3", "flac", "alac"})
_LEAST_RATE_HZ = 16_000


class SoundEncoder:
    """Encodes the sound of one connection.

    Args:
        source: Its stream of sound.

    Attributes:
        stream: What the encoded packets are of.
    """

    def __init__(self, source: av.audio.AudioStream) -> None:
        self._source = source
        rate_hz = max(source.rate, _LEAST_RATE_HZ)
        self._unused = av.open(io.BytesIO(), "w", format="mp4")  # never written: a stream needs a container
        self.stream = self._unused.add_stream("aac", rate=rate_hz, layout="mono")
        self.stream.codec_context.open()
        self._resampler = av.audio.resampler.AudioResampler(
            self.stream.format, self.stream.layout, rate_hz, frame_size=self.stream.frame_size
        )

    def packets_of(self, packet: "av.Packet[Any]") -> "list[av.Packet[Any]]":
        """The encoded packets that one of the source completes; none where it does not decode."""
        try:
            pieces = [piece for frame in self._source.decode(packet) for piece in self._resampler.resample(frame)]
            found = [one for piece in pieces for one in self.stream.encode(piece)]
        except (av.FFmpegError, OSError):
            return []
        return [*found]
