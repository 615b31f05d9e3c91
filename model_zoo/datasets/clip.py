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
VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm"})


class Frames(Protocol):
    """Pictures in order."""

    def __iter__(self) -> Iterator[Frame]:
        """Reads them one by one, from the first each time."""


@dataclasses.dataclass(frozen=True)
class PictureFolder:
    """The pictures of one folder, by name."""

    folder: Path

    def paths(self) -> list[Path]:
        """The pictures."""
        return sorted(path for path in self.folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)

    def __iter__(self) -> Iterator[Frame]:
        for path in self.paths():
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if picture is None:
                raise FootageError(f"{path}: not a picture that can be read")
            yield np.asarray(picture, np.uint8)


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
