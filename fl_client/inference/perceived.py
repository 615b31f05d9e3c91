"""One camera's frames put into context: objects with their zone, behaviour and the moment they were seen at.

Velocities are turned so that the zone's usual direction of travel points right: "with the flow" then means the same
on every camera.
"""

import dataclasses
import datetime as dt
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from context.behaviour.observer import Findings
from context.context_vector import Moment, moment_at
from context.schedule import OperationalState
from context.seen import Seen
from context.site import Camera, Site
from context.zone import ZONE_KINDS, zone_slots, zones_at
from fl_client.inference.behaviours import (
    NO_POSTURES,
    NOTHING_LOW,
    BehaviourWatch,
    PlacedLowThings,
    PlacedObjects,
    expected_units,
    in_question,
)
from fl_client.inference.postures import PostureWatch
from model_zoo.perception.background import Frame, analysis_size
from model_zoo.perception.collector import TubeletCollector, Window
from model_zoo.perception.detector import DetectorFile
from model_zoo.perception.low_things import LowThing, LowThings
from model_zoo.perception.perceiver import Perceiver
from model_zoo.perception.perspective import Boxes
from model_zoo.perception.pose import PoseModel
from model_zoo.perception.proposer import DetectorProposer
from model_zoo.perception.scene import Scene
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, NUM_STEPS, ObservedObject, Tubelets


@dataclasses.dataclass(frozen=True)
class Perceived:
    """What was seen in one frame; arrays of equal first length, one row per object."""

    instant_s: float
    moment: Moment
    track_ids: npt.NDArray[np.int64]  # (N,)
    ages: npt.NDArray[np.int64]  # (N,) observations of the track so far
    boxes: npt.NDArray[np.float32]  # (N, 4)
    crops: npt.NDArray[np.uint8]  # (N, S, S)
    motion: npt.NDArray[np.float32]  # (N, M), turned into the zone's direction
    zone_slot: npt.NDArray[np.int64]  # (N,)
    tubelets: Tubelets
    """Tubelets that end in this frame, a few frames apart on each track: what is kept for training."""
    tubelet_track_ids: npt.NDArray[np.int64]  # (len(tubelets),)
    behaviours: tuple[Findings, ...]
    """What was measured of the behaviour of each object. N of them."""
    low_things: tuple[LowThing, ...] = ()
    """What is too low to be scored."""
    seen_by_track: Mapping[int, Seen] | None = None
    """What rules are told of each object and low thing; None where behaviours passed over this frame."""
    low_behaviours: tuple[Findings, ...] = ()
    """Left objects and falls among the low things; one entry for each."""


class CameraView:
    """Looks at one camera's frames, in order.

    Args:
        site: Where the camera is.
        camera: One of the site's cameras.
        scenes: Scenes by operational state; a state without one is looked at with the scene at hand.
        detector: Finds objects; they come from the foreground alone when absent.
        pose: Tells how people are held; their boxes do when absent.

    Raises:
        ModelFileError: The detector cannot be used.
    """

    def __init__(
        self,
        site: Site,
        camera: Camera,
        scenes: Mapping[OperationalState, Scene],
        detector: DetectorFile | None = None,
        pose: PoseModel | None = None,
    ) -> None:
        self._site, self._camera = site, camera
        self._scenes = dict(scenes)
        self._kinds = np.array([ZONE_KINDS.index(kind) for kind in camera.zone_kinds()], dtype=np.int64)
        angles = [0.0, *(zone.flow_angle_rad for zone in camera.zones)]
        self._cos_sin = np.array([(math.cos(angle), math.sin(angle)) for angle in angles])
        self._state = next(iter(self._scenes))
        self._perceiver = _perceiver(self._scenes[self._state], detector)
        self._collector = TubeletCollector()
        self._behaviours = BehaviourWatch(camera, site.behaviours)
        self._postures = None if pose is None else PostureWatch(pose)

    def look(self, frame: Frame, instant_s: float) -> Perceived:
        """Takes the next frame.

        Args:
            frame: ``(H, W, 3)`` BGR or ``(H, W)`` grey, uint8.
            instant_s: Seconds since 1970 UTC; a step back or a gap ends all tracks.

        Raises:
            FootageError: The frame is not of the scene's proportions.
        """
        moment = moment_at(self._site, dt.datetime.fromtimestamp(instant_s, dt.UTC))
        self._enter(moment.state)
        objects = self._perceiver.update(frame, instant_s)
        boxes = np.array([seen.box for seen in objects], dtype=np.float32).reshape(-1, 4)
        slots = zone_slots(self._camera.zones, boxes)
        turned = [self._turned(seen, slot) for seen, slot in zip(objects, slots, strict=True)]
        windows = self._collector.update(turned)
        aspect_px = frame.shape[1] / frame.shape[0]
        placed, low = PlacedObjects(objects, boxes, self._units(boxes, aspect_px), slots), self._low(aspect_px)
        postures = NO_POSTURES
        if self._postures is not None:
            postures = self._postures.look(frame, in_question(placed, low), instant_s)
        behaviours = self._behaviours.look(placed, instant_s, low, postures)
        return Perceived(
            instant_s,
            moment,
            np.array([seen.track_id for seen in turned], dtype=np.int64),
            np.array([seen.age for seen in turned], dtype=np.int64),
            boxes,
            np.array([seen.crop for seen in turned], dtype=np.uint8).reshape(-1, CROP_SIDE, CROP_SIDE),
            np.array([seen.motion for seen in turned], dtype=np.float32).reshape(-1, NUM_MOTION),
            slots,
            self._tubelets(windows, moment, instant_s),
            np.array([window.track_id for window in windows], dtype=np.int64),
            behaviours,
            tuple(low.things),
            self._seen(objects, boxes, low) if self._behaviours.looked_s == instant_s else None,
            self._behaviours.shown_by(low.things),
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was seen in the last frame, moving or not."""
        return self._perceiver.is_empty

    def reset(self) -> None:
        """Ends all tracks, as between two clips."""
        self._perceiver.reset()
        self._collector = TubeletCollector()
        self._behaviours = BehaviourWatch(self._camera, self._site.behaviours)

    def fits(self, height_px: int, width_px: int) -> bool:
        """Whether the scenes were learned from frames of these proportions."""
        return self._perceiver.scene.background.shape == analysis_size(height_px, width_px)

    def scenes(self) -> dict[OperationalState, Scene]:
        """The scenes by state, that of the current state as it looks now."""
        return self._scenes | {self._state: self._perceiver.scene}

    def _enter(self, state: OperationalState) -> None:
        if state is self._state:
            return
        self._scenes[self._state] = self._perceiver.scene
        if state in self._scenes:
            self._perceiver.refresh(self._scenes[state].background)
        self._state = state

    def _units(self, boxes: Boxes, aspect_px: float) -> npt.NDArray[np.float64]:
        return expected_units(boxes, self._perceiver.scene.perspective, aspect_px)

    def _low(self, aspect_px: float) -> PlacedLowThings:
        things = self._perceiver.low_things
        if not things:
            return NOTHING_LOW
        boxes = np.stack([one.box for one in things])
        return PlacedLowThings(things, boxes, self._units(boxes, aspect_px), zone_slots(self._camera.zones, boxes))

    def _seen(self, objects: Sequence[ObservedObject], boxes: Boxes, low: PlacedLowThings) -> dict[int, Seen]:
        tracks = [one.track_id for one in objects] + [one.track_id for one in low.things]
        zones = zones_at(self._camera.zones, np.concatenate([boxes, low.boxes]))
        return self._behaviours.seen(dict(zip(tracks, zones, strict=True)))

    def _turned(self, seen: ObservedObject, slot: int) -> ObservedObject:
        cos, sin = self._cos_sin[slot]
        motion = seen.motion.copy()
        velocity_x, velocity_y = seen.motion[:2]
        motion[:2] = cos * velocity_x + sin * velocity_y, cos * velocity_y - sin * velocity_x
        return dataclasses.replace(seen, motion=motion)

    def _tubelets(self, windows: Sequence[Window], moment: Moment, instant_s: float) -> Tubelets:
        last_boxes = np.array([window.boxes[-1] for window in windows], dtype=np.float32).reshape(-1, 4)
        slots, rows = zone_slots(self._camera.zones, last_boxes), len(windows)
        return Tubelets(
            crops=np.array([window.crops for window in windows], dtype=np.uint8).reshape(
                -1, NUM_STEPS, CROP_SIDE, CROP_SIDE
            ),
            boxes=np.array([window.boxes for window in windows], dtype=np.float32).reshape(-1, NUM_STEPS, 4),
            motion=np.array([window.motion for window in windows], dtype=np.float32).reshape(-1, NUM_STEPS, NUM_MOTION),
            context=np.repeat(moment.values[None], rows, axis=0),
            zone_slot=slots,
            zone_kind=self._kinds[slots],
            state=np.full(rows, moment.state_index, dtype=np.int64),
            label=np.zeros(rows, dtype=np.int64),
            instant_s=np.full(rows, instant_s, dtype=np.float64),
        )


def _perceiver(scene: Scene, detector: DetectorFile | None) -> Perceiver:
    low = LowThings(scene.perspective)
    if detector is None:
        return Perceiver(scene, low=low)
    height_px, width_px = scene.background.shape
    proposer = DetectorProposer(detector.open((height_px, width_px)), scene.perspective, detector.every)
    return Perceiver(scene, proposer=proposer, low=low)
