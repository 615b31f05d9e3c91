"""From perceived objects to scores: network, statistics, their fusion, and what is rare here and now.

Each channel's score is calibrated against normal tubelets of the same zone and state; the fused score is the sum of
both surprises, calibrated once more. What an operator called a false alarm makes its look-alikes normal at once.

Letters in shapes: N objects, T steps, S crop side, M motion features, D code size, F features, K local contexts.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from context.schedule import STATES
from fl_client.perceived import Perceived
from fl_client.storage.tubelet_store import LABELS, Block, TubeletStore, join_blocks, no_tubelets
from fl_client.training.normality_sums import block_sums
from model_zoo.architecture import NUM_FLEET_CONTEXTS
from model_zoo.calibration import Calibration, fit_calibration
from model_zoo.normality.features import NUM_FEATURES, Features, object_features
from model_zoo.normality.intensity import Intensity, NormalitySums, fit_intensity
from model_zoo.onnx_model import OnnxModel
from model_zoo.perception.collector import MIN_AGE
from model_zoo.perception.tubelet import NUM_STEPS, Tubelets, concatenate

Scores = npt.NDArray[np.float64]  # (N,)
Contexts = npt.NDArray[np.int64]  # (N,) zone slot * number of states + state

EXEMPLAR_WIDTH = 0.35
"""How far, in features, an accepted object's look-alikes reach."""

MIN_CALIBRATION_TUBELETS = 300
"""With fewer held-out tubelets, those trained on calibrate as well."""

TUBELETS_OF_AN_OBJECT = 8.0
"""Tubelets that one passing object leaves, about: they say the same, so they count as one."""

COMMON_DEVIATION = 2.0
UNUSUAL_WORDS = (
    ("moves against the usual direction", "moves fast along the usual direction"),
    ("moves across, up the picture", "moves across, down the picture"),
    ("slow", "fast"),
    ("small or low", "tall"),
    ("narrow", "wide"),
    ("passes quickly", "stays long"),
)
"""Words for a feature far below and far above what is usual, in the order of ``MOTION_FEATURES``."""


@dataclasses.dataclass(frozen=True)
class Exemplars:
    """Objects an operator called false alarms: their features and contexts."""

    features: Features  # (E, F)
    context: npt.NDArray[np.int64]  # (E,)

    def nearest_distance(self, features: Features, context: Contexts) -> Scores:
        """Squared distance, in widths, to the nearest exemplar of the same context; infinite without one. ``(N,)``."""
        difference = (features[:, None] - self.features[None]) / EXEMPLAR_WIDTH  # (N, E, F)
        distance = (difference**2).sum(axis=2)
        distance[context[:, None] != self.context[None]] = np.inf
        return np.asarray(distance.min(axis=1, initial=np.inf))


@dataclasses.dataclass(frozen=True)
class Statistics:
    """The statistics channel of one camera: what objects are like in each context, and how often there are any."""

    intensity: Intensity
    rarity: npt.NDArray[np.float64]  # (K,) -log10 of the share of normal objects in contexts this quiet
    exemplars: Exemplars
    usual_score: npt.NDArray[np.float64]  # (K,) median score of normal objects

    def scores(self, features: Features, context: Contexts) -> Scores:
        """How unlike the context's objects each is; one near an accepted exception is like them. ``(N,)``."""
        scores = self._unlikeness(features, context)
        accepted = self.usual_score[context] + 0.5 * self.exemplars.nearest_distance(features, context)
        return np.minimum(scores, accepted)

    def _unlikeness(self, features: Features, context: Contexts) -> Scores:
        return self.intensity.scores(features, context) + self.intensity.log_rate[context]


@dataclasses.dataclass(frozen=True)
class Surprise:
    """How rare objects are, by channel: -log10 of the share of normal objects that score higher. ``(N,)`` each."""

    fused: Scores
    network: Scores
    statistics: Scores
    calibrated: Scores
    """The fused surprise, calibrated: the share of normal objects of the context that are less surprising."""


@dataclasses.dataclass(frozen=True)
class CameraScorer:
    """Everything needed to score one camera's objects; replaced as a whole, never changed."""

    model: OnnxModel
    camera_index: int
    zone_kinds: npt.NDArray[np.int64]  # (num_slots,)
    statistics: Statistics
    network_calibration: Calibration
    statistics_calibration: Calibration
    fused_calibration: Calibration
    is_conditioned: bool

    def surprise(self, network: Scores, features: Features, context: Contexts) -> Surprise:
        """Calibrates and fuses both channels.

        Args:
            network: The network's scores. ``(N,)``.
            features: ``(N, F)``.
            context: Local contexts. ``(N,)``.
        """
        context = context if self.is_conditioned else np.zeros_like(context)
        by_network = self.network_calibration.surprise(network, context)
        by_statistics = self.statistics_calibration.surprise(self.statistics.scores(features, context), context)
        by_statistics += self.statistics.rarity[context]
        fused = by_network + by_statistics
        return Surprise(fused, by_network, by_statistics, self.fused_calibration.calibrated(fused, context))

    def why(self, scores: "ObjectScores", index: int) -> str:
        """What is most unusual about one scored object, in a few words."""
        surprise, context = scores.surprise, int(scores.context[index])
        if surprise.network[index] > surprise.statistics[index]:
            return "unlike what is usual here at this time"
        intensity = self.statistics.intensity
        covariance = np.linalg.inv(intensity.whitening[context].T @ intensity.whitening[context])
        deviations = (scores.features[index] - intensity.mean[context]) / np.sqrt(np.diagonal(covariance))
        largest = int(np.argmax(np.abs(deviations)))
        if abs(deviations[largest]) < COMMON_DEVIATION:
            return "hardly anything is usual here at this time"
        word = UNUSUAL_WORDS[largest][int(deviations[largest] > 0)]
        return f"{word}: {abs(deviations[largest]):.1f} deviations from usual"


def local_context(zone_slot: npt.NDArray[np.int64], state: npt.NDArray[np.int64]) -> Contexts:
    """The camera's own context of objects: where, and in which state of the site."""
    return np.asarray(zone_slot * len(STATES) + state)


def fit_scorer(
    model: OnnxModel, store: TubeletStore, *, is_conditioned: bool = True, uses_labels: bool = True
) -> CameraScorer:
    """Fits statistics and calibration of one camera to what it has stored.

    Args:
        model: The model that will score; the fleet's normality comes with it.
        store: The camera's tubelets.
        is_conditioned: False pools all contexts: the blind baseline.
        uses_labels: False leaves out what an operator has said.

    Raises:
        StateError: The camera was never described in the store.
        NormalityError: The model's fleet normality is of another layout.
    """
    zone_kinds, camera_index = store.zone_kinds_and_index()
    training, held_out = (join_blocks(store.blocks(is_held_out=flag)) for flag in (False, True))
    labelled = store.labelled()
    accepted = labelled.select((labelled.label == LABELS["false"]) & uses_labels)
    statistics = _fit_statistics(model, zone_kinds, training, accepted, is_conditioned=is_conditioned)
    normal = _calibration_tubelets(training, held_out)
    context = local_context(normal.zone_slot, normal.state)
    context = context if is_conditioned else np.zeros_like(context)
    num_contexts = len(zone_kinds) * len(STATES)
    network = model.score_tubelets(normal, camera_index).astype(np.float64)
    by_network = fit_calibration(network, context, num_contexts)
    scores = statistics.scores(object_features(normal.motion), context)
    by_statistics = fit_calibration(scores, context, num_contexts)
    fused = by_network.surprise(network, context) + by_statistics.surprise(scores, context)
    fused += statistics.rarity[context]
    by_fused = fit_calibration(fused, context, num_contexts)
    return CameraScorer(
        model, camera_index, zone_kinds, statistics, by_network, by_statistics, by_fused, is_conditioned
    )


def _fit_statistics(
    model: OnnxModel,
    zone_kinds: npt.NDArray[np.int64],
    training: Block | None,
    accepted: Tubelets,
    *,
    is_conditioned: bool,
) -> Statistics:
    num_contexts = len(zone_kinds) * len(STATES)
    local = NormalitySums.zeros(num_contexts, NUM_FEATURES)
    if training is not None:
        local = block_sums(training, np.arange(len(zone_kinds)), num_contexts, training.tubelets.zone_slot)
    parent = _fleet_rows(model, zone_kinds)
    if not is_conditioned:
        local, parent = local.pooled(), parent.pooled()
    intensity = fit_intensity(local, parent)
    context = local_context(accepted.zone_slot, accepted.state)
    context = context if is_conditioned else np.zeros_like(context)
    exemplars = Exemplars(object_features(accepted.motion), context)
    # A normal object lies about as many squared deviations from the mean as there are features.
    usual = intensity.scores(intensity.mean, np.arange(num_contexts)) + intensity.log_rate + 0.5 * NUM_FEATURES
    rarity = context_rarity(intensity.log_rate, local.count if is_conditioned else local.count[:1])
    return Statistics(intensity, rarity, exemplars, usual)


def context_rarity(log_rate: npt.NDArray[np.float64], count: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How rare it is to see any object in a context.

    Kept apart from what objects are like: a rate of one in an hour says more about an intruder than any feature, and
    would drown in the spread of the features if both were one score.

    Args:
        log_rate: Logarithm of objects a second in each context. ``(K,)``.
        count: Tubelets seen in each context. ``(K,)``.

    Returns:
        -log10 of the share of the camera's objects that appear in contexts as quiet or quieter. ``(K,)``, at least 0.
    """
    objects = count / TUBELETS_OF_AN_OBJECT
    quieter = (log_rate[None, : len(count)] <= log_rate[:, None] + 1e-9) @ objects  # (K,)
    return np.asarray(-np.log10((quieter + 0.5) / (objects.sum() + 0.5)))


def _fleet_rows(model: OnnxModel, zone_kinds: npt.NDArray[np.int64]) -> NormalitySums:
    """The fleet's sums, row by row for this camera's contexts; nothing if the model carries none."""
    num_states = len(STATES)
    if not model.metadata.fleet_normality:
        return NormalitySums.zeros(len(zone_kinds) * num_states, NUM_FEATURES)
    fleet = NormalitySums.from_vector(
        np.array(model.metadata.fleet_normality, dtype=np.float64), NUM_FLEET_CONTEXTS, NUM_FEATURES
    )
    rows = (zone_kinds[:, None] * num_states + np.arange(num_states)).ravel()
    return NormalitySums(fleet.exposure_s[rows], fleet.count[rows], fleet.linear[rows], fleet.outer[rows])


def _calibration_tubelets(training: Block | None, held_out: Block | None) -> Tubelets:
    blocks = [block.tubelets for block in (held_out, training) if block is not None]
    enough = blocks[:1] if held_out is not None and len(held_out.tubelets) >= MIN_CALIBRATION_TUBELETS else blocks
    return concatenate([*enough, no_tubelets()])


@dataclasses.dataclass
class _TrackMemory:
    codes: npt.NDArray[np.float32]  # (T - 1, D)
    motion: npt.NDArray[np.float32]  # (T, M)
    last_frame: int


@dataclasses.dataclass(frozen=True)
class ObjectScores:
    """The objects of one frame that are old enough to be scored."""

    rows: npt.NDArray[np.int64]  # (R,) rows of ``Perceived``
    features: Features  # (R, F)
    context: Contexts  # (R,)
    surprise: Surprise  # (R,)


class StreamScorer:
    """Scores one stream frame by frame; every crop is encoded once and its code kept while the track lives."""

    def __init__(self, scorer: CameraScorer) -> None:
        self.scorer = scorer
        self._tracks: dict[int, _TrackMemory] = {}
        self._num_frames = 0

    def score(self, seen: Perceived) -> ObjectScores:
        """Scores the objects of the next frame."""
        self._num_frames += 1
        self._tracks = {
            key: track for key, track in self._tracks.items() if track.last_frame >= self._num_frames - NUM_STEPS
        }
        rows = len(seen.track_ids)
        if not rows:
            none = np.zeros(0, dtype=np.int64)
            return ObjectScores(none, np.zeros((0, NUM_FEATURES)), none, _no_surprise())
        memories = [self._remember(int(track_id), seen.motion[row]) for row, track_id in enumerate(seen.track_ids)]
        motion = np.stack([memory.motion for memory in memories])  # (N, T, M)
        network = self._network_scores(seen, memories, motion)
        ready = np.nonzero(seen.ages >= MIN_AGE)[0]
        context = local_context(seen.zone_slot, np.full(rows, seen.moment.state_index, dtype=np.int64))
        features = object_features(motion[ready])
        surprise = self.scorer.surprise(network[ready], features, context[ready])
        return ObjectScores(ready, features, context[ready], surprise)

    def _network_scores(self, seen: Perceived, memories: list[_TrackMemory], motion: npt.NDArray[np.float32]) -> Scores:
        scorer, rows = self.scorer, len(memories)
        condition = (
            np.repeat(seen.moment.values[None], rows, axis=0),
            scorer.zone_kinds[seen.zone_slot],
            np.full(rows, scorer.camera_index, dtype=np.int64),
        )
        codes = np.stack([memory.codes for memory in memories])  # (N, T - 1, D)
        code, score = scorer.model.step(seen.crops, codes, motion, condition)
        for memory, newest, age in zip(memories, code, seen.ages, strict=True):
            is_first = age == 1
            memory.codes = np.repeat(newest[None], NUM_STEPS - 1, axis=0) if is_first else _pushed(memory.codes, newest)
        return score.astype(np.float64)

    def _remember(self, track_id: int, step: npt.NDArray[np.float32]) -> _TrackMemory:
        track = self._tracks.get(track_id)
        if track is None:
            codes = np.zeros((NUM_STEPS - 1, self.scorer.model.metadata.code_size), dtype=np.float32)
            track = self._tracks[track_id] = _TrackMemory(codes, np.repeat(step[None], NUM_STEPS, axis=0), 0)
        else:
            track.motion = _pushed(track.motion, step)
        track.last_frame = self._num_frames
        return track


def _pushed(steps: npt.NDArray[np.float32], newest: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.concatenate([steps[1:], newest[None]])


def _no_surprise() -> Surprise:
    none = np.zeros(0)
    return Surprise(none, none, none, none)
