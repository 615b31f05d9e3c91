"""A clip of a camera's own packets: written as they come, never encoded again.

While it is written it is a fragmented MP4 (or WebM), which plays as far as it goes whenever the power fails; once whole
it is rewritten with its index in front, as browsers and players want it, and only then gets its name.
"""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

import av

from fl_client.errors import ClipError
from fl_client.recording.clip_files import clip_digest, part_path
from fl_client.recording.fragmented_file import FragmentedFile, Muxer, sound_filters
from fl_client.recording.packet_ring import VIDEO
from fl_client.recording.take import StoredPacket, Take

_INDEX_IN_FRONT = {".mp4": {"movflags": "faststart"}, ".webm": {"cues_to_front": "1"}}
MAX_KEPT_BYTES = 32 * 1024 * 1024
"""Of a clip's packets that are kept in memory until it is whole; a longer clip is read back from the disk."""
_VIDEO_IN_AVI = frozenset({"h264", "mpeg4", "mjpeg"})
_SOUND_IN_AVI = frozenset({"aac", "mp3", "pcm_s16le"})


class PacketClip:
    """One clip being written.

    Args:
        path: Where it goes once it is whole; its suffix is that of the take.
        take: What the packets are of.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, take: Take) -> None:
        self.path = path
        self._file = FragmentedFile(part_path(path), take, path.suffix)
        self._kept: list[StoredPacket] | None = []
        self._kept_bytes = 0

    @property
    def num_frames(self) -> int:
        """Pictures so far."""
        return self._file.num_frames

    def add(self, packet: StoredPacket) -> None:
        """Writes a packet; what comes before the first keyframe is left out."""
        self._file.add(packet)
        if self._kept is not None:
            self._kept.append(packet)
            self._kept_bytes += len(packet.content)
            if self._kept_bytes > MAX_KEPT_BYTES:
                self._kept = None

    def finish(self) -> str:
        """Makes the clip whole and gives it its name; returns its SHA-256.

        Raises:
            ClipError: There is no picture in it, or it cannot be written.
        """
        try:
            self._file.close()
        except (OSError, av.FFmpegError) as error:
            raise ClipError(f"{self.path}: cannot be written ({error.strerror})") from error
        if self.num_frames == 0:
            raise ClipError(f"{self.path}: expected at least one picture in a clip")
        if self._kept is None:
            return whole_clip(self._file.path, self.path)
        return _taken_over(self._file.path, self.path, lambda whole: self._write_kept(whole, self._kept or []))

    def _write_kept(self, whole: Path, kept: list[StoredPacket]) -> None:
        """Writes the clip once more, from memory: to open what is on the disk for reading takes longer."""
        take, suffix = self._file.take, self.path.suffix
        with av.open(str(whole), "w", format=suffix[1:], options=_INDEX_IN_FRONT[suffix]) as container:
            muxer = Muxer(container, take, range(take.num_streams), sound_filters(take))
            for packet in kept:
                muxer.mux(packet)

    def discard(self) -> None:
        """Gives the clip up and removes what was written of it."""
        with contextlib.suppress(OSError, av.FFmpegError):
            self._file.close()
        self._file.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file.path.exists():
            self.discard()


def whole_clip(part: Path, path: Path) -> str:
    """Rewrites what was written of a clip with its index in front, and removes it; returns the SHA-256 of the clip.

    What the power failed in the middle of is made whole as far as it goes.

    Raises:
        ClipError: It cannot be read as video, or not be written; it is left where it was.
    """
    return _taken_over(part, path, lambda whole: _rewrite(part, whole, path.suffix))


def _taken_over(part: Path, path: Path, write: Callable[[Path], None]) -> str:
    """Has the whole clip written, gives it its name, and removes the part; its SHA-256.

    Raises:
        ClipError: It cannot be written; the part is left where it was.
    """
    rewritten = part.with_suffix(".whole")
    try:
        write(rewritten)
        digest = clip_digest(rewritten)
    except (OSError, av.FFmpegError) as error:
        rewritten.unlink(missing_ok=True)
        raise ClipError(f"{part}: cannot be made a whole clip ({error.strerror})") from error
    rewritten.replace(path)
    part.unlink()
    return digest


def write_avi(path: Path, take: Take, packets: Iterable[StoredPacket]) -> None:
    """Writes packets as AVI, for players that want it; sound that AVI cannot hold is left out.

    Raises:
        ClipError: AVI cannot hold such video, or the file cannot be written.
    """
    codec = take.codecs[VIDEO]
    if codec not in _VIDEO_IN_AVI:
        raise ClipError(f"{path}: expected video that AVI can hold, got {codec}: ask for mp4")
    wanted = [VIDEO, *(index for index in range(1, take.num_streams) if _has_avi_sound(take, index))]
    filters = {VIDEO: take.filter_of(VIDEO, "h264_mp4toannexb")} if codec == "h264" else {}
    try:
        with av.open(str(path), "w", format="avi") as container:
            muxer = Muxer(container, take, wanted, filters)
            for packet in packets:
                muxer.mux(packet)
    except (OSError, av.FFmpegError) as error:
        path.unlink(missing_ok=True)
        raise ClipError(f"{path}: cannot be written ({error.strerror})") from error


def _rewrite(part: Path, rewritten: Path, suffix: str) -> None:
    options = _INDEX_IN_FRONT[suffix]
    with av.open(str(part)) as source, av.open(str(rewritten), "w", format=suffix[1:], options=options) as container:
        streams = {one.index: container.add_stream_from_template(one) for one in source.streams}
        with contextlib.suppress(av.EOFError, av.InvalidDataError):  # the last fragment was cut off
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream_index]
                    container.mux(packet)


def _has_avi_sound(take: Take, stream: int) -> bool:
    codec = take.codecs[stream]
    return codec in _SOUND_IN_AVI and (codec != "aac" or take.has_header(stream))
