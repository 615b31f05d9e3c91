"""Footage of the synthetic world, which knows of everybody in every frame.

The folder is laid out as in ``frame_folders``; ``labels.json`` says more of every clip: ``fps``, ``state``,
``start_local`` and ``tracks``, one for each actor, and of the camera its ``zones``.

Letters in shapes: A an actor in one frame, in the order of tracks and then of frames.
"""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pydantic

from model_zoo.datasets.clip import LabelledClip, PictureFolder
from model_zoo.datasets.frame_folders import LABELS_FILE
from model_zoo.errors import FootageError
from model_zoo.perception.tubelet import ANALYSIS_FPS

Boxes = npt.NDArray[np.float32]  # (A, 4) xyxy, fractions of the frame
Polygon = npt.NDArray[np.float64]  # (corners, 2) fractions of the frame

_MAX_LABELS_BYTES = 1 << 29
_STRICT = pydantic.ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)

_Name = Annotated[str, pydantic.Field(min_length=1, max_length=64)]
_ClipName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Number = Annotated[int, pydantic.Field(ge=0, le=10_000_000)]
_Fraction = Annotated[float, pydantic.Field(ge=0, le=1)]
_Speed = Annotated[float, pydantic.Field(ge=0, le=1000)]
_Box = Annotated[list[_Fraction], pydantic.Field(min_length=4, max_length=4)]
_Corner = Annotated[list[_Fraction], pydantic.Field(min_length=2, max_length=2)]


class _Zone(pydantic.BaseModel):
    model_config = _STRICT
    name: _Name
    polygon: Annotated[list[_Corner], pydantic.Field(min_length=3)]


class _Track(pydantic.BaseModel):
    model_config = _STRICT
    kind: _Name
    role: Literal["usual", "anomaly", "novelty"]
    usual_in: list[_Name]
    wrong_in: list[_Name]
    frames: Annotated[list[_Number], pydantic.Field(min_length=1)]
    boxes: list[_Box]
    seen: list[_Fraction]
    speed_m_s: list[_Speed]

    @pydantic.model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if not len(self.frames) == len(self.boxes) == len(self.seen) == len(self.speed_m_s):
            raise ValueError("expected as many boxes, seen and speed_m_s as frames")
        if sorted(set(self.frames)) != self.frames:
            raise ValueError("expected frames that ascend")
        return self


class _Clip(pydantic.BaseModel):
    model_config = _STRICT
    frames: Annotated[_Number, pydantic.Field(ge=1)]
    fps: Annotated[float, pydantic.Field(ge=0.9 * ANALYSIS_FPS, le=1.1 * ANALYSIS_FPS)]
    """The rate of analysis: every frame is analysed, so that the truth of each is known."""
    state: _Name
    start_local: _Name
    tracks: list[_Track]

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        try:
            dt.datetime.fromisoformat(self.start_local)
        except ValueError as error:
            raise ValueError("expected start_local as YYYY-MM-DDTHH:MM:SS") from error
        if any(track.frames[-1] >= self.frames for track in self.tracks):
            raise ValueError(f"expected tracks within the {self.frames} frames of the clip")
        return self


class _Labels(pydantic.BaseModel):
    model_config = _STRICT
    zones: list[_Zone]
    training: Annotated[dict[_ClipName, _Clip], pydantic.Field(min_length=1)]
    clips: Annotated[dict[_ClipName, _Clip], pydantic.Field(min_length=1)]


@dataclasses.dataclass(frozen=True)
class Actor:
    """What stays the same of one actor."""

    kind: str
    is_usual: bool
    """Neither an anomaly nor something harmless but new."""
    usual_in: frozenset[str]
    wrong_in: frozenset[str]
    """Operational states in which the same actor on the same way is usual, or wrong."""


@dataclasses.dataclass(frozen=True)
class ActorFrames:
    """Everybody in every frame of one clip."""

    actors: tuple[Actor, ...]
    actor: npt.NDArray[np.int64]  # (A,) index into actors
    frame: npt.NDArray[np.int64]  # (A,)
    boxes: Boxes  # (A, 4)
    seen: npt.NDArray[np.float64]  # (A,) share that can be seen
    speed_m_s: npt.NDArray[np.float64]  # (A,)

    def __len__(self) -> int:
        return len(self.frame)

    def each(self, holds_fn: Callable[[Actor], bool]) -> npt.NDArray[np.bool_]:
        """Whether something holds of the actor, in each of its frames. ``(A,)``."""
        return np.array([holds_fn(actor) for actor in self.actors], np.bool_)[self.actor]

    def every(self, stride: int) -> "ActorFrames":
        """The same clip with only every ``stride``-th frame shown at the same rate: all is so much faster."""
        rows = self.frame % stride == 0
        return ActorFrames(
            self.actors,
            self.actor[rows],
            self.frame[rows] // stride,
            self.boxes[rows],
            self.seen[rows],
            self.speed_m_s[rows] * stride,
        )


@dataclasses.dataclass(frozen=True)
class WorldClip:
    """A clip, what is in it, and when it was taken."""

    clip: LabelledClip
    """Its ``camera`` is the operational state: the light, and with it the empty scene, changes with it."""
    truth: ActorFrames
    num_frames: int
    state: str
    hour: int
    """Local."""


@dataclasses.dataclass(frozen=True)
class WorldFootage:
    """One camera's footage to learn from (all normal) and to test on."""

    zones: dict[str, Polygon]
    training: tuple[WorldClip, ...]
    testing: tuple[WorldClip, ...]


def is_world_footage(root: Path) -> bool:
    """Whether a folder holds footage of the synthetic world: its labels describe the training clips, too."""
    path = root / LABELS_FILE
    if not path.is_file() or path.stat().st_size > _MAX_LABELS_BYTES:
        return False
    try:
        labels = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(labels, dict) and "training" in labels


def read_world_footage(root: Path) -> WorldFootage:
    """Reads a folder that ``python -m simulation.world`` wrote.

    Raises:
        FootageError: Labels are missing, of an older world or contradictory, or frames are missing.
    """
    path = root / LABELS_FILE
    try:
        labels = _Labels.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FootageError(f"{path}: cannot be read: {error}") from error
    except pydantic.ValidationError as error:
        raise FootageError(f"{path}: {_first_problem(error)}") from error
    return WorldFootage(
        {zone.name: np.array(zone.polygon) for zone in labels.zones},
        tuple(_clip(root / "training" / "frames" / name, clip) for name, clip in labels.training.items()),
        tuple(_clip(root / "testing" / "frames" / name, clip) for name, clip in labels.clips.items()),
    )


def _first_problem(error: pydantic.ValidationError) -> str:
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{place}: missing; footage of an older world has to be written again (python -m simulation.world)"
    got = "" if isinstance(problem["input"], dict) else f" (got {problem['input']!r:.40})"
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}{got}"


def _clip(folder: Path, clip: _Clip) -> WorldClip:
    pictures = PictureFolder(folder)
    found = len(pictures.paths()) if folder.is_dir() else 0
    if found != clip.frames:
        raise FootageError(f"{folder}: expected {clip.frames} pictures as {LABELS_FILE} says, found {found}")
    name = "/".join(folder.parts[-3::2])
    return WorldClip(
        LabelledClip(name, pictures, clip.fps, clip.state),
        _actor_frames(clip.tracks),
        clip.frames,
        clip.state,
        dt.datetime.fromisoformat(clip.start_local).hour,
    )


def _actor_frames(tracks: Sequence[_Track]) -> ActorFrames:
    lengths = [len(track.frames) for track in tracks]

    def column(name: str) -> list[Any]:
        return [value for track in tracks for value in getattr(track, name)]

    return ActorFrames(
        tuple(
            Actor(track.kind, track.role == "usual", frozenset(track.usual_in), frozenset(track.wrong_in))
            for track in tracks
        ),
        np.repeat(np.arange(len(tracks)), lengths),
        np.array(column("frames"), np.int64),
        np.array(column("boxes"), np.float32).reshape(-1, 4),
        np.array(column("seen"), np.float64),
        np.array(column("speed_m_s"), np.float64),
    )
