"""Whether the right place was found, not only the right frame: region-based and track-based detection.

A true region counts as found by the detections that overlap it by at least a tenth (intersection over union); a
detection that overlaps no true region of its frame by as much is false. Figures are areas under the rate of what is
found against false detections a frame, up to one.

Source:
    Ramachandra and Jones, 2020, Street Scene, section 4. https://arxiv.org/abs/1902.05872
"""

import dataclasses
import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.perspective import Boxes
from model_zoo.perception.tracker import overlaps

Scores = npt.NDArray[np.float64]  # (N,)
PixelMasks = npt.NDArray[np.uint8]  # (frames, h, w), not 0 where anomalous

MIN_OVERLAP = 0.1
TRACK_SHARE = 0.1
"""Share of a true track's regions that must be found for the track to count as found."""

_LEAST_AREA_PX = 10


@dataclasses.dataclass(frozen=True)
class TrueRegions:
    """The anomalous regions of one frame and the track each belongs to."""

    boxes: Boxes  # (R, 4)
    track: npt.NDArray[np.int64]  # (R,)


@dataclasses.dataclass(frozen=True)
class Detections:
    """The scored boxes of one frame."""

    boxes: Boxes  # (N, 4)
    scores: Scores  # (N,)


@dataclasses.dataclass(frozen=True)
class DetectionFigures:
    """Areas under region- and track-based detection rate against false detections a frame, in ``[0, 1]``."""

    rbdc: float
    tbdc: float


def regions_from_masks(masks: PixelMasks) -> tuple[TrueRegions, ...]:
    """Connected parts of each frame's mask, with tracks.

    A part continues the track of the part it overlaps most in the frame before.

    Args:
        masks: Of one clip.
    """
    frames: list[TrueRegions] = []
    previous = TrueRegions(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    num_tracks = 0
    for mask in masks:
        boxes = _parts(mask)
        overlap = overlaps(boxes, previous.boxes) if len(previous.boxes) else np.zeros((len(boxes), 0))
        track = np.zeros(len(boxes), np.int64)
        for row, of_one in enumerate(overlap):
            is_known = bool(len(of_one)) and of_one.max() > 0
            track[row] = previous.track[int(np.argmax(of_one))] if is_known else num_tracks
            num_tracks += not is_known
        previous = TrueRegions(boxes, track)
        frames.append(previous)
    return tuple(frames)


def _parts(mask: npt.NDArray[np.uint8]) -> Boxes:
    height, width = mask.shape
    _, _, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8))
    left, top, wide, high, area = stats[1:].T
    corners = np.stack([left / width, top / height, (left + wide) / width, (top + high) / height], axis=1)
    return np.asarray(corners[area >= _LEAST_AREA_PX], np.float32)


def detection_figures(clips: Sequence[Sequence[tuple[TrueRegions, Detections]]]) -> DetectionFigures:
    """Region- and track-based detection over all clips.

    Args:
        clips: The frames of each clip.

    Raises:
        ValueError: there is no frame, or no true region.
    """
    found_at: list[float] = []  # for each true region, the highest threshold that still finds it
    tracks: dict[tuple[int, int], list[float]] = {}
    false_at: list[float] = []
    num_frames = 0
    for number, clip in enumerate(clips):
        for truth, detections in clip:
            num_frames += 1
            overlap = overlaps(truth.boxes, detections.boxes)  # (R, N)
            hits = overlap >= MIN_OVERLAP
            false_at += detections.scores[~hits.any(axis=0)].tolist()
            best = np.where(hits, detections.scores[None], -np.inf).max(axis=1, initial=-np.inf)
            found_at += best.tolist()
            for track, score in zip(truth.track.tolist(), best.tolist(), strict=True):
                tracks.setdefault((number, track), []).append(score)
    if not found_at:
        raise ValueError("expected at least one true region")
    track_at = [sorted(scores, reverse=True)[math.ceil(TRACK_SHARE * len(scores)) - 1] for scores in tracks.values()]
    return DetectionFigures(_area(found_at, false_at, num_frames), _area(track_at, false_at, num_frames))


def _area(found_at: Sequence[float], false_at: Sequence[float], num_frames: int) -> float:
    """Area under the share found against false detections a frame, from 0 to 1, by steps."""
    found, false = np.sort(found_at), np.sort(false_at)[::-1]
    most = min(len(false), num_frames)  # one false detection a frame
    share = (len(found) - np.searchsorted(found, false[:most], side="right")) / len(found)  # before each false one
    rest = num_frames - most  # the fewest false detections there are: what is found stays found
    return float((share.sum() + rest * np.isfinite(found).mean()) / num_frames)
