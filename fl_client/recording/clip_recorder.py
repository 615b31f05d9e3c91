"""Cuts the clips of one camera from its packets: several at a time, each from before its event to after it.

Packets come from one thread and orders from another. A clip is made whole in a third, so that a slow disk holds up
neither.
"""

import concurrent.futures
import dataclasses
import math
import threading
from collections.abc import Callable
from pathlib import Path

import av

from fl_client.capture.dialogue import ClipFinished
from fl_client.errors import ClipError
from fl_client.recording.packet_clip import PacketClip
from fl_client.recording.packet_ring import VIDEO, PacketRing
from fl_client.recording.segment_writer import SegmentWriter
from fl_client.recording.take import StoredPacket, Take

MAX_RING_BYTES = 64 * 1024 * 1024
"""Bound on the packets kept for clips that may begin; a minute of a camera at 8 Mbit/s."""
MAX_OPEN_CLIPS = 8


@dataclasses.dataclass
class _Open:
    clip: PacketClip
    until_s: float = math.inf


class ClipRecorder:
    """Records one camera.

    Args:
        folder: Where clips go.
        keep_s: Seconds before now that a clip may begin.
        tell: Takes what became of each clip, from any thread.
        segments: Records all the time; None: only clips are recorded.
    """

    def __init__(
        self,
        folder: Path,
        keep_s: float,
        tell: Callable[[ClipFinished], object],
        segments: SegmentWriter | None = None,
    ) -> None:
        self._folder, self._tell, self._segments = folder, tell, segments
        self._ring = PacketRing(keep_s, MAX_RING_BYTES)
        self._take: Take | None = None
        self._open_by_alert: dict[str, _Open] = {}
        self._whole_until_s = -math.inf  # packets come as they are decoded: what is shown before this is all there
        self._lock = threading.Lock()
        self._finisher = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="clip-finisher")

    def begin(self, take: Take) -> None:
        """Says what the packets that follow are of."""
        self._take = take

    def add(self, packet: StoredPacket) -> None:
        """Keeps a packet, and writes it to the clips that are open."""
        with self._lock:
            self._ring.add(packet)
            if self._segments is not None and self._take is not None:
                self._segments.add(packet, self._take)
            if packet.stream == VIDEO and self._take is not None:
                held_s = float((packet.pts - packet.dts) * self._take.time_bases[VIDEO])
                self._whole_until_s = packet.instant_s - held_s
            for alert_id, one in list(self._open_by_alert.items()):
                if self._whole_until_s >= one.until_s:
                    self._finish(alert_id)
                else:
                    self._write(alert_id, [packet])

    def cut(self, alert_id: str, from_s: float) -> None:
        """Begins a clip at the last keyframe at or before an instant."""
        with self._lock:
            if self._take is None or len(self._open_by_alert) >= MAX_OPEN_CLIPS:
                reason = "nothing was received yet" if self._take is None else f"{MAX_OPEN_CLIPS} clips are open"
                self._tell(ClipFinished(alert_id, None, 0, reason))
                return
            path = self._folder / f"{alert_id}{self._take.suffix}"
            try:
                self._open_by_alert[alert_id] = _Open(PacketClip(path, self._take))
            except (OSError, av.FFmpegError) as error:
                self._tell(ClipFinished(alert_id, None, 0, f"{path}: cannot be written ({error.strerror})"))
                return
            self._write(alert_id, self._ring.packets_from(from_s))

    def end(self, alert_id: str, until_s: float) -> None:
        """Ends a clip with the last picture before an instant, which may lie in the future."""
        with self._lock:
            one = self._open_by_alert.get(alert_id)
            if one is not None:
                one.until_s = until_s
                if self._whole_until_s >= until_s:
                    self._finish(alert_id)

    def close(self) -> None:
        """Ends all clips as they are, and waits until they are whole."""
        with self._lock:
            for alert_id in list(self._open_by_alert):
                self._finish(alert_id)
            if self._segments is not None:
                self._segments.close()
        self._finisher.shutdown(wait=True)

    def _write(self, alert_id: str, packets: list[StoredPacket]) -> None:
        clip = self._open_by_alert[alert_id].clip
        try:
            for packet in packets:
                clip.add(packet)
        except (OSError, av.FFmpegError) as error:
            del self._open_by_alert[alert_id]
            clip.discard()
            self._tell(ClipFinished(alert_id, None, 0, f"{clip.path}: cannot be written ({error.strerror})"))

    def _finish(self, alert_id: str) -> None:
        clip = self._open_by_alert.pop(alert_id).clip
        self._finisher.submit(self._finished, alert_id, clip)

    def _finished(self, alert_id: str, clip: PacketClip) -> None:
        try:
            self._tell(ClipFinished(alert_id, clip.finish(), clip.num_frames))
        except ClipError as error:
            clip.discard()
            self._tell(ClipFinished(alert_id, None, 0, str(error)))
