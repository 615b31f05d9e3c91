"""What the model makes of one clip: its scores, its objects in some frames, and why the most unusual one is."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model_zoo.datasets.clip import DataSet, LabelledClip
from model_zoo.datasets.truth import check_truth
from model_zoo.errors import FootageError
from model_zoo.evaluation.experiment import Progress, TestedClip, Trained, learn, score_clip, unknown_cameras
from model_zoo.evaluation.region_detection import regions_from_masks
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.watching import Watcher, open_watcher, sampled, stride_of
from model_zoo.explain.occlusion import Occlusion, occlusion_map
from model_zoo.perception.background import Frame, Picture
from model_zoo.perception.collector import MIN_AGE, TubeletCollector, Window
from model_zoo.perception.perspective import Boxes
from model_zoo.perception.stage_clock import StageClock
from model_zoo.perception.tubelet import Box, Crop

NUM_SHOWN = 4
MAP_SIZE = (120, 180)
"""Rows and columns of the map of surprise."""

Values = npt.NDArray[np.float64]  # (N,)


@dataclasses.dataclass(frozen=True)
class Shown:
    """One frame with the objects in it."""

    index: int
    """Among the frames of the clip."""
    frame: Frame
    boxes: Boxes  # (N, 4)
    surprise: Values  # (N,)
    truth: Boxes
    """Around what the data set marks as anomalous. ``(R, 4)``."""


@dataclasses.dataclass(frozen=True)
class Oddest:
    """The most unusual object of the clip."""

    index: int
    """Of the frame in which it is."""
    box: Box
    size_px: tuple[float, float]
    """Height and width of the box in pixels of the analysis picture."""
    surprise: float
    parts: dict[str, float]
    """What each channel adds to its surprise."""
    crop: Crop
    occlusion: Occlusion | None
    """``None`` where the network does not count."""


@dataclasses.dataclass(frozen=True)
class Sight:
    """All that is to be drawn of one clip."""

    clip: LabelledClip
    scores: Values  # (frames,)
    alarm_threshold: float
    background: Picture
    shown: tuple[Shown, ...]
    oddest: Oddest | None
    """``None`` where no object was seen for long enough."""
    surprise_map: npt.NDArray[np.float64]
    """The highest surprise of an object at each place, over the whole clip. ``MAP_SIZE``."""


def clip_named(data: DataSet, name: str) -> LabelledClip:
    """The test clip of that name.

    Raises:
        FootageError: There is none.
    """
    for clip in data.testing:
        if clip.name == name:
            return clip
    raise FootageError(f"clip: expected one of {', '.join(clip.name for clip in data.testing)}, got {name!r}")


def see(data: DataSet, clip: LabelledClip, settings: EvaluationSettings, progress: Progress) -> Sight:
    """Learns from the training clips as an evaluation does, and looks at one clip.

    Raises:
        FootageError: A clip cannot be used.
        ModelFileError: Detector or network cannot be used.
        NormalityError: The training clips show too few objects.
    """
    check_truth(DataSet(data.name, (), (clip,)))
    watcher = open_watcher(data.training, settings)
    progress("learned the empty scenes")
    trained = learn(watcher, data.training, settings)
    progress(f"learned what is normal from {len(data.training)} clips")
    unknown_cameras(watcher, trained.model, (clip,))
    return sight_of(watcher, trained, score_clip(watcher, trained, clip, StageClock()))


def sight_of(watcher: Watcher, trained: Trained, tested: TestedClip) -> Sight:
    """What is to be drawn of a clip that was scored.

    Raises:
        FootageError: A frame cannot be used.
    """
    clip = tested.clip
    row = _oddest_row(tested)
    num_watched = -(-len(tested.scores) // stride_of(clip))
    numbers = _spread(num_watched, None if row is None else int(tested.rows.frame[row]))
    background = watcher.scene(clip).background
    return Sight(
        clip,
        tested.scores,
        trained.alarm_threshold,
        background,
        _shown(tested, numbers),
        None if row is None else _oddest(watcher, trained, tested, row),
        _surprise_map(tested),
    )


def _oddest_row(tested: TestedClip) -> int | None:
    """Of the objects old enough for a window."""
    rows = np.flatnonzero(tested.rows.age >= MIN_AGE)
    return int(rows[np.argmax(tested.surprise[rows])]) if len(rows) else None


def _spread(num_frames: int, wanted: int | None) -> list[int]:
    """Frames spread evenly, the one nearest to ``wanted`` replaced by it."""
    numbers = sorted({int((2 * index + 1) * num_frames / (2 * NUM_SHOWN)) for index in range(NUM_SHOWN)})
    if wanted is not None:
        numbers[int(np.argmin(np.abs(np.array(numbers) - wanted)))] = wanted
    return numbers


def _shown(tested: TestedClip, numbers: Sequence[int]) -> tuple[Shown, ...]:
    clip = tested.clip
    truth = regions_from_masks(clip.masks()) if clip.masks is not None else ()
    shown = []
    for number, frame in enumerate(sampled(clip)):
        if number in numbers:
            rows = tested.rows.frame == number
            index = number * stride_of(clip)
            marked = truth[index].boxes if truth else np.zeros((0, 4), np.float32)
            shown.append(Shown(index, frame, tested.rows.boxes[rows], tested.surprise[rows], marked))
    return tuple(shown)


def _oddest(watcher: Watcher, trained: Trained, tested: TestedClip, row: int) -> Oddest:
    rows = tested.rows.select(np.array([row]))
    window = _window(watcher, tested.clip, int(rows.frame[0]), int(rows.track_id[0]))
    height_px, width_px = watcher.scene(tested.clip).background.shape
    left, top, right, bottom = rows.boxes[0].tolist()
    return Oddest(
        int(rows.frame[0]) * stride_of(tested.clip),
        rows.boxes[0],
        ((bottom - top) * height_px, (right - left) * width_px),
        float(tested.surprise[row]),
        {name: float(values[0]) for name, values in trained.model.parts(rows).items()},
        window.crops[-1],
        occlusion_map(watcher.network, window) if watcher.network else None,
    )


def _window(watcher: Watcher, clip: LabelledClip, number: int, track_id: int) -> Window:
    """The last steps of a track, by watching the clip once more up to its ``number``-th sampled frame."""
    perceiver, collector = watcher.perceiver(clip), TubeletCollector()
    for index, frame in enumerate(sampled(clip)):
        collector.update(perceiver.update(frame, index * stride_of(clip) / clip.fps))
        if index == number:
            break
    return next(window for window in collector.latest() if window.track_id == track_id)


def _surprise_map(tested: TestedClip) -> npt.NDArray[np.float64]:
    height, width = MAP_SIZE
    result = np.zeros(MAP_SIZE)
    corners = np.clip(tested.rows.boxes, 0, 1) * np.array([width, height, width, height])
    for (left, top, right, bottom), surprise in zip(np.rint(corners).astype(int), tested.surprise, strict=True):
        place = result[top:bottom, left:right]
        np.maximum(place, surprise, out=place)
    return result
