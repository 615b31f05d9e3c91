"""Footage of the synthetic world, watched by the pipeline that a site runs, each object with the actor it shows.

Letters in shapes: R rows (one object in one frame), A an actor in one frame, P pairs.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from model_zoo.datasets.clip import Frame, Frames
from model_zoo.datasets.synthetic import ActorFrames, Boxes, WorldClip
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.watching import Watcher, open_watcher, sampled
from model_zoo.perception.background import analysis_picture, grey_picture
from model_zoo.perception.perspective import fit_perspective
from model_zoo.perception.scene import NUM_PERSPECTIVE_FRAMES, isolated_people, upright_boxes
from model_zoo.perception.tracker import overlaps
from model_zoo.scoring.observations import Observations

LEAST_OVERLAP = 0.3
"""Intersection over union from which on an object shows an actor."""
TOUCHING = 0.1
"""Share of the smaller box from which on an object may show some of an actor."""


@dataclasses.dataclass(frozen=True)
class _EveryNth:
    """Some of a clip's pictures: shown at the same rate, all in it moves so much faster."""

    frames: Frames
    stride: int

    def __iter__(self) -> Iterator[Frame]:
        return itertools.islice(self.frames, 0, None, self.stride)


@dataclasses.dataclass(frozen=True)
class Take:
    """A clip as it was watched, at its own pace or faster."""

    world: WorldClip
    stride: int
    """Every so many frames one was shown."""
    num_frames: int
    rows: Observations
    truth: ActorFrames
    shown: npt.NDArray[np.int64]  # (R,) actor frame that the object shows, -1 for none
    touched: npt.NDArray[np.int64]  # (P, 2) rows and actor frames that may share pixels


def open_world_watcher(clips: Sequence[WorldClip], settings: EvaluationSettings) -> Watcher:
    """Learns an empty scene for each light and one perspective: the camera does not move when lamps go out.

    Raises:
        FootageError: There is no frame, or one that cannot be used.
        ModelFileError: The detector or the network cannot be used.
    """
    watcher = open_watcher([one.clip for one in clips], settings)
    people = []
    for state, scene in watcher.scenes.items():
        frames = itertools.chain.from_iterable(sampled(one.clip) for one in clips if one.state == state)
        total = sum(one.num_frames for one in clips if one.state == state)
        some = list(itertools.islice(frames, 0, None, max(1, total // NUM_PERSPECTIVE_FRAMES)))
        if watcher.detector is None:
            some = [analysis_picture(grey_picture(frame)) for frame in some]
            people.append(upright_boxes(some, scene.background))
        else:
            people.append(isolated_people(some, watcher.detector))
    perspective = fit_perspective(np.concatenate(people))
    scenes = {state: dataclasses.replace(scene, perspective=perspective) for state, scene in watcher.scenes.items()}
    return dataclasses.replace(watcher, scenes=scenes)


def watch_take(watcher: Watcher, world: WorldClip, stride: int = 1) -> Take:
    """Watches a clip and finds who is who.

    Raises:
        FootageError: A frame cannot be used.
    """
    clip = dataclasses.replace(world.clip, frames=_EveryNth(world.clip.frames, stride))
    rows, num_frames = watcher.watch(clip)
    truth = world.truth.every(stride)
    return Take(world, stride, num_frames, rows, truth, *matched(rows, truth))


def matched(rows: Observations, truth: ActorFrames) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Whom each object shows, and whom it may show some of.

    Args:
        rows: Objects of one clip.
        truth: Everybody in the same frames.

    Returns:
        Actor frame of each row, -1 for none, ``(R,)``; pairs of rows and actor frames, ``(P, 2)``.
    """
    shown = np.full(len(rows), -1, np.int64)
    pairs = [np.zeros((0, 2), np.int64)]
    for frame in np.unique(rows.frame):
        mine, present = np.flatnonzero(rows.frame == frame), np.flatnonzero(truth.frame == frame)
        if not len(present):
            continue
        overlap = overlaps(rows.boxes[mine], truth.boxes[present])
        best = overlap.argmax(axis=1)
        is_shown = overlap[np.arange(len(mine)), best] >= LEAST_OVERLAP
        shown[mine[is_shown]] = present[best[is_shown]]
        row, actor = np.nonzero(_common_share(rows.boxes[mine], truth.boxes[present]) >= TOUCHING)
        pairs.append(np.stack([mine[row], present[actor]], axis=1))
    return shown, np.concatenate(pairs)


def _common_share(first: Boxes, second: Boxes) -> npt.NDArray[np.float64]:
    """Intersection of each two boxes over the area of the smaller. ``(N, M)``."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.clip(high - low, 0.0, None), axis=-1)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    smaller = np.minimum(areas[0][:, None], areas[1][None])
    return np.asarray(common / np.maximum(smaller, 1e-12), np.float64)
