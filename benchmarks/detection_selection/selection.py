"""Training clips with somebody pasted in, and how well a configuration finds them.

A clip and what was pasted into it are scored by a density that has not seen that clip.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from model_zoo.datasets.clip import LabelledClip, Labels
from model_zoo.errors import FootageError
from model_zoo.evaluation.experiment import object_model_settings
from model_zoo.evaluation.frame_auc import ema, frame_scores
from model_zoo.evaluation.frame_figures import ScoredFrames, alarm_figures, frame_figures
from model_zoo.evaluation.pasted_objects import INTRUDERS, Place, cut_out, paste
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.watching import Watcher, open_watcher
from model_zoo.perception.background import Frame
from model_zoo.perception.tubelet import MOTION_FEATURES
from model_zoo.scoring.frame_score import begun, bounded
from model_zoo.scoring.object_model import fit_object_model

BRISK_SHARE = 0.75
"""Share of normal objects that are slower than the pace intruders' paces are multiples of."""


@dataclasses.dataclass(frozen=True)
class PastedInto:
    """A pasted clip, and which training clip it was."""

    clip: LabelledClip
    labels: Labels
    kind: str
    training_clip: int


@dataclasses.dataclass(frozen=True)
class Footage:
    """Normal clips, and the same with somebody pasted in."""

    normal: tuple[LabelledClip, ...]
    pasted: tuple[PastedInto, ...]


def paste_clips(
    training: Sequence[LabelledClip], settings: EvaluationSettings, pasted_per_clip: int, seed: int
) -> Footage:
    """Pastes somebody into every training clip so many times, each time of another kind.

    Raises:
        FootageError: Nobody can be cut out, or there is no detector to find anybody.
    """
    watcher = open_watcher(training, settings)
    frames = [list(clip.frames) for clip in training]
    pace, pasted = _brisk_pace(watcher, training), []
    for number, clip in enumerate(training):
        place = Place(watcher.scenes[clip.camera], pace / clip.fps)
        pasted += [_pasted(watcher, frames, (number, clip), place, (seed, repeat)) for repeat in range(pasted_per_clip)]
    return Footage(tuple(training), tuple(pasted))


def _brisk_pace(watcher: Watcher, clips: Sequence[LabelledClip]) -> float:
    speed = MOTION_FEATURES.index("speed")
    speeds = np.concatenate([watcher.watch(clip)[0].features[:, speed] for clip in clips])
    return float(np.quantile(speeds, BRISK_SHARE))


def _pasted(
    watcher: Watcher,
    frames: list[list[Frame]],
    into: tuple[int, LabelledClip],
    place: Place,
    draw: tuple[int, int],
) -> PastedInto:
    number, clip = into
    seed, repeat = draw
    random = np.random.default_rng([seed, repeat, number])
    kind = list(INTRUDERS)[(number + repeat) % len(INTRUDERS)]
    others = [one for index, one in enumerate(frames) if index != number]
    cutout = cut_out(others, place.scene, watcher.detector, random) if watcher.detector else None
    if cutout is None:
        raise FootageError(f"clip {clip.name}: nobody in the other clips can be cut out")
    made = paste(frames[number], cutout, kind, place, random)
    name = f"{clip.name}-{repeat}"
    return PastedInto(LabelledClip(name, list(made.frames), clip.fps, clip.camera), made.labels, kind, number)


def candidate_figures(footage: Footage, settings: EvaluationSettings) -> dict[str, Any]:
    """Frame figures over normal and pasted clips, and alarms at the threshold that normal clips set."""
    watcher = open_watcher(footage.normal, settings)
    normal = [watcher.watch(clip) for clip in footage.normal]
    fitted = fit_object_model(
        [rows for rows, _ in normal], settings.num_sites, len(watcher.scenes), object_model_settings(settings)
    )
    scores = [
        frame_scores(count, rows.frame, bounded(fitted.without(index).surprise(rows)))
        for index, (rows, count) in enumerate(normal)
    ]
    usual = float(np.median(np.concatenate(scores)))
    clips = [
        ScoredFrames(clip.name, np.zeros(len(one), np.int64), begun(one, usual))
        for clip, one in zip(footage.normal, scores, strict=True)
    ]
    threshold = float(
        np.quantile(np.concatenate([ema(clip.scores) for clip in clips]), 1 - settings.alarms_per_1000 / 1000)
    )
    found = []
    for one in footage.pasted:
        rows, count = watcher.watch(one.clip)
        its_scores = frame_scores(count, rows.frame, bounded(fitted.without(one.training_clip).surprise(rows)))
        found.append(ScoredFrames(one.clip.name, one.labels, begun(its_scores, usual)))
    alarms = alarm_figures(found, threshold)
    kinds = [one.kind for one in footage.pasted]
    by_kind = {
        kind: alarm_figures([clip for clip, its in zip(found, kinds, strict=True) if its == kind], threshold).recall
        for kind in INTRUDERS
    }
    return {
        "micro": frame_figures([*clips, *found])["micro"],
        "recall": alarms.recall,
        "recall_by_kind": by_kind,
        "false_frames_per_1000": alarms.false_frames_per_1000,
        "median_delay_frames": alarms.median_delay_frames,
        "threshold": threshold,
    }
