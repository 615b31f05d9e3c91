"""One evaluation from training clips to figures.

Everything that is fitted here is fitted to training clips: scenes, normality, calibration, the alarm threshold. Test
labels are read when the scores are there, for the figures alone.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from model_zoo.datasets.clip import DataSet, LabelledClip
from model_zoo.datasets.truth import check_truth
from model_zoo.errors import FootageError
from model_zoo.evaluation.caveats import Caveats
from model_zoo.evaluation.frame_auc import ema, frame_scores
from model_zoo.evaluation.frame_figures import AlarmFigures, ScoredFrames, alarm_figures, frame_figures
from model_zoo.evaluation.region_detection import (
    DetectionFigures,
    Detections,
    PixelMasks,
    TrueRegions,
    detection_figures,
    regions_from_masks,
)
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.track_figures import FoundTracks, TrackFigures, track_figures
from model_zoo.evaluation.watching import Watcher, observe, open_watcher, sampled, stride_of
from model_zoo.perception.stage_clock import StageClock
from model_zoo.scoring.frame_score import begun, bounded, frame_score
from model_zoo.scoring.object_model import ObjectModel, ObjectModelSettings, fit_object_model
from model_zoo.scoring.observations import Observations, joined
from model_zoo.scoring.score_counts import ScoreCounts

Scores = npt.NDArray[np.float64]
Progress = Callable[[str], None]

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Trained:
    """What was learned from the training clips."""

    model: ObjectModel
    pooled: ObjectModel
    """The same fitted to all clips as one site: what federation could cost."""
    usual_score: float
    """Median score of a training frame: what a frame is given that cannot be judged yet, the first of a clip."""
    alarm_threshold: float
    """On the causal mean of frame scores."""


@dataclasses.dataclass(frozen=True)
class TestedClip:
    """One test clip, scored frame by frame."""

    clip: LabelledClip
    scores: Scores  # (frames,)
    rows: Observations
    surprise: Scores  # (R,)
    test_s: float
    """Wall time of scoring its frames, decoding left out."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """All figures of one data set."""

    settings: EvaluationSettings
    trained: Trained
    tested: tuple[TestedClip, ...]
    caveats: Caveats
    clock: StageClock
    figures: dict[str, Any] | None
    """As ``frame_figures``; ``None`` without labels of both classes."""
    alarms: AlarmFigures | None
    regions: DetectionFigures | None
    pooled_micro: dict[str, float] | None
    """Micro AUC of the model fitted to all clips as one site."""
    tracks: TrackFigures | None
    """Of the only test clip, where the data set says who is who."""

    @property
    def fps(self) -> float:
        """Frames a second from decoded frame to score."""
        return self.clock.num_frames / sum(one.test_s for one in self.tested)


def run_evaluation(data: DataSet, settings: EvaluationSettings, progress: Progress) -> Evaluation:
    """Learns from the training clips, then scores the test clips one frame after the other.

    Raises:
        FootageError: A clip cannot be used.
        ModelFileError: Detector or network cannot be used.
        NormalityError: The training clips show too few objects, or a value is not finite.
    """
    if not data.training or not data.testing:
        raise FootageError(f"expected training and testing clips, got {len(data.training)} and {len(data.testing)}")
    check_truth(data)
    watcher = open_watcher(data.training, settings)
    progress(f"learned {len(watcher.scenes)} empty scene(s)")
    trained = learn(watcher, data.training, settings)
    progress(f"learned what is normal from {len(data.training)} clips")
    unknown = unknown_cameras(watcher, trained.model, data.testing)
    clock = StageClock()
    tested = tuple(score_clip(watcher, trained, clip, clock) for clip in data.testing)
    progress(f"scored {len(tested)} test clips")
    return _evaluation(settings, trained, tested, _caveats(tested, unknown), clock)


def unknown_cameras(watcher: Watcher, model: ObjectModel, clips: Sequence[LabelledClip]) -> tuple[str, ...]:
    """Cameras that are judged as all together; each is warned of once."""
    unknown = tuple(dict.fromkeys(clip.camera for clip in clips if model.unseen(np.array([watcher.context(clip)]))))
    for camera in unknown:
        logger.warning("camera never trained on, judged as all together", extra={"camera": camera})
    return unknown


def _caveats(tested: Sequence[TestedClip], unknown_cameras: tuple[str, ...]) -> Caveats:
    short = [one.clip.name for one in tested if len(one.scores) <= stride_of(one.clip)]
    return Caveats(
        unknown_cameras,
        clips_without_labels=tuple(one.clip.name for one in tested if one.clip.labels is None),
        clips_of_one_frame=tuple(short),
        clips_without_objects=tuple(
            one.clip.name for one in tested if not len(one.rows) and one.clip.name not in short
        ),
    )


def learn(watcher: Watcher, clips: Sequence[LabelledClip], settings: EvaluationSettings) -> Trained:
    """Learns what is normal, and sets the alarm threshold.

    Raises:
        FootageError: A clip cannot be used.
        NormalityError: The clips show too few objects, or a value is not finite.
    """
    watched = [watcher.watch(clip) for clip in clips]
    rows = [rows for rows, _ in watched]
    fitted = object_model_settings(settings)
    num_contexts = len(watcher.scenes)
    model = fit_object_model(rows, settings.num_sites, num_contexts, fitted)
    pooled = fit_object_model(rows, 1, num_contexts, fitted)
    raw = [
        frame_scores(count, rows.frame, bounded(model.without(index).surprise(rows)))
        for index, (rows, count) in enumerate(watched)
    ]
    usual = _counted_over_sites(raw, settings.num_sites).quantile(0.5)
    causal = _counted_over_sites([ema(begun(scores, usual)) for scores in raw], settings.num_sites)
    return Trained(model.model, pooled.model, usual, causal.quantile(1.0 - settings.alarms_per_1000 / 1000.0))


def _counted_over_sites(clips: Sequence[Scores], num_sites: int) -> ScoreCounts:
    """What the sites' counts of frame scores add up to; clips are dealt out as to ``fit_object_model``."""
    sites = [ScoreCounts.of(np.concatenate(clips[site::num_sites])) for site in range(min(num_sites, len(clips)))]
    return sum(sites[1:], start=sites[0])


def object_model_settings(settings: EvaluationSettings) -> ObjectModelSettings:
    """What an evaluation's settings say of the object model."""
    return ObjectModelSettings(
        settings.normality, settings.components, settings.num_folds, settings.uses_kind, settings.network
    )


def score_clip(watcher: Watcher, trained: Trained, clip: LabelledClip, clock: StageClock) -> TestedClip:
    """Scores a clip as a site would, each frame before the next is read.

    Raises:
        FootageError: A frame cannot be used, there is none, or there are more or fewer than labels.
        NormalityError: A value is not finite.
    """
    stream = watcher.stream(clip, clock)
    scores: list[float] = []
    parts: list[Observations] = []
    surprises: list[Scores] = []
    total_s = 0.0
    for index, frame in enumerate(sampled(clip)):
        began_s = time.perf_counter()
        rows = observe(stream, clip, frame, index)
        with clock.stage("score"):
            surprise = trained.model.surprise(rows)
            score = frame_score(surprise) if index else trained.usual_score
        total_s += time.perf_counter() - began_s
        clock.next_frame()
        scores.append(score)
        parts.append(rows)
        surprises.append(surprise)
    if not scores:
        raise FootageError(f"clip {clip.name}: expected frames, found none")
    held = np.repeat(scores, stride_of(clip))  # a frame that is not analysed keeps the score of the one before
    if clip.labels is not None:
        held = _fitted(held, len(clip.labels), clip)
    return TestedClip(clip, held, joined(parts), np.concatenate(surprises), total_s)


def _fitted(scores: Scores, num_frames: int, clip: LabelledClip) -> Scores:
    if not len(scores) - stride_of(clip) < num_frames <= len(scores):
        raise FootageError(f"clip {clip.name}: expected {num_frames} frames as labelled, watched {len(scores)}")
    return scores[:num_frames]


def _evaluation(
    settings: EvaluationSettings,
    trained: Trained,
    tested: tuple[TestedClip, ...],
    caveats: Caveats,
    clock: StageClock,
) -> Evaluation:
    labelled = [one for one in tested if one.clip.labels is not None]
    clips = [
        ScoredFrames(one.clip.name, one.clip.labels, one.scores) for one in labelled if one.clip.labels is not None
    ]
    classes = {int(label) for clip in clips for label in np.unique(clip.labels)}
    is_mixed = classes == {0, 1}
    return Evaluation(
        settings,
        trained,
        tested,
        caveats,
        clock,
        figures=frame_figures(clips) if is_mixed else None,
        alarms=alarm_figures(clips, trained.alarm_threshold) if clips else None,
        regions=_regions(labelled) if is_mixed else None,
        pooled_micro=_pooled_micro(labelled, clips, trained) if is_mixed else None,
        tracks=_tracks(tested),
    )


def _pooled_micro(labelled: Sequence[TestedClip], clips: Sequence[ScoredFrames], trained: Trained) -> dict[str, float]:
    pairs = zip(clips, labelled, strict=True)
    pooled = [dataclasses.replace(clip, scores=_rescored(one, trained)) for clip, one in pairs]
    micro: dict[str, float] = frame_figures(pooled)["micro"]
    return micro


def _rescored(one: TestedClip, trained: Trained) -> Scores:
    stride = stride_of(one.clip)
    num_watched = -(-len(one.scores) // stride)
    scores = frame_scores(num_watched, one.rows.frame, bounded(trained.pooled.surprise(one.rows)))
    return np.repeat(begun(scores, trained.usual_score), stride)[: len(one.scores)]


def _tracks(tested: Sequence[TestedClip]) -> TrackFigures | None:
    """Objects as they were scored, against who was there."""
    one = tested[0]
    if len(tested) > 1 or one.clip.tracks is None:
        return None
    pairs = []
    for index, truth in enumerate(one.clip.tracks[:: stride_of(one.clip)]):
        rows = one.rows.frame == index
        pairs.append((truth, FoundTracks(one.rows.track_id[rows], one.rows.boxes[rows])))
    return track_figures(pairs)


def _regions(tested: Sequence[TestedClip]) -> DetectionFigures | None:
    """Where the data set marks pixels of every test clip."""
    marked = [(one, one.clip.masks()) for one in tested if one.clip.masks is not None]
    if len(marked) < len(tested):
        return None
    return detection_figures([_found(one, masks) for one, masks in marked])


def _found(one: TestedClip, masks: PixelMasks) -> list[tuple[TrueRegions, Detections]]:
    found = []
    for index, truth in enumerate(regions_from_masks(masks)):
        rows = one.rows.frame == index // stride_of(one.clip)
        found.append((truth, Detections(one.rows.boxes[rows], one.surprise[rows])))
    return found
