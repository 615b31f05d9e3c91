"""From perceived objects to scores: network, statistics, their fusion, and what is rare here and now.

Each channel's score is calibrated against normal tubelets of the same zone and state; the network speaks twice, of how
foreign an object is to its context and of how odd it is for one that moves so. The fused score is the sum of all
surprises, calibrated once more. Look-alikes of what an operator called a false alarm are normal at once; the
network learns it in the next round.

Letters in shapes: N objects, T steps, S crop side, M motion features, D code size, F features, K local contexts.
"""

import collections
import dataclasses

import numpy as np
import numpy.typing as npt

from context.schedule import STATES
from fl_client.inference.exemplars import Exemplars
from fl_client.inference.perceived import Perceived
from model_zoo.calibration import Calibration
from model_zoo.normality.features import AVERAGED_STEPS, NUM_FEATURES, Features, object_features
from model_zoo.normality.intensity import Intensity
from model_zoo.onnx_model import Judged, OnnxModel
from model_zoo.perception.collector import MIN_AGE
from model_zoo.scoring.track_stream import TrackStream

Scores = npt.NDArray[np.float64]  # (N,)
Contexts = npt.NDArray[np.int64]  # (N,) zone slot * number of states + state

COMMON_DEVIATION = 2.0
UNUSUAL_WORDS = (
    ("moves against the usual direction", "moves fast along the usual direction"),
    ("moves across, up the picture", "moves across, down the picture"),
    ("slow", "fast"),
    ("moves as one piece", "moves its limbs a lot"),
    ("small or low", "tall"),
    ("narrow", "wide"),
    ("passes quickly", "stays long"),
)
"""Words for a feature far below and far above what is usual, in the order of ``MOTION_FEATURES``."""


JUDGED_AS_ELSEWHERE = "what is usual here at this time is not known yet, so judged as elsewhere"


@dataclasses.dataclass(frozen=True)
class Statistics:
    """The statistics channel of one camera: what objects are like in each context, and how often there are any."""

    intensity: Intensity
    rarity: npt.NDArray[np.float64]  # (K,) -log10 of the share of normal objects in contexts this quiet

    def scores(self, features: Features, context: Contexts) -> Scores:
        """How unlike the context's objects each is. ``(N,)``."""
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
    score_calibration: Calibration
    oddity_calibration: Calibration
    statistics_calibration: Calibration
    fused_calibration: Calibration
    exemplars: Exemplars
    is_conditioned: bool
    taught: frozenset[int]
    """Contexts with an object in the camera's own footage; all others are judged as the site and the fleet are."""

    def surprise(self, judged: Judged, features: Features, context: Contexts) -> Surprise:
        """Calibrates and fuses both channels.

        Args:
            judged: What the network says.
            features: ``(N, F)``.
            context: Local contexts. ``(N,)``.
        """
        context = context if self.is_conditioned else np.zeros_like(context)
        by_network = self.score_calibration.surprise(judged.score.astype(np.float64), context)
        by_network += self.oddity_calibration.surprise(judged.oddity.astype(np.float64), context)
        by_statistics = self.statistics_calibration.surprise(self.statistics.scores(features, context), context)
        by_statistics += self.statistics.rarity[context]
        fused = by_network + by_statistics
        return Surprise(fused, by_network, by_statistics, self.fused_calibration.calibrated(fused, context))

    def most_surprise(self, features: Features, crops: npt.NDArray[np.uint8], context: Contexts) -> Scores:
        """How surprising objects can be that move and look like accepted ones; infinite for all others.

        Args:
            features: ``(N, F)``.
            crops: The newest of each. ``(N, S, S)``.
            context: Local contexts. ``(N,)``.
        """
        context = context if self.is_conditioned else np.zeros_like(context)
        return self.exemplars.most_surprise(features, crops, kind_context(context, self.zone_kinds))

    def bounded(self, surprise: Surprise, most: Scores, context: Contexts) -> Surprise:
        """The same with the fused surprise at most ``most``. ``(N,)``."""
        context = context if self.is_conditioned else np.zeros_like(context)
        fused = np.minimum(surprise.fused, most)
        return dataclasses.replace(surprise, fused=fused, calibrated=self.fused_calibration.calibrated(fused, context))

    def why(self, scores: "ObjectScores", index: int) -> str:
        """What is most unusual about one scored object, in a few words, and by whose footage where not the camera's."""
        context = int(scores.context[index]) if self.is_conditioned else 0
        said = self._most_unusual(scores, index)
        return said if context in self.taught else f"{said}; {JUDGED_AS_ELSEWHERE}"

    def _most_unusual(self, scores: "ObjectScores", index: int) -> str:
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


def kind_context(context: Contexts, zone_kinds: npt.NDArray[np.int64]) -> Contexts:
    """The contexts by kind of zone instead of zone, as the fleet counts them and exceptions hold. ``(N,)``."""
    return np.asarray(zone_kinds[context // len(STATES)] * len(STATES) + context % len(STATES))


@dataclasses.dataclass(frozen=True)
class ObjectScores:
    """The objects of one frame that are old enough to be scored."""

    rows: npt.NDArray[np.int64]  # (R,) rows of ``Perceived``
    features: Features  # (R, F)
    context: Contexts  # (R,)
    surprise: Surprise  # (R,)


class StreamScorer:
    """Scores one stream frame by frame."""

    def __init__(self, scorer: CameraScorer) -> None:
        self.scorer = scorer
        self._tracks = TrackStream()
        self._most_surprise: dict[int, collections.deque[float]] = {}

    def score(self, seen: Perceived) -> ObjectScores:
        """Scores the objects of the next frame."""
        track_ids = seen.track_ids.tolist()
        motion = self._tracks.motion(track_ids, seen.motion)  # (N, T, M)
        rows = len(track_ids)
        if not rows:
            none = np.zeros(0, dtype=np.int64)
            return ObjectScores(none, np.zeros((0, NUM_FEATURES)), none, _no_surprise())
        scorer = self.scorer
        condition = (
            np.repeat(seen.moment.values[None], rows, axis=0),
            scorer.zone_kinds[seen.zone_slot],
            np.full(rows, scorer.camera_index, dtype=np.int64),
        )
        judged = self._tracks.judged(scorer.model, track_ids, seen.crops, condition)
        ready = np.nonzero(seen.ages >= MIN_AGE)[0]
        context = local_context(seen.zone_slot, np.full(rows, seen.moment.state_index, dtype=np.int64))
        features = object_features(motion[ready])
        surprise = scorer.surprise(judged.select(ready), features, context[ready])
        most = scorer.most_surprise(features, seen.crops[ready], context[ready])
        bound = self._lasting([track_ids[row] for row in ready], most)
        surprise = scorer.bounded(surprise, bound, context[ready])
        return ObjectScores(ready, features, context[ready], surprise)

    def _lasting(self, track_ids: list[int], most: Scores) -> Scores:
        """The median of each track's last bounds: one frame half out of the picture is no reason to change one's mind.

        As many bounds are kept as there are steps that motion is averaged over.
        """
        self._most_surprise = {key: kept for key, kept in self._most_surprise.items() if self._tracks.remembers(key)}
        for track_id, one in zip(track_ids, most, strict=True):
            self._most_surprise.setdefault(track_id, collections.deque(maxlen=AVERAGED_STEPS)).append(float(one))
        return np.array([np.median(self._most_surprise[track_id]) for track_id in track_ids], dtype=np.float64)


def _no_surprise() -> Surprise:
    none = np.zeros(0)
    return Surprise(none, none, none, none)
