"""What perception sees of one camera, told to ``context``, which measures the behaviour of each object.

``context`` and ``model_zoo`` do not know each other; this is where objects become sightings.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from context.behaviour.finding import Behaviour
from context.behaviour.observer import NOTHING_OBSERVED, Findings, observe
from context.behaviour.settings import BehaviourSettings
from context.seen import Seen
from context.site import Camera
from context.track import Point, Posture, Sighting
from fl_client.inference.postures import Asked
from model_zoo.perception.low_things import LowThing
from model_zoo.perception.object_kind import KINDS, OTHER, PERSON
from model_zoo.perception.perspective import Perspective
from model_zoo.perception.tubelet import MOTION_FEATURES, NUM_MOTION, ObservedObject

LOOK_EVERY_S = 0.15
"""Shortest time between two looks, which makes every other frame at 10 a second: behaviours last for seconds."""

TOLD_OF_LOW = frozenset({Behaviour.LEFT_OBJECT, Behaviour.FALL})
"""What a low thing may show; anything else would be said of bags and shadows, too."""

_PLAIN_HEIGHT, _PLAIN_ASPECT = 0.75, 0.5
_LEAST_LENGTH = 0.4
_SPEED, _HEIGHT, _WIDTH = (MOTION_FEATURES.index(name) for name in ("speed", "height", "width"))


@dataclasses.dataclass(frozen=True)
class PlacedObjects:
    """The objects of one frame with their places; arrays with one row per object."""

    objects: Sequence[ObservedObject]
    boxes: npt.NDArray[np.float32]  # (N, 4)
    units: npt.NDArray[np.float64]  # (N, 2) an expected height as fractions of the frame's width and height
    zone_slot: npt.NDArray[np.int64]  # (N,)


@dataclasses.dataclass(frozen=True)
class PlacedLowThings:
    """The low things of one frame with their places; arrays with one row per thing."""

    things: Sequence[LowThing]
    boxes: npt.NDArray[np.float32]  # (N, 4)
    units: npt.NDArray[np.float64]  # (N, 2)
    zone_slot: npt.NDArray[np.int64]  # (N,)


NO_POSTURES: Mapping[int, Posture] = MappingProxyType({})
NOTHING_LOW = PlacedLowThings((), np.zeros((0, 4), np.float32), np.zeros((0, 2)), np.zeros(0, np.int64))


def in_question(placed: PlacedObjects, low: PlacedLowThings) -> list[Asked]:
    """Whose box leaves open whether they stand: people who are wide or low for one, and low things as long as one."""
    people = [
        Asked(one.track_id, one.box)
        for one in placed.objects
        if one.kind == PERSON
        and (one.motion[_HEIGHT] < _PLAIN_HEIGHT or one.motion[_WIDTH] > _PLAIN_ASPECT * one.motion[_HEIGHT])
    ]
    lengths = (low.boxes[:, 2] - low.boxes[:, 0]) / low.units[:, 0]
    long = [
        Asked(one.track_id, one.box)
        for one, length in zip(low.things, lengths.tolist(), strict=True)
        if length >= _LEAST_LENGTH
    ]
    return people + long


def expected_units(
    boxes: npt.NDArray[np.float32], perspective: Perspective, aspect_px: float
) -> npt.NDArray[np.float64]:
    """What an expected height measures at the foot of each box, as fractions of the frame's width and height.

    Args:
        boxes: ``(N, 4)``.
        perspective: Expected heights.
        aspect_px: Width of the picture over its height, in pixels.

    Returns:
        ``(N, 2)``.
    """
    expected = perspective.expected_height(boxes[:, 3])
    return np.column_stack([expected / aspect_px, expected])


def zone_facts(camera: Camera) -> list[tuple[str, Point | None]]:
    """Name and permitted direction (of length 1) of each zone slot: slot 0 is everything outside the zones."""
    flows = [
        (math.cos(zone.flow_angle_rad), math.sin(zone.flow_angle_rad)) if zone.flow_direction else None
        for zone in camera.zones
    ]
    return [("", None), *((zone.name, flow) for zone, flow in zip(camera.zones, flows, strict=True))]


class BehaviourWatch:
    """Watches the behaviour of all objects of one camera.

    Args:
        camera: Its zones.
        settings: The limits.
    """

    def __init__(self, camera: Camera, settings: BehaviourSettings) -> None:
        self._settings = settings
        self._zones = zone_facts(camera)
        self._observed = NOTHING_OBSERVED
        self._findings: dict[int, Findings] = {}
        self._sightings: tuple[Sighting, ...] = ()

    @property
    def looked_s(self) -> float:
        """Instant of the last look that was taken; frames in between are passed over."""
        return self._observed.instant_s

    def look(
        self,
        placed: PlacedObjects,
        instant_s: float,
        low: PlacedLowThings = NOTHING_LOW,
        postures: Mapping[int, Posture] = NO_POSTURES,
    ) -> tuple[Findings, ...]:
        """Takes the objects of the next frame and what is low in it, with the postures that are known by track.

        Returns:
            What was measured of each object when last looked at, beyond its limit or not; nothing of newer objects.
        """
        if not 0.0 <= instant_s - self._observed.instant_s < LOOK_EVERY_S:
            sightings = self._sightings_of(placed, instant_s) + self._low_sightings(low, instant_s)
            if postures:
                sightings = [one._replace(posture=postures.get(one.track_id)) for one in sightings]
            self._observed, found = observe(self._observed, instant_s, sightings, self._settings)
            self._findings = {one.track_id: findings for one, findings in zip(sightings, found, strict=True)}
            self._sightings = tuple(sightings)
        return tuple(self._findings.get(one.track_id, ()) for one in placed.objects)

    def shown_by(self, things: Sequence[LowThing]) -> tuple[Findings, ...]:
        """What each low thing showed when last looked at, of ``TOLD_OF_LOW``."""
        shown = (self._findings.get(one.track_id, ()) for one in things)
        return tuple(tuple(finding for finding in one if finding.behaviour in TOLD_OF_LOW) for one in shown)

    def seen(self, zones_by_track: Mapping[int, frozenset[str]]) -> dict[int, Seen]:
        """What rules are told of the objects and low things of the last look, by track, without the model's opinion.

        Args:
            zones_by_track: Every zone that each track stands in.
        """
        identity = {number: track.identity for number, track in self._observed.following.track_by_id.items()}
        return {
            one.track_id: Seen(
                identity[one.track_id],
                one.kind,
                one.foot,
                one.unit,
                zones_by_track[one.track_id],
                one.is_cut,
                findings=self._findings[one.track_id],
                is_low=one.is_low,
            )
            for one in self._sightings
        }

    def _sightings_of(self, placed: PlacedObjects, instant_s: float) -> list[Sighting]:
        foot_x = (placed.boxes[:, 0] + placed.boxes[:, 2]) / 2
        motion = np.array([one.motion for one in placed.objects]).reshape(-1, NUM_MOTION)[:, [_WIDTH, _HEIGHT, _SPEED]]
        rows = np.column_stack([foot_x, placed.boxes[:, 3], placed.units, motion]).tolist()
        kinds = _kinds(placed.objects)
        zones = [self._zones[slot] for slot in placed.zone_slot.tolist()]
        return [
            Sighting(instant_s, one.track_id, kind, (x, y), (unit_x, unit_y), (width, height), speed, *zone)
            for one, (x, y, unit_x, unit_y, width, height, speed), kind, zone in zip(
                placed.objects, rows, kinds, zones, strict=True
            )
        ]

    def _low_sightings(self, low: PlacedLowThings, instant_s: float) -> list[Sighting]:
        rows = np.column_stack([low.boxes, low.units]).tolist()
        return [
            Sighting(
                instant_s,
                one.track_id,
                KINDS[OTHER],
                ((left + right) / 2, bottom),
                (unit_x, unit_y),
                ((right - left) / unit_x, (bottom - top) / unit_y),
                one.speed,
                name,
                flow,
                is_low=True,
            )
            for one, (left, top, right, bottom, unit_x, unit_y), (name, flow) in zip(
                low.things, rows, (self._zones[slot] for slot in low.zone_slot.tolist()), strict=True
            )
        ]


def _kinds(objects: Sequence[ObservedObject]) -> list[str]:
    """The name of each object's kind, all at once: one by one takes as long as all the rest."""
    votes = np.array([one.kind_votes for one in objects]).reshape(-1, len(KINDS))
    return [KINDS[kind] for kind in np.where(votes.any(axis=1), votes.argmax(axis=1), OTHER).tolist()]
