"""Scoring an emulated site's clips as its client would, with one or several models side by side.

Every clip is perceived once; each variant judges what was perceived. The alerts are those of the client's own event
rules, and each keeps the tubelets that raised it, as the client does.
"""

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from context.event import Event, EventState, step
from fl_client.inference.judging import FrameJudge, ScoredFrame
from fl_client.inference.learning import load_scenes
from fl_client.inference.perceived import CameraView, Perceived
from fl_client.inference.pipeline import ALARMING_SEVERITY
from fl_client.inference.scored import observation_of
from fl_client.inference.scorer_fitting import fit_scorer
from fl_client.inference.scoring import Surprise
from fl_client.releases.site_model import load_site_model
from fl_client.storage.tubelet_store import TubeletStore, no_tubelets
from model_zoo.datasets.clip import Labels
from model_zoo.perception.tubelet import Tubelets, concatenate
from simulation.footage import Clip, Interval, SiteFootage

Scores = npt.NDArray[np.float64]  # (N,)
CHANNELS = ("fused", "network", "statistics")


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to score: a model, and what the scorer may know."""

    name: str
    model_path: Path
    is_conditioned: bool = True
    uses_labels: bool = True


@dataclasses.dataclass(frozen=True)
class RaisedAlert:
    """One event, with the tubelets that were alarming in it."""

    event: Event
    tubelets: Tubelets


@dataclasses.dataclass(frozen=True)
class Picture:
    """A frame worth showing: the most unusual of its clip."""

    frame_index: int
    image: npt.NDArray[np.uint8]  # (H, W, 3) BGR
    scored: ScoredFrame


@dataclasses.dataclass(frozen=True)
class ClipScores:
    """One clip scored by one variant: raw causal surprise of each frame by channel, and its alerts."""

    by_channel: dict[str, Scores]
    severity: Scores
    alerts: tuple[RaisedAlert, ...]
    picture: Picture | None


@dataclasses.dataclass(frozen=True)
class ScoredClip:
    """One clip, scored by every variant."""

    name: str
    site: str
    start_s: float
    fps: float
    states: tuple[str, ...]
    """Operational state of each frame."""
    labels: Labels | None
    intervals: tuple[Interval, ...]
    by_variant: dict[str, ClipScores]


def score_clips(
    footage: SiteFootage, clips: tuple[Clip, ...], state_dir: Path, variants: tuple[Variant, ...]
) -> list[ScoredClip]:
    """Scores clips of one site.

    Args:
        footage: The site.
        clips: Any of its clips.
        state_dir: The site's prepared folder; nothing is written there.
        variants: How to score; the first also gives a picture of each clip.
    """
    if not clips:
        return []
    camera = footage.site.cameras[0]
    store = TubeletStore(state_dir / "cameras" / camera.name)
    view = CameraView(footage.site, camera, load_scenes(store.folder))
    scorers = {
        variant.name: fit_scorer(
            load_site_model(variant.model_path, state_dir),
            store,
            is_conditioned=variant.is_conditioned,
            uses_labels=variant.uses_labels,
        )
        for variant in variants
    }
    scored = []
    for clip in clips:
        view.reset()
        tracks = {name: _ClipTrack(FrameJudge(scorer, camera)) for name, scorer in scorers.items()}
        states = []
        recording = clip.open()
        for index, frame in enumerate(recording.frames):
            seen = view.look(frame, clip.start_s + index / clip.fps)
            states.append(seen.moment.state.value)
            for position, track in enumerate(tracks.values()):
                track.add(seen, frame if position == 0 else None)
        by_variant = {name: track.finished() for name, track in tracks.items()}
        scored.append(
            ScoredClip(
                clip.name,
                footage.site.name,
                clip.start_s,
                clip.fps,
                tuple(states),
                recording.labels,
                recording.intervals,
                by_variant,
            )
        )
    return scored


class _ClipTrack:
    """Follows one clip through one judge."""

    def __init__(self, judge: FrameJudge) -> None:
        self._judge = judge
        self._frames: list[ScoredFrame] = []
        self._top: list[tuple[float, ...]] = []
        self._alarming: list[tuple[float, Tubelets]] = []
        self._state = EventState()
        self._events: list[Event] = []
        self._picture: Picture | None = None

    def add(self, seen: Perceived, frame: npt.NDArray[np.uint8] | None) -> None:
        scored, surprise = self._judge.judge(seen)
        top = _top_of(surprise)
        if frame is not None and (not self._top or top[0] > max(fused for fused, *_ in self._top)):
            self._picture = Picture(len(self._frames), frame.copy(), scored)
        self._frames.append(scored)
        self._top.append(top)
        alarming = [one.track_id for one in scored.objects if one.severity >= ALARMING_SEVERITY]
        rows = np.isin(seen.tubelet_track_ids, alarming)
        if rows.any():
            self._alarming.append((seen.instant_s, seen.tubelets.select(rows)))
        self._state, finished = step(self._state, observation_of(scored))
        self._events += [finished] if finished else []

    def finished(self) -> ClipScores:
        events = self._events + ([self._state.open_event] if self._state.open_event else [])
        alerts = tuple(RaisedAlert(event, self._tubelets_of(event)) for event in events)
        columns = np.array(self._top, dtype=np.float64).reshape(-1, len(CHANNELS)).T
        severity = np.array([frame.severity for frame in self._frames])
        return ClipScores(dict(zip(CHANNELS, columns, strict=True)), severity, alerts, self._picture)

    def _tubelets_of(self, event: Event) -> Tubelets:
        within = [one for instant_s, one in self._alarming if event.first.instant_s <= instant_s <= event.ended_s]
        return concatenate([no_tubelets(), *within])


def _top_of(surprise: Surprise) -> tuple[float, ...]:
    """Surprise of the most unusual object, in the order of ``CHANNELS``; 0 where there is none."""
    channels = (surprise.fused, surprise.network, surprise.statistics)
    return tuple(float(values.max(initial=0.0)) for values in channels)
