"""Folders of pictures with intervals: ``training/frames/NN``, ``testing/frames/NN``, ``labels.json``, ``masks.npz``.

``labels.json`` holds ``{"fps": 10, "clips": {"01": {"frames": 180, "anomalous": [[60, 179]]}}}``, frames counted from 0
and both ends included; ``masks.npz``, which may be absent, one array ``(N, h, w)`` by clip.
"""

import functools
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import pydantic

from model_zoo.datasets.clip import PICTURE_SUFFIXES, DataSet, LabelledClip, Labels, PictureFolder, PixelMasks
from model_zoo.errors import FootageError

LABELS_FILE, MASKS_FILE = "labels.json", "masks.npz"
DEFAULT_FPS = 10.0

_Frame = Annotated[int, pydantic.Field(ge=0, le=10_000_000)]


class _ClipTruth(pydantic.BaseModel, strict=True, frozen=True, extra="forbid"):
    frames: _Frame | None = None
    anomalous: list[Annotated[list[_Frame], pydantic.Field(min_length=2, max_length=2)]]


class _Truth(pydantic.BaseModel, strict=True, frozen=True, extra="ignore"):
    fps: Annotated[float, pydantic.Field(gt=0, le=1000)] = DEFAULT_FPS
    clips: dict[str, _ClipTruth]


def read_frame_folders(root: Path) -> DataSet:
    """Reads the layout.

    Args:
        root: The data set's folder.

    Raises:
        FootageError: The folder is missing or empty, or the labels do not fit the clips.
    """
    truth = _read_truth(root / LABELS_FILE)
    fps = truth.fps if truth else DEFAULT_FPS
    training = tuple(
        LabelledClip(folder.name, PictureFolder(folder), fps) for folder in clip_folders(root / "training" / "frames")
    )
    if not training:
        raise FootageError(f"{root / 'training' / 'frames'}: expected folders of pictures, found none")
    masks = root / MASKS_FILE
    testing = tuple(
        _tested(folder, fps, truth.clips if truth else {}, masks if masks.exists() else None)
        for folder in clip_folders(root / "testing" / "frames")
    )
    absent = sorted(set(truth.clips if truth else ()) - {clip.name for clip in testing})
    if testing and absent:
        raise FootageError(f"{root / LABELS_FILE}: labels clips that are not there: {', '.join(absent)}")
    return DataSet(root.name, training, testing)


def clip_folders(folder: Path) -> list[Path]:
    """The folders of pictures in a folder, by name; none where it does not exist.

    Raises:
        FootageError: One of them holds no picture. Hidden ones are passed over.
    """
    if not folder.is_dir():
        return []
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    for path in found:
        if not any(one.suffix.lower() in PICTURE_SUFFIXES for one in path.iterdir()):
            raise FootageError(f"{path}: expected pictures, found none")
    return found


def interval_labels(num_frames: int, intervals: list[list[int]], origin: str) -> Labels:
    """Labels from inclusive intervals of frames counted from 0. ``(num_frames,)``.

    Raises:
        FootageError: An interval ends before it starts or after the clip.
    """
    labels = np.zeros(num_frames, np.int64)
    for first, last in intervals:
        if not first <= last < num_frames:
            raise FootageError(f"{origin}: expected an interval within {num_frames} frames, got [{first}, {last}]")
        labels[first : last + 1] = 1
    return labels


def _read_truth(path: Path) -> _Truth | None:
    if not path.exists():
        return None
    try:
        return _Truth.model_validate_json(path.read_text())
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise FootageError(
            f"{path}: {place or 'all of it'}: {problem['msg']} (got {problem['input']!r:.40})"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise FootageError(f"{path}: cannot be read: {error}") from error


def _tested(folder: Path, fps: float, truth: Mapping[str, _ClipTruth], masks: Path | None) -> LabelledClip:
    frames = PictureFolder(folder)
    known = truth.get(folder.name)
    if known is None:
        return LabelledClip(folder.name, frames, fps)
    num_frames = len(frames.paths())
    if known.frames not in {None, num_frames}:
        raise FootageError(f"{folder}: expected {known.frames} pictures as {LABELS_FILE} says, found {num_frames}")
    labels = interval_labels(num_frames, known.anomalous, f"{LABELS_FILE}: clip {folder.name}")
    reader = functools.partial(_read_masks, masks, folder.name, num_frames) if masks else None
    return LabelledClip(folder.name, frames, fps, labels=labels, masks=reader)


def _read_masks(path: Path, name: str, num_frames: int) -> PixelMasks:
    if not zipfile.is_zipfile(path):
        raise FootageError(f"{path}: expected masks by clip, got no NPZ file, or one cut off")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            masks = arrays[name]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FootageError(f"{path}: expected masks of clip {name}: {error}") from error
    if masks.ndim != 3 or len(masks) != num_frames or masks.dtype != np.uint8:
        raise FootageError(f"{path}: clip {name}: expected uint8 masks ({num_frames}, h, w), got {masks.shape}")
    return np.asarray(masks)
