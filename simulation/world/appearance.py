"""Anomalies that only look wrong: who falls, what is left behind, and what should not be here at all.

They keep to the lanes and the pace of the walkers of the hour, and to about their size in the picture: a body lies
along the line of sight and not far off, where it covers as much of the picture's height as it did standing.
"""

import dataclasses
import itertools

import numpy as np

from context.schedule import OperationalState
from simulation.world.actor import Actor
from simulation.world.camera import EmulatedCamera
from simulation.world.clip import ClipPlan
from simulation.world.kinds import APPEARANCE_KINDS, LEFT_OBJECTS, SLIM_STRANGERS, WIDE_STRANGERS, ActorKind, AnomalyKind
from simulation.world.layout import Lane, Layout, Traffic, traffic_in
from simulation.world.optics import Floats
from simulation.world.route import Route, Waypoint
from simulation.world.ways import Random, aside, draw_look, entering, stroll

_APPEARANCE_STREAM = 14
_WALKERS = (ActorKind.SHOPPER, ActorKind.STAFF)
_BUSY_PER_MINUTE = 3.0
_STEP_M = 0.25
_LYING_REACH_M, _STANDING_REACH_M = 1.0, 0.4
_TALL_M = 1.75
_PICTURE_MARGIN = 0.05
_STEEP_RAD = float(np.deg2rad(31.0))
_WHEELED_BEHIND_M = 0.85


@dataclasses.dataclass(frozen=True)
class Oddity:
    """The actors of one anomaly, the one that is it, and when in the clip it begins to be."""

    actors: tuple[Actor, ...]
    track_id: int
    begins_s: float


@dataclasses.dataclass(frozen=True)
class _Spot:
    """A place on a lane and the way to it."""

    traffic: Traffic
    whole_way: Floats  # (Q, 2) corners of the lane, metres
    points: Floats  # (P, 2) those before the place, and the place itself
    sight_rad: float
    """Direction of the line of sight over the ground."""
    steepness_rad: float
    """How far below the horizon it points."""


def walkers_in(layout: Layout, state: OperationalState) -> tuple[Traffic, ...]:
    """The people on foot who come and go in a state; none where they come too seldom to call it busy."""
    traffic = tuple(one for one in traffic_in(layout, state) if one.kind in _WALKERS and one.per_minute > 0)
    return traffic if sum(one.per_minute for one in traffic) >= _BUSY_PER_MINUTE else ()


def appearance_kinds_in(layout: Layout, state: OperationalState) -> tuple[AnomalyKind, ...]:
    """The kinds that nothing but their look gives away in a state: what stays put needs others who do so, too."""
    if not walkers_in(layout, state):
        return ()
    rests = any(one.pause_share > 0 or one.per_minute == 0 for one in traffic_in(layout, state))
    return tuple(
        kind for kind in AnomalyKind if kind in APPEARANCE_KINDS and (rests or kind is AnomalyKind.WRONG_KIND)
    )


def oddity(anomaly: AnomalyKind, track_id: int, camera: EmulatedCamera, plan: ClipPlan) -> Oddity:
    """The actors of an anomaly, numbered from ``track_id``.

    Raises:
        ValueError: the anomaly does not fit the camera's layout in the state the clip falls in.
    """
    layout, state = camera.ground_plan, camera.state_at(plan.start_utc)
    if anomaly not in appearance_kinds_in(layout, state):
        raise ValueError(f"expected an anomaly that fits {layout.name} when {state}, got {anomaly}")
    rng = np.random.default_rng([plan.seed, _APPEARANCE_STREAM, camera.index, track_id])
    if anomaly is AnomalyKind.FALL:
        return _fall(track_id, camera, plan, rng)
    if anomaly is AnomalyKind.ABANDONED_OBJECT:
        return _abandoned(track_id, camera, plan, rng)
    return _wrong_kind(track_id, camera, plan, rng)


def _fall(track_id: int, camera: EmulatedCamera, plan: ClipPlan, rng: Random) -> Oddity:
    spot = _spot(camera, plan, rng, _LYING_REACH_M)
    ahead = spot.points[-1] - spot.points[-2]
    turns_back = bool(np.cos(np.arctan2(ahead[1], ahead[0]) - spot.sight_rad) < 0)
    face_rad = spot.sight_rad + np.pi * turns_back + float(rng.uniform(-0.2, 0.2))
    route = _halting(spot, _pace(spot.traffic, rng), plan.duration_s, face_rad)
    begins_s = plan.duration_s * float(rng.uniform(0.35, 0.5))
    route = route.started_at(begins_s - route.arrival_s)
    actor = Actor(track_id, spot.traffic.kind, route, draw_look(rng), falls_at_s=begins_s)
    return Oddity((actor,), track_id, begins_s)


def _abandoned(track_id: int, camera: EmulatedCamera, plan: ClipPlan, rng: Random) -> Oddity:
    """Somebody walks by with something wheeled behind, which stays where it is let go."""
    spot = _spot(camera, plan, rng, _STANDING_REACH_M)
    speed = _pace(spot.traffic, rng)
    left = _halting(spot, speed, plan.duration_s, None)
    begins_s = plan.duration_s * float(rng.uniform(0.3, 0.42))
    left = left.started_at(begins_s - left.arrival_s)
    walk = Route(tuple(Waypoint(float(x), float(y)) for x, y in spot.whole_way), speed)
    walk = walk.started_at(left.start_s - _WHEELED_BEHIND_M / speed)
    kind = LEFT_OBJECTS[rng.integers(len(LEFT_OBJECTS))]
    owner, thing = Actor(track_id, spot.traffic.kind, walk, draw_look(rng)), track_id + 1
    return Oddity((owner, Actor(thing, kind, left, draw_look(rng))), thing, begins_s)


def _wrong_kind(track_id: int, camera: EmulatedCamera, plan: ClipPlan, rng: Random) -> Oddity:
    layout, state = camera.ground_plan, camera.state_at(plan.start_utc)
    has_wide = any(one.kind not in (*_WALKERS, ActorKind.GUARD) for one in traffic_in(layout, state))
    kinds = SLIM_STRANGERS + WIDE_STRANGERS * has_wide
    spot = _spot(camera, plan, rng, _STANDING_REACH_M)
    route = Route(tuple(Waypoint(float(x), float(y)) for x, y in spot.whole_way), _pace(spot.traffic, rng))
    actor = Actor(track_id, kinds[rng.integers(len(kinds))], route, draw_look(rng))
    when_s = plan.duration_s * float(rng.uniform(0.08, 0.22))
    return Oddity((entering(actor, camera, when_s),), track_id, 0.0)


def _pace(traffic: Traffic, rng: Random) -> float:
    return traffic.speed_m_s * float(rng.uniform(0.9, 1.08))


def _halting(spot: _Spot, speed: float, stay_s: float, face_rad: float | None) -> Route:
    """The way to a place, and staying there."""
    waypoints = [Waypoint(float(x), float(y)) for x, y in spot.points[:-1]]
    x, y = spot.points[-1]
    return Route((*waypoints, Waypoint(float(x), float(y), stay_s, face_rad)), speed)


def _spot(camera: EmulatedCamera, plan: ClipPlan, rng: Random, reach_m: float) -> _Spot:
    """Some place on a walkers' lane that is well in the picture, and where sight falls steeply if there is any such."""
    walkers = walkers_in(camera.ground_plan, camera.state_at(plan.start_utc))
    ways = [(traffic, camera.ground_plan.lanes[name]) for traffic in walkers for name in traffic.lanes]
    spots = [spot for traffic, lane in ways for spot in _spots_on(lane, traffic, camera, rng, reach_m)]
    best = max(spot.steepness_rad for spot in spots)
    steep = [spot for spot in spots if spot.steepness_rad >= min(_STEEP_RAD, best)]
    return steep[rng.integers(len(steep))]


def _spots_on(lane: Lane, traffic: Traffic, camera: EmulatedCamera, rng: Random, reach_m: float) -> list[_Spot]:
    """Places along a lane, a short step apart, where something reaching ``reach_m`` either way is in the picture."""
    corners = aside(lane, float(rng.uniform(-1, 1)) * lane.half_width_m)
    found = []
    for number, (here, there) in enumerate(itertools.pairwise(corners)):
        for share in np.arange(_STEP_M, length := float(np.linalg.norm(there - here)), _STEP_M) / length:
            place = here + share * (there - here)
            sight = place - camera.optics.position[:2]
            if _is_in_picture(place, sight / np.linalg.norm(sight), camera, reach_m):
                steepness = float(np.arctan2(camera.optics.height_m, np.linalg.norm(sight)))
                way = np.vstack([corners[: number + 1], place])
                found.append(_Spot(traffic, corners, way, float(np.arctan2(sight[1], sight[0])), steepness))
    return found


def _is_in_picture(place: Floats, along: Floats, camera: EmulatedCamera, reach_m: float) -> bool:
    ends = np.array([[*(place - reach_m * along), 0.0], [*(place + reach_m * along), 0.0], [*place, _TALL_M]])
    return bool((np.abs(camera.optics.project_fraction(ends) - 0.5) < 0.5 - _PICTURE_MARGIN).all())
