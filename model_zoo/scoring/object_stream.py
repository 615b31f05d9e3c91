"""One camera's frames to measured objects, one frame at a time."""

import numpy as np
import numpy.typing as npt

from model_zoo.architecture import NUM_CONTEXT
from model_zoo.normality.features import object_features
from model_zoo.onnx_model import OnnxModel
from model_zoo.perception.background import Frame
from model_zoo.perception.object_kind import KINDS
from model_zoo.perception.perceiver import Perceiver
from model_zoo.perception.stage_clock import StageClock
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, ObservedObject
from model_zoo.scoring.observations import Observations
from model_zoo.scoring.track_stream import Condition, TrackStream

Scores = npt.NDArray[np.float64]

MIN_AGE = 2
"""Observations a track needs before it is scored: with one, its motion is not known."""


class ObjectStream:
    """Measures the objects of one camera in the order of its frames.

    Args:
        perceiver: Sees the objects.
        context: Number of the camera's context.
        network: Scores them, too; not run when absent.
        clock: Told how long each stage takes.
    """

    def __init__(
        self, perceiver: Perceiver, context: int, network: OnnxModel | None = None, clock: StageClock | None = None
    ) -> None:
        self._perceiver, self._context, self._network = perceiver, context, network
        self._clock = clock or StageClock()
        self.reset()

    def reset(self) -> None:
        """Ends all tracks, as between two clips."""
        self._perceiver.reset()
        self._tracks = TrackStream()
        self._num_frames = 0

    def observe(self, frame: Frame, instant_s: float) -> Observations:
        """Takes the next frame; returns the objects in it that are old enough.

        Raises:
            FootageError: The frame cannot be used.
        """
        objects = self._perceiver.update(frame, instant_s)
        number, self._num_frames = self._num_frames, self._num_frames + 1
        with self._clock.stage("features"):
            track_ids = [seen.track_id for seen in objects]
            steps = np.array([seen.motion for seen in objects], np.float32).reshape(-1, NUM_MOTION)
            features = object_features(self._tracks.motion(track_ids, steps))
        with self._clock.stage("network"):
            network, oddity = self._judged(objects, track_ids)
        rows = len(objects)
        ages = np.array([seen.age for seen in objects], np.int64)
        every = Observations(
            np.full(rows, number, np.int64),
            np.array(track_ids, np.int64),
            ages,
            np.array([seen.box for seen in objects], np.float32).reshape(-1, 4),
            features,
            np.array([seen.kind_votes for seen in objects], np.float64).reshape(-1, len(KINDS)),
            network,
            oddity,
            np.full(rows, self._context, np.int64),
        )
        return every.select(ages >= MIN_AGE)

    def _judged(self, objects: tuple[ObservedObject, ...], track_ids: list[int]) -> tuple[Scores, Scores]:
        """Score and oddity of each object. ``(N,)`` each."""
        if self._network is None:
            return np.zeros(len(objects)), np.zeros(len(objects))
        crops = np.array([seen.crop for seen in objects], np.uint8).reshape(-1, CROP_SIDE, CROP_SIDE)
        judged = self._tracks.judged(self._network, track_ids, crops, _anywhere(len(objects)))
        return judged.score.astype(np.float64), judged.oddity.astype(np.float64)


def _anywhere(rows: int) -> Condition:
    """Footage without a schedule or zones is conditioned on nothing in particular."""
    none = np.zeros(rows, np.int64)
    return np.zeros((rows, NUM_CONTEXT), np.float32), none, none
