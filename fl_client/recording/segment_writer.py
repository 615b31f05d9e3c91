"""Continuous recording of one camera: files of a minute, each of the camera's own packets.

A segment is a fragmented MP4 (or WebM) from its first byte on: it plays as far as it goes whenever the power fails, and
nothing has to be rewritten.
"""

import contextlib
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import av

from fl_client.capture.dialogue import RecordingStopped, SegmentClosed, SegmentOpened
from fl_client.recording.fragmented_file import FragmentedFile
from fl_client.recording.packet_ring import VIDEO
from fl_client.recording.take import StoredPacket, Take

SEGMENT_S = 60.0
RETRY_S = 10.0
"""Seconds after a file could not be written in which none is tried."""


class SegmentWriter:
    """Writes segments.

    Args:
        folder: Of the camera.
        tell: Takes what became of each segment.
        segment_s: Seconds after which the next keyframe begins another.
    """

    def __init__(
        self,
        folder: Path,
        tell: Callable[[SegmentOpened | SegmentClosed | RecordingStopped], object],
        segment_s: float = SEGMENT_S,
    ) -> None:
        self._folder, self._tell, self._segment_s = folder, tell, segment_s
        self._file: FragmentedFile | None = None
        self._retry_s = -float("inf")

    def add(self, packet: StoredPacket, take: Take) -> None:
        """Writes a packet; a keyframe may begin another segment."""
        if packet.stream == VIDEO and packet.is_keyframe:
            self._begin_another(packet, take)
        if self._file is None:
            return
        try:
            self._file.add(packet)
        except (OSError, av.FFmpegError) as error:
            self._fail(packet.instant_s, error)

    def close(self) -> None:
        """Ends the segment as it is."""
        file, self._file = self._file, None
        if file is None:
            return
        with contextlib.suppress(OSError, av.FFmpegError):  # what was written before plays
            file.close()
        self._tell(SegmentClosed(file.path.name, file.began_s or 0.0, file.ended_s or 0.0))

    def _begin_another(self, packet: StoredPacket, take: Take) -> None:
        file = self._file
        if file is not None and file.began_s is not None:
            if 0.0 <= packet.instant_s - file.began_s < self._segment_s and file.take is take:
                return
            self.close()
        if 0.0 <= packet.instant_s - self._retry_s < RETRY_S:
            return
        path = self._free_path(packet.instant_s, take.suffix)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = FragmentedFile(path, take)
        except (OSError, av.FFmpegError) as error:
            self._fail(packet.instant_s, error)
            return
        self._tell(SegmentOpened(path.name, packet.instant_s))

    def _free_path(self, instant_s: float, suffix: str) -> Path:
        """Named by the instant it begins at; the clock may have been set back."""
        name = dt.datetime.fromtimestamp(instant_s, dt.UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
        path, number = self._folder / f"{name}{suffix}", 1
        while path.exists():
            path, number = self._folder / f"{name}-{number}{suffix}", number + 1
        return path

    def _fail(self, instant_s: float, error: OSError | av.FFmpegError) -> None:
        self._retry_s = instant_s
        self.close()
        self._tell(RecordingStopped(f"{self._folder}: cannot be written ({error.strerror})"))
