"""One clip of a data set: frames from a folder of pictures or a video, with what is known of them."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.errors import FootageError

Frame = npt.NDArray[np.uint8]  # (H, W, 3) BGR
Labels = npt.NDArray[np.int64]  # (N,) 1 anomalous, 0 normal
PixelMasks = npt.NDArray[np.uint8]  # (N, h, w) not 0 where anomalous

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"})
MAX_FPS = 1000.0
MAX_PICTURE_BYTES = 64 * 1024 * 1024
VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm"})


class Frames(Protocol):
    """Pictures in order."""

    def __iter__(self) -> Iterator[Frame]:
        """Reads them one by one, from the first each time."""


def read_picture(path: Path) -> Frame:
    """Decodes a picture file as a whole.

    OpenCV reads a cut-off JPEG from a file as far as it goes and paints the rest grey; from memory it refuses it.

    Raises:
        FootageError: The file cannot be read, is too large, cut off or not a picture.
    """
    try:
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise FootageError(f"{path}: expected at most {MAX_PICTURE_BYTES} bytes, got {path.stat().st_size}")
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as error:
        raise FootageError(f"{path}: not a picture that can be read") from error
    if picture is None:
        raise FootageError(f"{path}: not a picture that can be read, or cut off")
    return np.asarray(picture, np.uint8)


@dataclasses.dataclass(frozen=True)
class PictureFolder:
    """The pictures of one folder, by name."""

    folder: Path

    def paths(self) -> list[Path]:
        """The pictures."""
        return sorted(path for path in self.folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)

    def __iter__(self) -> Iterator[Frame]:
        for path in self.paths():
            yield read_picture(path)


@dataclasses.dataclass(frozen=True)
class Video:
    """Every ``stride``-th frame of a video file."""

    path: Path
    stride: int = 1

    def __iter__(self) -> Iterator[Frame]:
        import av

        try:
            with av.open(str(self.path)) as container:
                for index, frame in enumerate(container.decode(video=0)):
                    if index % self.stride == 0:
                        yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
        except (av.error.FFmpegError, IndexError) as error:
            raise FootageError(f"{self.path}: not a video that can be decoded") from error


def video_fps(path: Path, published_fps: float) -> float:
    """The rate that a video file states; the published one where it states none.

    Raises:
        FootageError: Not a video.
    """
    import av

    try:
        with av.open(str(path)) as container:
            stated = container.streams.video[0].average_rate
    except (av.error.FFmpegError, IndexError) as error:
        raise FootageError(f"{path}: not a video that can be decoded") from error
    return float(stated) if stated and 1 <= stated <= MAX_FPS else published_fps


@dataclasses.dataclass(frozen=True)
class Stretch:
    """The frames from ``first`` on, up to but without ``end``; to the last where that is absent."""

    frames: Frames
    first: int
    end: int | None = None

    def __iter__(self) -> Iterator[Frame]:
        return itertools.islice(iter(self.frames), self.first, self.end)


@dataclasses.dataclass(frozen=True)
class TrueTracks:
    """Who is where in one frame."""

    track_id: npt.NDArray[np.int64]  # (N,)
    boxes: npt.NDArray[np.float64]  # (N, 4) xyxy, fractions


@dataclasses.dataclass(frozen=True)
class LabelledClip:
    """A clip and its truth; ``labels`` are absent for training clips, which are taken to be normal."""

    name: str
    frames: Frames
    fps: float
    camera: str = ""
    """Clips of one camera share their empty scene and their normality."""
    labels: Labels | None = None
    masks: Callable[[], PixelMasks] | None = None
    """Reads the pixel masks, where the data set has any."""
    tracks: tuple[TrueTracks, ...] | None = None
    """By frame, where the data set says who is who."""


@dataclasses.dataclass(frozen=True)
class DataSet:
    """Normal clips to learn from and labelled clips to test on."""

    name: str
    training: tuple[LabelledClip, ...]
    testing: tuple[LabelledClip, ...]
