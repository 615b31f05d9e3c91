"""What a camera's picture looks like when nobody is there, and how tall people appear in it."""

import dataclasses
import os
import pathlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterable

import numpy as np

from model_zoo.errors import ModelFileError
from model_zoo.perception.background import (
    Frame,
    Picture,
    analysis_picture,
    fit_background,
    foreground,
    grey_picture,
    sample_pictures,
)
from model_zoo.perception.object_kind import PERSON
from model_zoo.perception.perspective import Boxes, Perspective, fit_perspective, upright
from model_zoo.perception.proposals import components
from model_zoo.perception.proposer import ObjectDetector
from model_zoo.perception.tracker import overlaps

SCHEMA_VERSION = 1
NUM_PERSPECTIVE_FRAMES = 256

_MAX_SIDE_PX = 4096
_MIN_AREA_PX = 60.0
_MIN_FILL = 0.4
_MIN_PERSON_CONFIDENCE = 0.4


@dataclasses.dataclass(frozen=True)
class Scene:
    """The empty scene at analysis size, and the perspective."""

    background: Picture  # (h, w)
    perspective: Perspective

    def save(self, path: pathlib.Path) -> None:
        """Writes the scene as one npz file; a reader sees the old file or the whole new one.

        Raises:
            OSError: the file cannot be written.
        """
        line = np.array([self.perspective.slope, self.perspective.intercept])
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                np.savez_compressed(file, schema_version=SCHEMA_VERSION, background=self.background, perspective=line)
                file.flush()
                os.fsync(file.fileno())
                pathlib.Path(file.name).replace(path)
            except BaseException:
                pathlib.Path(file.name).unlink()
                raise


def load_scene(path: pathlib.Path) -> Scene:
    """Reads a scene that ``Scene.save`` wrote.

    Raises:
        ModelFileError: the file is damaged, incomplete or of another schema.
        OSError: the file cannot be read.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            version, background, line = arrays["schema_version"], arrays["background"], arrays["perspective"]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelFileError(f"expected a scene file, got {path}: {error}") from error
    if version.shape != () or version != SCHEMA_VERSION:
        raise ModelFileError(f"expected scene schema {SCHEMA_VERSION} in {path}, got {version}")
    is_picture = background.dtype == np.uint8 and background.ndim == 2 and 0 < background.size <= _MAX_SIDE_PX**2
    if not is_picture or line.shape != (2,) or line.dtype != np.float64 or not np.isfinite(line).all():
        raise ModelFileError(f"expected a grey background and a perspective line in {path}")
    return Scene(background, Perspective(float(line[0]), float(line[1])))


def fit_scene(frames: Iterable[Frame], detector: ObjectDetector | None = None) -> Scene:
    """Learns background and perspective from footage in one pass and bounded memory.

    Args:
        frames: ``(H, W[, 3])`` uint8 frames of one camera under one light, people in them welcome.
        detector: Finds people to read the perspective off; the blobs of the foreground serve when absent.

    Raises:
        FootageError: no frame, frames of differing sizes, or smaller than 64 pixels a side.
    """
    pictures = sample_pictures(frames, NUM_PERSPECTIVE_FRAMES)
    background = fit_background(pictures)
    people = upright_boxes(pictures, background) if detector is None else isolated_people(pictures, detector)
    return Scene(background, fit_perspective(people))


def upright_boxes(frames: Iterable[Frame], background: Picture) -> Boxes:
    """Boxes of what looks like one standing person; those of several lights may be joined for ``fit_perspective``.

    Args:
        frames: ``(H, W[, 3])`` uint8 frames.
        background: The empty scene in the light of these frames, ``(h, w)``.

    Returns:
        ``(N, 4)``.
    """
    found = [np.zeros((0, 4), np.float32)]
    for frame in frames:
        _, boxes, area_px = components(foreground(analysis_picture(grey_picture(frame)), background))
        height, width = background.shape
        filled = area_px / np.maximum(np.prod((boxes[:, 2:] - boxes[:, :2]) * [width, height], axis=1), 1.0)
        keep = upright(boxes, width / height) & (area_px > _MIN_AREA_PX) & (filled > _MIN_FILL)
        found.append(boxes[keep])
    return np.concatenate(found)


def isolated_people(frames: Iterable[Frame], detector: ObjectDetector) -> Boxes:
    """Boxes of standing people whom no other detection touches: those in a crowd may be cut off or run together.

    Args:
        frames: ``(H, W[, 3])`` uint8 frames.
        detector: Finds objects in one picture.

    Returns:
        ``(N, 4)``.
    """
    found = [np.zeros((0, 4), np.float32)]
    for frame in frames:
        detections = detector.detect(frame)
        touched = (overlaps(detections.boxes, detections.boxes) > 0).sum(axis=1) > 1  # each overlaps itself
        is_person = (detections.kind == PERSON) & (detections.confidence > _MIN_PERSON_CONFIDENCE)
        keep = is_person & ~touched & upright(detections.boxes, frame.shape[1] / frame.shape[0])
        found.append(detections.boxes[keep])
    return np.concatenate(found)
