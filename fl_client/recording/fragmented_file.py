"""A file of a camera's own packets that plays as far as it was written, whenever the power fails."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import av
import av.container
from av.bitstream import BitStreamFilterContext

from fl_client.recording.packet_ring import VIDEO
from fl_client.recording.take import StoredPacket, Take

_OPTIONS = {
    ".mp4": {"movflags": "frag_keyframe+delay_moov+default_base_moof", "flush_packets": "1"},
    ".webm": {"flush_packets": "1"},
}


class FragmentedFile:
    """One file being written.

    Args:
        path: Where it is.
        take: What the packets are of.
        suffix: Kind of file; left out: that of the path.

    Attributes:
        take: What the packets are of.
        num_frames: Pictures so far.
        began_s: Instant of the first picture; None before.
        ended_s: Instant of the last.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, take: Take, suffix: str | None = None) -> None:
        self.path, self.take, self.num_frames = path, take, 0
        self.began_s: float | None = None
        self.ended_s: float | None = None
        kind = suffix or path.suffix
        container = av.open(str(path), "w", format=kind[1:], options=_OPTIONS[kind])
        self._muxer = Muxer(container, take, range(take.num_streams), sound_filters(take))

    def add(self, packet: StoredPacket) -> None:
        """Writes a packet; what comes before the first keyframe is left out."""
        if not self._muxer.mux(packet) or packet.stream != VIDEO:
            return
        self.began_s = packet.instant_s if self.began_s is None else self.began_s
        self.ended_s = packet.instant_s if self.ended_s is None else max(self.ended_s, packet.instant_s)
        self.num_frames += 1

    def close(self) -> None:
        """Writes what is left."""
        self._muxer.container.close()


class Muxer:
    """Puts packets of a take into one file, counted from its first keyframe.

    Args:
        container: The file, still empty.
        take: What the packets are of.
        wanted: Streams that go into it.
        filters: What rewrites packets for this kind of file, by stream.
    """

    def __init__(
        self,
        container: av.container.OutputContainer,
        take: Take,
        wanted: Iterable[int],
        filters: Mapping[int, BitStreamFilterContext],
    ) -> None:
        self.container = container
        self._take, self._filters = take, filters
        self._streams = take.add_streams(container, wanted)
        self._base: dict[int, int] = {}

    def mux(self, stored: StoredPacket) -> bool:
        """Writes one packet; whether it belongs into the file."""
        if not self._base and stored.stream == VIDEO and stored.is_keyframe:
            base_s = stored.pts * self._take.time_bases[VIDEO]
            self._base = {index: round(base_s / self._take.time_bases[index]) for index in self._streams}
        base = self._base.get(stored.stream)
        if base is None or (stored.stream != VIDEO and stored.pts < base):  # sound of before the first picture
            return False
        packet = av.Packet(stored.content)
        packet.time_base = self._take.time_bases[stored.stream]
        packet.pts, packet.dts, packet.duration = stored.pts - base, stored.dts - base, stored.duration
        packet.is_keyframe = stored.is_keyframe
        rewriting = self._filters.get(stored.stream)
        for one in rewriting.filter(packet) if rewriting else [packet]:
            one.stream = self._streams[stored.stream]
            self.container.mux(one)
        return True


def sound_filters(take: Take) -> dict[int, BitStreamFilterContext]:
    """Sound of a transport stream carries its parameters in every packet; MP4 wants them apart."""
    return {
        index: take.filter_of(index, "aac_adtstoasc")
        for index, codec in enumerate(take.codecs)
        if codec == "aac" and not take.has_header(index)
    }
