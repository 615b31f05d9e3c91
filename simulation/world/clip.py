"""What is asked of a clip, and what comes back: frames with the truth about everything that moves in them."""

import dataclasses
import datetime as dt

import numpy as np
import numpy.typing as npt

from simulation.world.kinds import ActorKind, AnomalyKind

Boxes = npt.NDArray[np.float32]  # (N, 4) xyxy, fractions of the frame
Frames = npt.NDArray[np.uint8]  # (N, H, W, 3) BGR

MIN_WIDTH, MIN_HEIGHT = 360, 240


@dataclasses.dataclass(frozen=True)
class ClipPlan:
    """One clip to be rendered."""

    start_utc: dt.datetime
    num_frames: int
    fps: float
    width: int
    height: int
    anomalies: tuple[AnomalyKind, ...]
    has_novelty: bool
    seed: int

    def __post_init__(self) -> None:
        if self.start_utc.tzinfo is None:
            raise ValueError("expected a timezone-aware start")
        if self.num_frames < 1 or not self.fps > 0:
            raise ValueError(f"expected at least one frame and a positive rate, got {self.num_frames} at {self.fps}")
        if self.width < MIN_WIDTH or self.height < MIN_HEIGHT:
            raise ValueError(f"expected at least {MIN_WIDTH}x{MIN_HEIGHT}, got {self.width}x{self.height}")

    @property
    def duration_s(self) -> float:
        """Length of the clip in seconds."""
        return self.num_frames / self.fps

    @property
    def times_s(self) -> npt.NDArray[np.float64]:
        """Instants of the frames, seconds from the start. ``(N,)``."""
        return np.arange(self.num_frames) / self.fps


@dataclasses.dataclass(frozen=True)
class AnomalyTruth:
    """One anomaly while at least 30 % of its actor is to be seen."""

    kind: AnomalyKind
    track_id: int
    first_frame: int
    last_frame: int
    """Inclusive."""
    boxes: Boxes
    """One for each frame of the interval, cut at the picture's edge."""


@dataclasses.dataclass(frozen=True)
class ActorTrack:
    """One actor in all frames in which any of it may be seen."""

    track_id: int
    kind: ActorKind
    frames: npt.NDArray[np.int64]  # (n,) ascending
    boxes: Boxes  # (n, 4) cut at the picture's edge
    seen: npt.NDArray[np.float64]  # (n,) share of it inside the picture and not hidden by scenery, in (0, 1]
    speed_m_s: npt.NDArray[np.float64]  # (n,) over the ground


@dataclasses.dataclass(frozen=True)
class RenderedClip:
    """Frames with their ground truth."""

    frames: Frames
    truth: tuple[AnomalyTruth, ...]
    tracks: tuple[ActorTrack, ...]

    @property
    def anomalous_frames(self) -> npt.NDArray[np.bool_]:
        """Whether each frame shows an anomaly. ``(N,)``."""
        is_anomalous = np.zeros(len(self.frames), dtype=bool)
        for truth in self.truth:
            is_anomalous[truth.first_frame : truth.last_frame + 1] = True
        return is_anomalous
