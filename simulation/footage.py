"""Footage of emulated sites: the synthetic world, or real footage dealt out over the sites.

A footage folder is either in the Ped2 layout (``training/frames/NN/*.jpg``, ``testing/frames/NN``, ``labels.json``)
or a folder of videos, of which each gives its first part for training and the rest for testing. Real footage carries
no opening hours: its sites are open round the clock, and all of it is taken to be seen at one weekday noon.
"""

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import av
import numpy as np
import numpy.typing as npt

from context.schedule import WEEKDAYS, Hours, Schedule
from context.site import Camera, Site
from model_zoo.datasets.clip import VIDEO_SUFFIXES, Frame, LabelledClip, Labels
from model_zoo.datasets.frame_folders import read_frame_folders
from model_zoo.perception.tubelet import ANALYSIS_FPS
from simulation.errors import FootageFolderError
from simulation.world import (
    CONTEXT_DEPENDENT_KINDS,
    ClipPlan,
    EmulatedCamera,
    FootagePlan,
    RenderedClip,
    emulated_camera,
    plan_footage,
    render_clip,
)

REAL_FOOTAGE_START = dt.datetime(2026, 1, 7, 12, 0, tzinfo=dt.UTC)
NUM_KEPT_CLIPS = 8
TRAINING_SHARE = 0.6
"""Share of a video that trains; the rest tests."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """An anomaly in a clip; ``kind`` is empty where the footage does not say."""

    first_frame: int
    last_frame: int
    kind: str
    boxes: npt.NDArray[np.float32]  # (last - first + 1, 4), or (0, 4) where the footage has none


@dataclasses.dataclass(frozen=True)
class Recording:
    """A clip's frames and what is known of them."""

    frames: Iterator[Frame]
    labels: Labels | None
    intervals: tuple[Interval, ...]


class Clip(Protocol):
    """A clip that can be opened in any process."""

    @property
    def name(self) -> str:
        """Name within its site's footage."""

    @property
    def start_s(self) -> float:
        """Instant of the first frame, seconds since 1970 UTC."""

    @property
    def fps(self) -> float:
        """Frames a second."""

    def open(self) -> Recording:
        """Starts reading."""


@dataclasses.dataclass(frozen=True, eq=False)
class WorldClip:
    """A clip of the synthetic world."""

    name: str
    camera: EmulatedCamera
    plan: ClipPlan

    @property
    def start_s(self) -> float:
        """Instant of the first frame."""
        return self.plan.start_utc.timestamp()

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.plan.fps

    def open(self) -> Recording:
        """Renders the clip."""
        rendered = _rendered(self)
        intervals = tuple(
            Interval(truth.first_frame, truth.last_frame, truth.kind.value, truth.boxes) for truth in rendered.truth
        )
        return Recording(iter(rendered.frames), rendered.anomalous_frames.astype(np.int64), intervals)


@functools.lru_cache(maxsize=NUM_KEPT_CLIPS)
def _rendered(clip: WorldClip) -> RenderedClip:
    """Renders a clip, or gives it once more: learning a scene and then watching it opens the same clips twice."""
    return render_clip(clip.camera, clip.plan)


@dataclasses.dataclass(frozen=True)
class FolderClip:
    """A clip of a data set."""

    clip: LabelledClip
    start_s: float = REAL_FOOTAGE_START.timestamp()

    @property
    def name(self) -> str:
        """Name within the data set."""
        return self.clip.name

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.clip.fps

    def open(self) -> Recording:
        """Lists the pictures; reads them one by one."""
        labels = self.clip.labels
        intervals = () if labels is None else tuple(_unnamed(first, last) for first, last in runs(labels))
        return Recording(iter(self.clip.frames), labels, intervals)


def _unnamed(first_frame: int, last_frame: int) -> Interval:
    return Interval(first_frame, last_frame, "", np.zeros((0, 4), dtype=np.float32))


def runs(labels: Labels) -> list[tuple[int, int]]:
    """First and last frame of every stretch labelled 1."""
    steps = np.diff(np.concatenate([[0], labels, [0]]))
    return [
        (int(first), int(after) - 1)
        for first, after in zip(*(np.flatnonzero(steps == s) for s in (1, -1)), strict=True)
    ]


@dataclasses.dataclass(frozen=True)
class VideoClip:
    """A stretch of a video, sampled at the analysis rate."""

    name: str
    path: Path
    first_s: float
    last_s: float
    fps: float = ANALYSIS_FPS
    start_s: float = REAL_FOOTAGE_START.timestamp()

    def open(self) -> Recording:
        """Opens the video."""
        return Recording(self._frames(), None, ())

    def _frames(self) -> Iterator[Frame]:
        next_s = self.first_s
        with av.open(str(self.path)) as container:
            for frame in container.decode(video=0):
                if frame.time is None or frame.time < next_s:
                    continue
                if frame.time >= self.last_s:
                    return
                next_s += 1 / self.fps
                yield np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)


@dataclasses.dataclass(frozen=True)
class SiteFootage:
    """All footage of one emulated site, which has one camera."""

    site: Site
    training: tuple[Clip, ...]
    validation: tuple[Clip, ...]
    """Held-out normal clips; empty where a part of the training clips is held out instead."""
    testing: tuple[Clip, ...]
    feedback: tuple[Clip, ...]
    held_out: tuple[Clip, ...]
    """Like ``feedback``, never labelled: what the operator's work is measured on."""


@dataclasses.dataclass(frozen=True)
class Fleet:
    """The footage of all sites."""

    sites: tuple[SiteFootage, ...]
    title: str
    has_labels: bool
    notes: tuple[str, ...] = ()
    context_dependent_kinds: frozenset[str] = frozenset()


def synthetic_fleet(num_clients: int, seed: int) -> Fleet:
    """Sites of the synthetic world, one camera each."""
    cameras = [emulated_camera(seed, index) for index in range(num_clients)]
    sites = tuple(_world_site(camera, plan_footage(camera, seed)) for camera in cameras)
    kinds = frozenset(kind.value for kind in CONTEXT_DEPENDENT_KINDS)
    return Fleet(sites, "synthetic world", has_labels=True, context_dependent_kinds=kinds)


def _world_site(camera: EmulatedCamera, plan: FootagePlan) -> SiteFootage:
    clips: dict[str, tuple[Clip, ...]] = {
        part: tuple(WorldClip(f"{part} {index:02d}", camera, one) for index, one in enumerate(plans))
        for part, plans in plan.parts.items()
    }
    return SiteFootage(camera.site, **clips)


def real_fleet(root: Path, num_clients: int) -> Fleet:
    """Deals the clips of a footage folder out over the sites.

    Raises:
        FootageFolderError: The folder is missing, empty, or neither in the Ped2 layout nor full of videos.
        FootageError: Its labels do not fit its clips.
    """
    if not root.is_dir():
        raise FootageFolderError(
            f"{root}: expected a folder of footage, got {'a file' if root.exists() else 'nothing'}"
        )
    if (root / "training" / "frames").is_dir():
        return _folder_fleet(root, num_clients)
    videos = sorted(path for path in root.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        raise FootageFolderError(f"{root}: expected training/frames/NN folders or videos, found neither")
    return _video_fleet(root, videos, num_clients)


def _folder_fleet(root: Path, num_clients: int) -> Fleet:
    data = read_frame_folders(root)
    training, testing = ([FolderClip(clip) for clip in part] for part in (data.training, data.testing))
    has_labels = bool(testing) and all(clip.clip.labels is not None for clip in testing)
    notes = () if has_labels else (f"AUC is null: {root.name} has no labels.json for its testing clips.",)
    return _dealt(root.name, (training, testing), num_clients, notes)


def _video_fleet(root: Path, videos: list[Path], num_clients: int) -> Fleet:
    training: list[Clip] = []
    testing: list[Clip] = []
    for path in videos:
        length_s = _video_length_s(path)
        training.append(VideoClip(f"{path.stem} first", path, 0.0, TRAINING_SHARE * length_s))
        testing.append(VideoClip(f"{path.stem} rest", path, TRAINING_SHARE * length_s, length_s))
    notes = (f"AUC is null: the videos in {root.name} have no labels.",)
    return _dealt(root.name, (training, testing), num_clients, notes)


def _dealt(title: str, clips: tuple[Sequence[Clip], Sequence[Clip]], num_clients: int, notes: tuple[str, ...]) -> Fleet:
    """Deals training and testing clips out in turn; where there are more sites than training clips, sites share."""
    training, testing = clips
    has_labels = not notes
    if num_clients > len(training):
        shared = f"{num_clients} clients share {len(training)} training clips: several train on the same one."
        notes = (*notes, shared)
    sites = []
    for index in range(num_clients):
        mine = training[index::num_clients] or [training[index % len(training)]]
        tests = tuple(testing[index::num_clients])
        feedback, held_out = (tests[0::2], tests[1::2]) if has_labels else ((), ())
        site = _always_open_site(f"site{index:02d}")
        sites.append(SiteFootage(site, tuple(mine), (), tests, feedback, held_out))
    return Fleet(tuple(sites), title, has_labels, notes)


def _always_open_site(name: str) -> Site:
    weekly = {day: Hours.model_validate({"opens": "00:00", "closes": "24:00"}) for day in WEEKDAYS}
    return Site(name=name, schedule=Schedule(weekly=weekly), cameras=(Camera(name="camera", index=1),))


def _video_length_s(path: Path) -> float:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if stream.duration is not None and stream.time_base is not None:
                return float(stream.duration * stream.time_base)
            return float(container.duration or 0) / 1e6
    except (av.error.FFmpegError, IndexError) as error:
        raise FootageFolderError(f"{path}: not a video that can be decoded") from error
