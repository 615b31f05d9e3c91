"""Encodes pictures to a WebM file (VP8, which every browser plays and libvpx encodes under a BSD licence)."""

import contextlib
import fractions
import hashlib
import os
from pathlib import Path
from typing import Self

import av
import cv2

from fl_client.recording.jpeg_ring import JpegFrame, decompress

BITS_PER_S = 800_000
_MILLISECOND = fractions.Fraction(1, 1000)
_OPTIONS = {"deadline": "realtime", "cpu-used": "16", "auto-alt-ref": "0", "lag-in-frames": "0"}


class ClipEncoder:
    """A clip being written under a temporary name; it takes its own name when it is whole.

    A clip has the size of its first picture, whose sides are even; later pictures are fitted to it.
    """

    def __init__(self, path: Path, frames_per_s: float) -> None:
        self.path = path
        self.num_frames = 0
        self._part = part_path(path)
        self._container = av.open(str(self._part), "w", format="webm")
        self._stream = self._container.add_stream("libvpx", rate=round(frames_per_s), options=_OPTIONS)
        self._stream.bit_rate = BITS_PER_S
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _MILLISECOND
        self._stream.thread_count = 1
        self._first_s = 0.0
        self._last_ms = -1

    def add(self, frame: JpegFrame) -> None:
        """Encodes one frame; one that is not at least a millisecond later than the one before is left out."""
        picture = decompress(frame)
        if self.num_frames == 0:
            self._first_s = frame.instant_s
            self._stream.height, self._stream.width = picture.shape[:2]
        time_ms = round((frame.instant_s - self._first_s) * 1000)
        if time_ms <= self._last_ms:
            return
        if picture.shape[:2] != (self._stream.height, self._stream.width):
            picture = cv2.resize(picture, (self._stream.width, self._stream.height)).astype("uint8", copy=False)
        planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).astype("uint8", copy=False)
        video_frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        video_frame.pts, video_frame.time_base = time_ms, _MILLISECOND
        self._container.mux(self._stream.encode(video_frame))
        self._last_ms = time_ms
        self.num_frames += 1

    def finish(self) -> str:
        """Closes the clip and gives it its name; returns its SHA-256.

        Raises:
            ValueError: No frame was added.
        """
        if self.num_frames == 0:
            raise ValueError("expected at least one frame in a clip")
        self._container.mux(self._stream.encode(None))
        self._container.close()
        with self._part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        self._part.replace(self.path)
        return digest

    def discard(self) -> None:
        """Gives the clip up and removes what was written of it."""
        with contextlib.suppress(OSError, av.FFmpegError):  # closing writes the rest, which a full disk does not take
            self._container.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._part.exists():
            self.discard()


def part_path(path: Path) -> Path:
    """Where a clip is written before it is whole."""
    return path.with_name(f".{path.name}.part")
