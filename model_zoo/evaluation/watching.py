"""Watching a data set's clips with the pipeline that a site runs."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

from model_zoo.datasets.clip import LabelledClip
from model_zoo.default import DEFAULT_MODEL
from model_zoo.errors import FootageError
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.onnx_model import OnnxModel, load_model
from model_zoo.perception.background import MIN_SIDE_PX, Frame
from model_zoo.perception.detector import Detector, load_detector
from model_zoo.perception.perceiver import Perceiver
from model_zoo.perception.proposer import BlobProposer, DetectorProposer
from model_zoo.perception.scene import Scene, fit_scene
from model_zoo.perception.stage_clock import StageClock
from model_zoo.perception.tubelet import ANALYSIS_FPS
from model_zoo.scoring.object_stream import ObjectStream
from model_zoo.scoring.observations import Observations, joined

SCENE_FRAMES = 200
"""A camera that no training clip shows learns its empty scene from so many frames at the start of its test clip."""


@dataclasses.dataclass(frozen=True)
class Watcher:
    """The scenes of the cameras, and what is run on their frames."""

    settings: EvaluationSettings
    scenes: Mapping[str, Scene]
    detector: Detector | None
    network: OnnxModel | None

    def stream(self, clip: LabelledClip, clock: StageClock | None = None) -> ObjectStream:
        """A fresh stream for one clip.

        Raises:
            FootageError: The clip shows no frame.
        """
        return ObjectStream(self.perceiver(clip, clock), self.context(clip), self.network, clock)

    def perceiver(self, clip: LabelledClip, clock: StageClock | None = None) -> Perceiver:
        """A fresh perceiver for one clip; raises as ``stream``."""
        scene = self.scene(clip)
        if self.detector is None:
            proposer: BlobProposer | DetectorProposer = BlobProposer(scene.perspective)
        else:
            every, least = self.settings.detect_every, self.settings.min_confidence
            proposer = DetectorProposer(self.detector, scene.perspective, every, least)
        return Perceiver(scene, clip.fps / stride_of(clip), proposer, clock)

    def scene(self, clip: LabelledClip) -> Scene:
        """The empty scene of the clip's camera, learned from the clip where none is known; raises as ``stream``."""
        known = self.scenes.get(clip.camera)
        return known or fit_scene(itertools.islice(sampled(clip), SCENE_FRAMES), self.detector)

    def context(self, clip: LabelledClip) -> int:
        """Number of the clip's camera; one past the last for a camera never trained on."""
        cameras = list(self.scenes)
        return cameras.index(clip.camera) if clip.camera in self.scenes else len(cameras)

    def watch(self, clip: LabelledClip) -> tuple[Observations, int]:
        """All objects of a clip, and its number of frames watched.

        Raises:
            FootageError: A frame cannot be used, or there is none.
        """
        stream, parts = self.stream(clip), []
        for index, frame in enumerate(sampled(clip)):
            parts.append(observe(stream, clip, frame, index))
        if not parts:
            raise FootageError(f"clip {clip.name}: expected frames, found none")
        return joined(parts), len(parts)


def observe(stream: ObjectStream, clip: LabelledClip, frame: Frame, index: int) -> Observations:
    """The objects of the clip's ``index``-th sampled frame.

    Raises:
        FootageError: The frame cannot be used; says which.
    """
    try:
        return stream.observe(frame, index * stride_of(clip) / clip.fps)
    except FootageError as error:
        raise FootageError(f"clip {clip.name}, frame {index * stride_of(clip)}: {error}") from error


def stride_of(clip: LabelledClip) -> int:
    """Every so many frames one is analysed, to come near ``ANALYSIS_FPS``."""
    return max(1, round(clip.fps / ANALYSIS_FPS))


def sampled(clip: LabelledClip) -> Iterator[Frame]:
    """The frames of a clip that are analysed."""
    return itertools.islice(clip.frames, 0, None, stride_of(clip))


def _of_one_size(clips: Sequence[LabelledClip]) -> Iterator[Frame]:
    """The frames of one camera's clips, one clip after the other.

    Raises:
        FootageError: A frame cannot be used, or is of another size than the first; says which.
    """
    expected: tuple[int, ...] | None = None
    for clip in clips:
        index = -1
        for index, frame in enumerate(sampled(clip)):
            size = (frame.shape[1], frame.shape[0])
            expected = expected or size
            if size != expected or min(size) < MIN_SIDE_PX:
                at_least = f"at least {MIN_SIDE_PX} px a side" if size == expected else f"{expected[0]}x{expected[1]}"
                place = f"clip {clip.name}, frame {index * stride_of(clip)}"
                raise FootageError(f"{place}: expected pictures of {at_least}, got {size[0]}x{size[1]}")
            yield frame
        if index < 0:
            raise FootageError(f"clip {clip.name}: expected frames, found none")


def open_watcher(clips: Sequence[LabelledClip], settings: EvaluationSettings) -> Watcher:
    """Learns the empty scene of every camera that training clips show, and loads detector and network.

    Raises:
        FootageError: There is no frame, or one that cannot be used.
        ModelFileError: The detector or the network cannot be used.
    """
    first = next(iter(clips[0].frames), None)
    if first is None:
        raise FootageError(f"clip {clips[0].name}: expected frames, found none")
    size = (first.shape[0], first.shape[1])
    path = settings.detector
    detector = load_detector(path, size, settings.detector_width_px) if path else None
    scenes = {}
    for camera in dict.fromkeys(clip.camera for clip in clips):
        of_camera = [clip for clip in clips if clip.camera == camera]
        scenes[camera] = fit_scene(_of_one_size(of_camera), detector)
    return Watcher(settings, scenes, detector, load_model(DEFAULT_MODEL) if settings.network else None)
