"""Learning what is normal at one camera: the empty scene first, then blocks of tubelets and watched moments."""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt

from context.context_vector import CONTEXT_SIZE, Moment
from context.schedule import OperationalState
from fl_client.inference.perceived import Perceived
from fl_client.storage.tubelet_store import Block, no_tubelets
from model_zoo.errors import ModelFileError
from model_zoo.perception.background import Frame, analysis_picture, grey_picture
from model_zoo.perception.detector import DetectorFile
from model_zoo.perception.scene import Scene, fit_scene, load_scene
from model_zoo.perception.tubelet import Tubelets, concatenate
from model_zoo.training.exposure import Exposure

logger = logging.getLogger(__name__)

LONGEST_STEP_S = 1.0
"""A longer gap between two frames was not watched."""

MAX_SCENE_FRAMES = 120


class SceneLearner:
    """Collects pictures for a while, then knows the empty scene.

    Args:
        duration_s: How long to collect.
        detector: Finds the people that the perspective is read off; the foreground serves when absent.
    """

    def __init__(self, duration_s: float, detector: DetectorFile | None = None) -> None:
        self._duration_s, self._detector = duration_s, detector
        self._pictures: list[npt.NDArray[np.uint8]] = []
        self._first_s: float | None = None
        self._last_s = -np.inf

    def add(self, frame: Frame, instant_s: float) -> Scene | None:
        """Takes a frame; returns the scene once enough has been seen.

        Raises:
            FootageError: The frame cannot be used.
            ModelFileError: The detector cannot be used.
        """
        self._first_s = instant_s if self._first_s is None else self._first_s
        if instant_s - self._last_s >= self._duration_s / MAX_SCENE_FRAMES:
            self._pictures.append(analysis_picture(grey_picture(frame)))
            self._last_s = instant_s
        if instant_s - self._first_s < self._duration_s:
            return None
        height_px, width_px = self._pictures[0].shape
        return fit_scene(self._pictures, self._detector.open((height_px, width_px)) if self._detector else None)


@dataclasses.dataclass
class _Watched:
    moment: Moment
    seconds: float


class BlockBuilder:
    """Gathers tubelets and watched moments until a block is full.

    Args:
        block_s: Seconds of watching in one block.
    """

    def __init__(self, block_s: float) -> None:
        self._block_s = block_s
        self._batches: list[Tubelets] = []
        self._watched: dict[OperationalState, _Watched] = {}
        self._last_s: float | None = None

    def add(self, seen: Perceived, normal: npt.NDArray[np.bool_]) -> float:
        """Adds a frame.

        Args:
            seen: What was perceived.
            normal: Which of its tubelets to keep. ``(len(seen.tubelets),)``.

        Returns:
            Seconds watched since the frame before.
        """
        elapsed_s = 0.0 if self._last_s is None else seen.instant_s - self._last_s
        elapsed_s = elapsed_s if 0.0 <= elapsed_s <= LONGEST_STEP_S else 0.0
        self._last_s = seen.instant_s
        watched = self._watched.setdefault(seen.moment.state, _Watched(seen.moment, 0.0))
        watched.moment, watched.seconds = seen.moment, watched.seconds + elapsed_s
        if normal.any():
            self._batches.append(seen.tubelets.select(normal))
        return elapsed_s

    @property
    def is_full(self) -> bool:
        """Whether a block's worth has been watched."""
        return self._seconds() >= self._block_s

    def take(self) -> Block | None:
        """The block gathered so far, and starts the next; ``None`` when nothing was watched."""
        watched = [entry for entry in self._watched.values() if entry.seconds > 0]
        batches = [no_tubelets(), *self._batches]
        self._batches, self._watched = [], {}
        if not watched:
            return None
        exposure = Exposure(
            np.array([entry.moment.values for entry in watched], dtype=np.float32).reshape(-1, CONTEXT_SIZE),
            np.array([entry.moment.state_index for entry in watched], dtype=np.int64),
            np.array([entry.seconds for entry in watched], dtype=np.float64),
        )
        return Block(concatenate(batches), exposure)

    def _seconds(self) -> float:
        return sum(entry.seconds for entry in self._watched.values())


def load_scenes(folder: Path) -> dict[OperationalState, Scene]:
    """Scenes saved in a camera's folder, by state; a damaged one is skipped with a warning."""
    scenes = {}
    for state in OperationalState:
        path = scene_path(folder, state)
        if path.exists():
            try:
                scenes[state] = load_scene(path)
            except ModelFileError as error:
                logger.warning("damaged scene skipped", extra={"reason": str(error)})
    return scenes


def save_scenes(folder: Path, scenes: dict[OperationalState, Scene]) -> None:
    """Saves scenes into a camera's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for state, scene in scenes.items():
        scene.save(scene_path(folder, state))


def forget_scenes(folder: Path) -> None:
    """Removes saved scenes: those of a camera that shows another picture now are of no use in any state."""
    for state in OperationalState:
        scene_path(folder, state).unlink(missing_ok=True)


def scene_path(folder: Path, state: OperationalState) -> Path:
    """Where the scene of a state is kept."""
    return folder / f"scene_{state.value}.npz"
