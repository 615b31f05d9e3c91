"""Packets for sources that have none worth storing: pictures of a folder, raw video, Motion JPEG, old codecs.

VP8 plays in every browser, and libvpx encodes it under a BSD licence; x264, which PyAV carries too, is under the GPL.
"""

import fractions
import io

import av
import av.video
import cv2

from fl_client.capture.wire import Picture
from fl_client.recording.packet_ring import VIDEO
from fl_client.recording.take import StoredPacket, Take

STORED_AS_THEY_ARE = frozenset({"h264", "hevc"})
"""Codecs whose packets are stored; everything else is encoded."""
BITS_PER_S = 800_000
KEYFRAME_EVERY = 20
"""Pictures from one keyframe to the next: two seconds of those that are analysed."""
_MILLISECOND = fractions.Fraction(1, 1000)
_OPTIONS = {"deadline": "realtime", "cpu-used": "16", "auto-alt-ref": "0", "lag-in-frames": "0"}


class PictureEncoder:
    """Encodes the pictures of one source; all have the size of the first, to which later ones are fitted.

    Args:
        first: The first picture.
        frames_per_s: Roughly how many come a second.
    """

    def __init__(self, first: Picture, frames_per_s: float) -> None:
        self._unused = av.open(io.BytesIO(), "w", format="webm")  # never written: a stream needs a container
        self._stream = self._unused.add_stream("libvpx", rate=max(1, round(frames_per_s)), options=_OPTIONS)
        self._stream.height, self._stream.width = first.shape[:2]
        self._stream.bit_rate, self._stream.pix_fmt = BITS_PER_S, "yuv420p"
        self._stream.codec_context.time_base = _MILLISECOND
        self._stream.codec_context.gop_size = KEYFRAME_EVERY
        self._stream.thread_count = 1
        self._first_s: float | None = None
        self._last_ms = -1
        self._instant_by_ms: dict[int, float] = {}
        self.take = Take([self._stream])

    def packets_of(self, picture: Picture, instant_s: float) -> list[StoredPacket]:
        """Encodes one picture; one that is not at least a millisecond later than the one before is left out."""
        self._first_s = instant_s if self._first_s is None else self._first_s
        time_ms = round((instant_s - self._first_s) * 1000)
        if time_ms <= self._last_ms:
            return []
        self._last_ms = time_ms
        size = (self._stream.width, self._stream.height)
        if picture.shape[1::-1] != size:
            picture = cv2.resize(picture, size).astype("uint8", copy=False)
        planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).astype("uint8", copy=False)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = time_ms, _MILLISECOND
        found = [self.take.stored(packet, VIDEO, instant_s) for packet in self._stream.encode(frame)]
        return [packet for packet in found if packet is not None]
