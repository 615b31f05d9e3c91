"""What the actors of a rendered clip are found to do: from their true boxes, and as a site perceives them."""

import collections
import dataclasses
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.observer import NOTHING_OBSERVED, observe
from context.behaviour.settings import BehaviourSettings
from context.track import Sighting, distance
from context.zone import zone_slots
from fl_client.inference.behaviours import expected_units, zone_facts
from fl_client.inference.perceived import CameraView
from model_zoo.perception.scene import Scene, fit_scene
from model_zoo.perception.tracker import overlaps
from simulation.world import ClipPlan, EmulatedCamera, RenderedClip, emulated_camera, plan_footage, render_clip
from simulation.world.footage_plan import fitting_kinds
from simulation.world.kinds import ActorKind, AnomalyKind

Boxes = npt.NDArray[np.float32]  # (N, 4)
FindingsByActor = Mapping[int, tuple[Finding, ...]]

BEHAVIOUR_BY_ANOMALY = {
    AnomalyKind.RUNNING: Behaviour.SPEED,
    AnomalyKind.WRONG_WAY: Behaviour.AGAINST_FLOW,
    AnomalyKind.LOITERING: Behaviour.DWELL,
}
MIN_OVERLAP = 0.3
MIN_FRAMES = 10
"""Frames in which an actor must be perceived to count."""

_KIND_NAMES = {ActorKind.CAR: "vehicle", ActorKind.VAN: "vehicle", ActorKind.BICYCLE: "bicycle"}
_SPEED_STEPS = 5
SCENE_FRAMES = 300


@dataclasses.dataclass(frozen=True)
class WatchedActor:
    """One actor that was seen, and which behaviours it showed beyond their limits in at least one frame."""

    kind: ActorKind
    anomaly: AnomalyKind | None
    seen_s: float
    shown: frozenset[Behaviour]


@dataclasses.dataclass(frozen=True)
class Footage:
    """A clip with somebody who does wrong, and the empty scene learned from other traffic at the same hour."""

    camera: EmulatedCamera
    plan: ClipPlan
    clip: RenderedClip
    scene: Scene

    def instant_s(self, frame: int) -> float:
        """Seconds since 1970 UTC of a frame."""
        return self.plan.start_utc.timestamp() + frame / self.plan.fps


def footage_with(anomaly: AnomalyKind, seed: int, index: int, num_frames: int) -> Footage | None:
    """A clip of a camera of the world with one such anomaly; ``None`` where it makes no sense.

    An anomaly of direction makes sense where a zone has a permitted direction at every hour.
    """
    camera = emulated_camera(seed, index)
    has_flow = any(zone.flow_direction for zone in camera.site.cameras[0].zones)
    if anomaly is AnomalyKind.WRONG_WAY and not has_flow:
        return None
    for plan in plan_footage(camera, seed, num_frames).training:
        if anomaly in fitting_kinds(camera.ground_plan, camera.state_at(plan.start_utc)):
            usual = dataclasses.replace(plan, seed=plan.seed + 1, num_frames=SCENE_FRAMES)
            wrong = dataclasses.replace(plan, anomalies=(anomaly,))
            return Footage(camera, wrong, render_clip(camera, wrong), fit_scene(render_clip(camera, usual).frames))
    return None


def watch_truth(footage: Footage, settings: BehaviourSettings) -> Iterator[FindingsByActor]:
    """What is found in each frame when every actor's box and identity are known."""
    camera = footage.camera.site.cameras[0]
    facts, aspect_px = zone_facts(camera), footage.plan.width / footage.plan.height
    kinds = {track.track_id: _KIND_NAMES.get(track.kind, "person") for track in footage.clip.tracks}
    paths: dict[int, collections.deque[Sighting]] = {}
    state = NOTHING_OBSERVED
    for frame, box_by_actor in enumerate(_true_boxes(footage.clip)):
        instant_s, boxes = footage.instant_s(frame), _stacked(box_by_actor)
        units, slots = expected_units(boxes, footage.scene.perspective, aspect_px), zone_slots(camera.zones, boxes)
        sightings = []
        for actor, box, unit, slot in zip(box_by_actor, boxes.tolist(), units.tolist(), slots.tolist(), strict=True):
            foot, size = ((box[0] + box[2]) / 2, box[3]), ((box[2] - box[0]) / unit[0], (box[3] - box[1]) / unit[1])
            one = Sighting(instant_s, actor, kinds[actor], foot, (unit[0], unit[1]), size, 0.0, *facts[slot])
            path = paths.setdefault(actor, collections.deque([one], maxlen=_SPEED_STEPS))
            elapsed_s = instant_s - path[0].instant_s
            sightings.append(one._replace(speed=distance(path[0], one) / elapsed_s if elapsed_s else 0.0))
            path.append(one)
        state, found = observe(state, instant_s, sightings, settings)
        yield dict(zip(box_by_actor, found, strict=True))


def watch_as_site(footage: Footage, settings: BehaviourSettings) -> Iterator[FindingsByActor]:
    """What is found in each frame as a site perceives it; every finding goes to the actor its object covers best."""
    site = footage.camera.site.model_copy(update={"behaviours": settings})
    view = CameraView(site, site.cameras[0], {footage.camera.state_at(footage.plan.start_utc): footage.scene})
    for frame, box_by_actor in enumerate(_true_boxes(footage.clip)):
        seen = view.look(footage.clip.frames[frame], footage.instant_s(frame))
        if not box_by_actor or not len(seen.boxes):
            yield {}
            continue
        overlap = overlaps(_stacked(box_by_actor), seen.boxes)
        best = overlap.argmax(axis=1).tolist()
        yield {
            actor: seen.behaviours[best[row]]
            for row, actor in enumerate(box_by_actor)
            if overlap[row, best[row]] >= MIN_OVERLAP
        }


Watching = Callable[[Footage, BehaviourSettings], Iterator[FindingsByActor]]
WAYS: dict[str, Watching] = {"true boxes": watch_truth, "as a site": watch_as_site}


def watched_actors(footage: Footage, settings: BehaviourSettings, watch: Watching) -> list[WatchedActor]:
    """What each actor of a clip showed; those seen for a moment only are left out."""
    shown: dict[int, set[Behaviour]] = collections.defaultdict(set)
    num_frames: collections.Counter[int] = collections.Counter()
    for findings_by_actor in watch(footage, settings):
        for actor, findings in findings_by_actor.items():
            num_frames[actor] += 1
            shown[actor] |= {finding.behaviour for finding in findings if finding.holds}
    anomaly = {truth.track_id: truth.kind for truth in footage.clip.truth}
    return [
        WatchedActor(track.kind, anomaly.get(actor), num_frames[actor] / footage.plan.fps, frozenset(shown[actor]))
        for actor, track in ((track.track_id, track) for track in footage.clip.tracks)
        if num_frames[actor] >= MIN_FRAMES
    ]


def _true_boxes(clip: RenderedClip) -> list[dict[int, Boxes]]:
    boxes: list[dict[int, Boxes]] = [{} for _ in clip.frames]
    for track in clip.tracks:
        for frame, box in zip(track.frames.tolist(), track.boxes, strict=True):
            if (box[2:] > box[:2]).all():
                boxes[frame][track.track_id] = box
    return boxes


def _stacked(boxes: Mapping[int, Boxes]) -> Boxes:
    return np.array(list(boxes.values()), np.float32).reshape(-1, 4)
