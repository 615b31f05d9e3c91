"""PETS 2009 S2.L1, View 001: people on a campus and who is who; nothing in it is out of the ordinary.

``vtest.avi`` is OpenCV's copy of the footage, ``gt_480x360.csv`` holds one row for each person and frame, frames from 0
and boxes in pixels of a picture of 480 by 360::

    frame,id,x1,y1,x2,y2
    0,9,312.0,98.56,331.39,145.54

The first half is for learning, cut into pieces so that one can be left out at a time; the second is watched.

Source:
    Ferryman and Shahrokni, 2009, PETS2009: Dataset and challenge. https://doi.org/10.1109/PETS-WINTER.2009.5399556
"""

import itertools
import warnings
from pathlib import Path

import numpy as np

from model_zoo.datasets.clip import DataSet, LabelledClip, Stretch, TrueTracks, Video
from model_zoo.errors import FootageError

VIDEO_FILE, TRUTH_FILE = "vtest.avi", "gt_480x360.csv"
PETS_FPS = 7.0
NUM_PIECES = 8

_TRUTH_SIZE_PX = (480, 360)
_COLUMNS = 6
_MAX_FRAMES = 1_000_000


def read_pets(root: Path) -> DataSet:
    """Reads the footage and its truth.

    Raises:
        FootageError: The video or the truth is missing, or a row is no box.
    """
    if not (root / VIDEO_FILE).is_file():
        raise FootageError(f"{root / VIDEO_FILE}: expected the footage, found none")
    video, truth = Video(root / VIDEO_FILE), _read_truth(root / TRUTH_FILE)
    half = len(truth) // 2
    if half < NUM_PIECES:
        raise FootageError(f"{root / TRUTH_FILE}: expected at least {2 * NUM_PIECES} frames, got {len(truth)}")
    edges = np.linspace(0, half, NUM_PIECES + 1).astype(int).tolist()
    pieces = [Stretch(video, first, end) for first, end in itertools.pairwise(edges)]
    training = tuple(LabelledClip(f"from {piece.first}", piece, PETS_FPS) for piece in pieces)
    normal = np.zeros(len(truth) - half, np.int64)
    watched = LabelledClip(f"from {half}", Stretch(video, half), PETS_FPS, labels=normal, tracks=truth[half:])
    return DataSet(root.name, training, (watched,))


def _read_truth(path: Path) -> tuple[TrueTracks, ...]:
    """By frame."""
    try:
        with warnings.catch_warnings(action="error"):  # NumPy only warns of a file without rows
            rows = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    except (OSError, ValueError, UserWarning) as error:
        raise FootageError(f"{path}: expected rows frame, id, x1, y1, x2, y2: {error}") from error
    if rows.shape[1] != _COLUMNS:
        raise FootageError(
            f"{path}: expected rows frame, id, x1, y1, x2, y2, got {rows.shape[0]}x{rows.shape[1]} values"
        )
    is_box = np.isfinite(rows).all(axis=1) & (rows[:, 4:] > rows[:, 2:4]).all(axis=1)
    is_box &= (rows[:, :2] >= 0).all(axis=1) & (rows[:, 0] < _MAX_FRAMES)
    if not is_box.all():
        raise FootageError(f"{path}: row {int(np.argmin(is_box)) + 2}: expected a frame, an identity and a box")
    frame, track_id = rows[:, :2].astype(np.int64).T
    boxes = rows[:, 2:] / (_TRUTH_SIZE_PX * 2)
    return tuple(TrueTracks(track_id[frame == one], boxes[frame == one]) for one in range(int(frame.max()) + 1))
