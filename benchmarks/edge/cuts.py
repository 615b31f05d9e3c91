"""What seconds before an event cost in memory, and how long a clip takes to cut, beside pictures and OpenCV."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2

from benchmarks.edge.films import FPS, HEIGHT_PX, WIDTH_PX, Film
from fl_client.recording.packet_clip import PacketClip
from fl_client.recording.packet_ring import VIDEO, PacketRing
from fl_client.recording.take import StoredPacket, Take

PRE_EVENT_S = 5.0
PICTURES = 75
CLIP_S = 11.0
_REPEATS = 9


def prebuffer_ratio(film: Film) -> float:
    """The bytes of ``PICTURES`` BGR pictures, over those of the packets that five seconds take at the worst instant."""
    take, packets = _packets(film)
    ring, worst = PacketRing(PRE_EVENT_S, 1 << 40), 0
    for packet in packets:
        ring.add(packet)
        worst = max(worst, ring.num_bytes)
    take.close()
    return PICTURES * WIDTH_PX * HEIGHT_PX * 3 / worst


def clip_cut_speedup(film: Film) -> dict[str, float]:
    """How many times as long OpenCV takes to read and encode a clip as we take to cut it; both in milliseconds, too.

    Ours ends on the disk (fsync) and with its digest known; OpenCV's does not.
    """
    take, packets = _packets(film)
    middle_s = film.length_s / 2
    wanted = [one for one in packets if middle_s <= one.instant_s < middle_s + CLIP_S + 2.0]
    first = next(place for place, one in enumerate(wanted) if one.is_keyframe)
    wanted = [one for one in wanted[first:] if one.instant_s < wanted[first].instant_s + CLIP_S]
    with tempfile.TemporaryDirectory() as folder:
        cut, again = Path(folder) / "cut.mp4", Path(folder) / "again.mp4"
        ours_ms = _median_ms(lambda: _cut(cut, take, wanted))
        theirs_ms = _median_ms(lambda: _encode(cut, again))
    take.close()
    return {"clip_cut_speedup": theirs_ms / ours_ms, "ours_ms": ours_ms, "opencv_ms": theirs_ms}


def _packets(film: Film) -> tuple[Take, list[StoredPacket]]:
    with av.open(str(film.path)) as container:
        video = container.streams.video[0]
        take = Take([video])
        found = [
            take.stored(packet, VIDEO, float((packet.pts or 0) * packet.time_base)) for packet in container.demux(video)
        ]
    return take, [one for one in found if one is not None]


def _cut(path: Path, take: Take, packets: list[StoredPacket]) -> None:
    clip = PacketClip(path, take)
    for packet in packets:
        clip.add(packet)
    clip.finish()


def _encode(path: Path, again: Path) -> None:
    capture = cv2.VideoCapture(str(path))
    writer = cv2.VideoWriter(str(again), cv2.VideoWriter.fourcc(*"mp4v"), float(FPS), (WIDTH_PX, HEIGHT_PX))
    while True:
        has_frame, frame = capture.read()
        if not has_frame:
            break
        writer.write(frame)
    writer.release()


def _median_ms(work: Callable[[], None]) -> float:
    work()
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000.0
