"""Reading a source with PyAV: packets of a video, or pictures of a folder, and the frames they decode to.

Runs in a camera's own program only. Formats that can name other files or addresses (playlists, concatenations) are not
opened: a crafted file must not read what its path did not say.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.container
import av.stream
import av.video

from fl_client.capture.source import Source, pictures_in
from fl_client.errors import SourceError

FOLDER_FPS = 10
"""Frames a second of a folder of pictures, which says nothing about time itself."""
MAX_SOURCE_PIXELS = 8192 * 4320
OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 15.0
_CUT_OFF_S = 0.5
"""Seconds of promised video that may be missing without a word: containers round their lengths."""

_FILE_FORMATS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,mxf,h264,hevc,ivf,gif,dv"
_LIVE_FORMATS = "rtsp,mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,h264,hevc,mjpeg,mpjpeg"


@dataclasses.dataclass
class Tally:
    """What became of a source's frames while it was watched; ``num_undecoded`` were not wanted."""

    num_undecoded: int = 0
    num_decoded: int = 0
    num_warnings: int = 0
    is_cut_off: bool = False


class Step(NamedTuple):
    """One step through a source.

    Attributes:
        stream: Index of the packet's stream in ``Footage.streams``.
        packet: As the camera sent it; None where there is none, as of a folder of pictures.
        frames: What could be decoded with it.
    """

    stream: int
    packet: "av.Packet[Any] | None"
    frames: list[av.VideoFrame]


@dataclasses.dataclass(frozen=True)
class Footage:
    """An opened source.

    Attributes:
        streams: Its video, then its sound where it has some; none of a folder of pictures.
        steps: Through the source in order; frames that decode, and how many, are in the tally.
    """

    streams: Sequence[av.stream.Stream]
    steps: Iterator[Step]


@contextlib.contextmanager
def open_footage(source: Source, tally: Tally, is_decoded: Callable[[str], bool]) -> Iterator[Footage]:
    """Opens ``source``; ``tally`` is kept up to date.

    Args:
        source: What to open.
        tally: Of what becomes of it.
        is_decoded: Takes the name of the video's codec, and says whether its frames are wanted.

    Raises:
        SourceError: The source cannot be opened, or holds no video that decodes (then at the end of its steps).
    """
    path = Path(source.address)
    if not source.is_live and path.is_dir():
        yield Footage((), _checked(_folder_steps(path, tally), source, tally))
        return
    with _open(source) as container:
        video, sound = container.streams.video[0], container.streams.audio[:1]
        streams = [video, *(one for one in sound if one.codec_context is not None)]
        steps = _video_steps(container, streams, tally, is_decoded(video.codec_context.name))
        yield Footage(streams, _checked(steps, source, tally))


def _checked(steps: Iterator[Step], source: Source, tally: Tally) -> Iterator[Step]:
    yield from steps
    if tally.num_decoded == 0 and not tally.num_undecoded:
        raise SourceError(f"{source.shown_name}: no frame of it could be decoded")


def _open(source: Source) -> av.container.InputContainer:
    options, kind = {"protocol_whitelist": "file", "format_whitelist": _FILE_FORMATS}, None
    if source.is_usb:
        options, kind = {}, "v4l2"
    elif source.is_live:
        options = {
            "protocol_whitelist": "rtsp,rtsps,rtp,tcp,udp,tls,http,https,crypto",
            "format_whitelist": _LIVE_FORMATS,
            "rtsp_transport": "tcp",
        }
    timeout_s = (OPEN_TIMEOUT_S, READ_TIMEOUT_S) if source.is_live else None
    try:
        container = av.open(source.address, format=kind, options=options, timeout=timeout_s)
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = (
            getattr(error, "strerror", None) or type(error).__name__
        )  # the whole error holds the address, with its password
        raise SourceError(f"{source.shown_name}: cannot be opened as video ({reason})") from error
    if not container.streams.video:
        container.close()
        raise SourceError(f"{source.shown_name}: holds no video")
    return container


def _video_steps(
    container: av.container.InputContainer, streams: Sequence[av.stream.Stream], tally: Tally, is_decoded: bool
) -> Iterator[Step]:
    stream = container.streams.video[0]
    stream.thread_count = 1  # one core for each camera: the others have cameras of their own
    if is_decoded and (stream.width or 0) * (stream.height or 0) > MAX_SOURCE_PIXELS:
        raise SourceError(f"a picture of {stream.width}x{stream.height} pixels is too large to be watched")
    place = {one.index: index for index, one in enumerate(streams)}
    last_s = 0.0
    for packet in _packets(container, streams, tally):
        is_video = packet.stream_index == stream.index
        frames = _frames(packet, tally) if is_decoded and is_video else []
        tally.num_undecoded += int(is_video and not is_decoded)
        for frame in frames:
            tally.num_decoded += 1
            tally.num_warnings += int(frame.is_corrupt)
            last_s = frame.time if frame.time is not None else last_s
        yield Step(place[packet.stream_index], packet, frames)
    frame_s = 1.0 / float(stream.average_rate) if stream.average_rate else 0.0
    is_short = last_s < _promised_end_s(container, stream) - _CUT_OFF_S - 2 * frame_s
    tally.is_cut_off = tally.is_cut_off or (is_short and is_decoded)


def _promised_end_s(container: av.container.InputContainer, stream: av.video.VideoStream) -> float:
    """Where the video ends according to its container; 0 where that does not say."""
    if stream.duration is not None and stream.time_base is not None:
        return float((stream.start_time or 0) + stream.duration) * float(stream.time_base)
    if container.duration is not None:
        return ((container.start_time or 0) + container.duration) / av.time_base
    return 0.0


def _packets(
    container: av.container.InputContainer, streams: Sequence[av.stream.Stream], tally: Tally
) -> Iterator["av.Packet[Any]"]:
    try:
        yield from container.demux(*streams)
    except (av.FFmpegError, OSError):  # the container is damaged from here on: what came before counts
        tally.num_warnings += 1
        tally.is_cut_off = True


def _frames(packet: "av.Packet[Any]", tally: Tally) -> list[av.VideoFrame]:
    try:
        return packet.decode()
    except (av.FFmpegError, OSError):  # one bad packet; the decoder finds its feet at a later one
        tally.num_warnings += 1
        return []


def _folder_steps(folder: Path, tally: Tally) -> Iterator[Step]:
    for index, path in enumerate(pictures_in(folder)):
        frame = _picture(path)
        if frame is None:
            tally.num_warnings += 1
            continue
        tally.num_decoded += 1
        frame.pts, frame.time_base = index, Fraction(1, FOLDER_FPS)
        yield Step(0, None, [frame])


def _picture(path: Path) -> av.VideoFrame | None:
    options = {"protocol_whitelist": "file", "pattern_type": "none"}  # a % in a name is not a pattern
    with contextlib.suppress(av.FFmpegError, OSError), av.open(str(path), options=options) as picture:
        return next(picture.decode(video=0), None)
    return None
