"""Anomalies that only look wrong: who falls, what is left behind, and what should not be here at all.

They keep to the lanes and the pace of the walkers of the hour, and to about their size in the picture: a body lies
along the line of sight and not far off, where it covers as much of the picture's height as it did standing.
"""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from context.schedule import OperationalState
from simulation.world.actor import Actor
from simulation.world.camera import EmulatedCamera
from simulation.world.clip import ClipPlan
from simulation.world.fall import Fall, Manner
from simulation.world.kinds import (
    APPEARANCE_KINDS,
    LEFT_OBJECTS,
    SLIM_STRANGERS,
    WIDE_STRANGERS,
    ActorKind,
    AnomalyKind,
)
from simulation.world.layout import Layout, Traffic, traffic_in
from simulation.world.person import civilian
from simulation.world.route import Route, Waypoint
from simulation.world.spots import Spot, mean_clearance, seen_at, steep_spots
from simulation.world.ways import Random, draw_look, entering

_T = TypeVar("_T")

_APPEARANCE_STREAM = 14
_WALKERS = (ActorKind.SHOPPER, ActorKind.STAFF)
_BUSY_PER_MINUTE = 3.0
_LYING_REACH_M, _STANDING_REACH_M = 1.0, 0.4
_WHEELED_BEHIND_M = 0.85
_RESTING_SHARE = 0.1
_FORWARDS, _BACKWARDS = (Manner.ONTO_FRONT, Manner.ONTO_KNEES), (Manner.ONTO_BACK, Manner.ONTO_SEAT)
_STRANGERS_PACE = 0.82
_NUM_DRAWN, _NUM_LOOKS = 16, 6


@dataclasses.dataclass(frozen=True)
class Oddity:
    """The actors of one anomaly: the last of them is it, from ``begins_s`` of the clip on."""

    actors: tuple[Actor, ...]
    begins_s: float


def walkers_in(layout: Layout, state: OperationalState) -> tuple[Traffic, ...]:
    """The people on foot who come and go in a state; none where they come too seldom to call it busy."""
    traffic = tuple(one for one in traffic_in(layout, state) if one.kind in _WALKERS and one.per_minute > 0)
    return traffic if sum(one.per_minute for one in traffic) >= _BUSY_PER_MINUTE else ()


def appearance_kinds_in(layout: Layout, state: OperationalState) -> tuple[AnomalyKind, ...]:
    """The kinds that nothing but their look gives away in a state.

    What stays where it is needs others who often do so, and others of more than one width.
    """
    if not walkers_in(layout, state):
        return ()
    is_hidden = _has_wide(layout, state) and _resting_share(layout, state) >= _RESTING_SHARE
    kinds = APPEARANCE_KINDS if is_hidden else {AnomalyKind.WRONG_KIND}
    return tuple(kind for kind in AnomalyKind if kind in kinds)


def _has_wide(layout: Layout, state: OperationalState) -> bool:
    """Whether carts, machines or vehicles are about."""
    return any(one.kind not in (*_WALKERS, ActorKind.GUARD) for one in traffic_in(layout, state))


def _resting_share(layout: Layout, state: OperationalState) -> float:
    """Share of those who come that stop on their way; all do where somebody has a post."""
    traffic = traffic_in(layout, state)
    if any(one.per_minute == 0 for one in traffic):
        return 1.0
    return sum(one.per_minute * one.pause_share for one in traffic) / sum(one.per_minute for one in traffic)


def oddity(
    anomaly: AnomalyKind, track_id: int, camera: EmulatedCamera, plan: ClipPlan, others: Sequence[Actor]
) -> Oddity:
    """The actors of an anomaly: of a few that were drawn, those whom the others hide and touch least.

    Args:
        anomaly: One of ``APPEARANCE_KINDS``.
        track_id: Number of the first of the actors.
        camera: The camera.
        plan: The clip.
        others: Everybody else.

    Raises:
        ValueError: the anomaly does not fit the camera's layout in the state the clip falls in.
    """
    layout, state = camera.ground_plan, camera.state_at(plan.start_utc)
    if anomaly not in appearance_kinds_in(layout, state):
        raise ValueError(f"expected an anomaly that fits {layout.name} when {state}, got {anomaly}")
    rng = np.random.default_rng([plan.seed, _APPEARANCE_STREAM, camera.index, track_id])
    spots = _spots(anomaly, camera, state, rng)
    drawn = [_DRAW[anomaly](track_id, _one_of(spots, rng), camera, plan, rng) for _ in range(_NUM_DRAWN)]
    nobody = np.zeros((0, plan.num_frames, 2))
    elsewhere = np.concatenate([nobody, *(seen_at(actor, plan.times_s, camera.optics) for actor in others)])

    def clearance(odd: Oddity) -> float:
        is_wrong = plan.times_s >= odd.begins_s
        return mean_clearance(odd.actors[-1], elsewhere[:, is_wrong], plan.times_s[is_wrong], camera.optics)

    return max(drawn, key=clearance)


def _spots(anomaly: AnomalyKind, camera: EmulatedCamera, state: OperationalState, rng: Random) -> list[Spot]:
    layout = camera.ground_plan
    ways = [(traffic, layout.lanes[name]) for traffic in walkers_in(layout, state) for name in traffic.lanes]
    reach_m = _LYING_REACH_M if anomaly is AnomalyKind.FALL else _STANDING_REACH_M
    return steep_spots(ways, camera.optics, reach_m, rng)


def _fall(track_id: int, spot: Spot, _camera: EmulatedCamera, plan: ClipPlan, rng: Random) -> Oddity:
    """Somebody falls towards the camera: forwards who comes nearer, backwards who goes away.

    Who lies then has the head below the feet in the picture.
    """
    ahead = spot.way[-1] - spot.way[-2]
    goes_away = bool(np.cos(np.arctan2(ahead[1], ahead[0]) - spot.sight_rad) > 0)
    manners = _BACKWARDS if goes_away else _FORWARDS
    face_rad = spot.sight_rad + np.pi * (not goes_away) + float(rng.uniform(-0.3, 0.3))
    route = _halting(spot, _pace(spot.traffic, rng), plan.duration_s, face_rad)
    begins_s = plan.duration_s * float(rng.uniform(0.42, 0.55))
    route, fall = route.started_at(begins_s - route.arrival_s), Fall(_one_of(manners, rng), begins_s)
    return Oddity((Actor(track_id, spot.traffic.kind, route, _dark_look(rng), fall),), begins_s)


def _dark_look(rng: Random) -> int:
    """The darkest top of a few: a heap on the floor is small, and seen in grey it must not vanish into the tiles."""
    looks = [draw_look(rng) for _ in range(_NUM_LOOKS)]
    return min(looks, key=lambda seed: sum(civilian(np.random.default_rng(seed)).top))


def _abandoned(track_id: int, spot: Spot, _camera: EmulatedCamera, plan: ClipPlan, rng: Random) -> Oddity:
    """Somebody walks by with something wheeled behind, which stays where it is let go."""
    speed = _pace(spot.traffic, rng)
    left = _halting(spot, speed, plan.duration_s, None)
    begins_s = plan.duration_s * float(rng.uniform(0.36, 0.5))
    left = left.started_at(begins_s - left.arrival_s)
    walk = _passing(spot, speed).started_at(left.start_s - _WHEELED_BEHIND_M / speed)
    kind = _one_of(LEFT_OBJECTS, rng)
    owner = Actor(track_id, spot.traffic.kind, walk, draw_look(rng))
    return Oddity((owner, Actor(track_id + 1, kind, left, draw_look(rng))), begins_s)


def _wrong_kind(track_id: int, spot: Spot, camera: EmulatedCamera, plan: ClipPlan, rng: Random) -> Oddity:
    has_wide = _has_wide(camera.ground_plan, camera.state_at(plan.start_utc))
    kinds = SLIM_STRANGERS + WIDE_STRANGERS * has_wide
    route = _passing(spot, _STRANGERS_PACE * _pace(spot.traffic, rng))
    actor = Actor(track_id, _one_of(kinds, rng), route, draw_look(rng))
    when_s = plan.duration_s * float(rng.uniform(0.02, 0.3))
    return Oddity((entering(actor, camera, when_s),), 0.0)


_DRAW = {AnomalyKind.FALL: _fall, AnomalyKind.ABANDONED_OBJECT: _abandoned, AnomalyKind.WRONG_KIND: _wrong_kind}


def _passing(spot: Spot, speed: float) -> Route:
    return Route(tuple(Waypoint(float(x), float(y)) for x, y in spot.whole_way), speed)


def _one_of(choices: Sequence[_T], rng: Random) -> _T:
    return choices[int(rng.integers(len(choices)))]


def _pace(traffic: Traffic, rng: Random) -> float:
    return traffic.speed_m_s * float(rng.uniform(0.9, 1.08))


def _halting(spot: Spot, speed: float, stay_s: float, face_rad: float | None) -> Route:
    """The way to a place, and staying there."""
    waypoints = [Waypoint(float(x), float(y)) for x, y in spot.way[:-1]]
    x, y = spot.way[-1]
    return Route((*waypoints, Waypoint(float(x), float(y), stay_s, face_rad)), speed)
