"""Who is where at which hour: from a layout's traffic and misdeeds to actors with routes."""

import dataclasses

import numpy as np

from context.schedule import OperationalState
from simulation.world.actor import Actor, half_length_m
from simulation.world.camera import EmulatedCamera
from simulation.world.clip import ClipPlan
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.layout import CLOSED, OPEN, Lane, Layout, Misdeed, Traffic
from simulation.world.optics import Floats
from simulation.world.route import Route, Waypoint, move

Random = np.random.Generator

_TRAFFIC_STREAM, _MISDEED_STREAM, _NOVELTY_STREAM = 11, 12, 13
_LEAD_S = 45.0
_LOITER_STEP_M = 0.5
_POST_STEP_M = 0.15
_NOVELTY_M_S = {
    ActorKind.ROLL_CAGE: 0.85,
    ActorKind.PRAM: 1.8,  # somebody in a hurry
    ActorKind.WHEELCHAIR: 2.1,  # electric
    ActorKind.SCRUBBER: 1.7,  # ridden
}


@dataclasses.dataclass(frozen=True)
class Cast:
    """All actors of a clip; ``anomaly_by_track`` says which of them do wrong."""

    actors: tuple[Actor, ...]
    anomaly_by_track: dict[int, AnomalyKind]


def traffic_in(layout: Layout, state: OperationalState) -> tuple[Traffic, ...]:
    """Normal traffic of a state; a special event is like open hours."""
    return layout.traffic.get(state, layout.traffic[OPEN])


def misdeeds_in(layout: Layout, state: OperationalState) -> tuple[Misdeed, ...]:
    """What is wrong here in a state."""
    asked = OPEN if state is OperationalState.SPECIAL_EVENT else state
    return tuple(misdeed for misdeed in layout.misdeeds if asked in misdeed.states)


def _aside(lane: Lane, offset_m: float) -> Floats:
    """The points of a lane moved to its left."""
    points = np.array(lane.points, dtype=np.float64)
    if len(points) == 1:
        return points
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    return points + offset_m * np.stack([-along[:, 1], along[:, 0]], axis=1)


def stroll(lane: Lane, traffic: Traffic, rng: Random) -> Route:
    """A walk (or drive) along a lane, somewhere within its width, perhaps with one stop on the way."""
    points = _aside(lane, float(rng.uniform(-1, 1)) * lane.half_width_m)
    speed = traffic.speed_m_s * float(rng.uniform(0.88, 1.12))
    waypoints = [Waypoint(float(x), float(y)) for x, y in points]
    stops, share, side = rng.random() < traffic.pause_share, float(rng.uniform(0.3, 0.7)), rng.choice([-1, 1])
    pause_s = float(rng.uniform(*traffic.pause_s))
    if stops:
        lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
        longest = int(np.argmax(lengths))
        here, there = points[longest], points[longest + 1]
        place = here + share * (there - here)
        ahead = float(np.arctan2(*(there - here)[::-1]))
        turns = traffic.kind in (ActorKind.SHOPPER, ActorKind.STAFF)
        face = ahead + side * np.pi / 2 * turns
        waypoints.insert(longest + 1, Waypoint(float(place[0]), float(place[1]), pause_s, float(face)))
    return Route(tuple(waypoints), speed)


def linger(lane: Lane, rng: Random, stay_s: float, step_m: float) -> Route:
    """Goes to the end of a lane and stays about there: small steps, pauses, looking around."""
    points = _aside(lane, float(rng.uniform(-1, 1)) * lane.half_width_m)
    waypoints = [Waypoint(float(x), float(y)) for x, y in points[:-1]]
    clock, place = 0.0, points[-1]
    while clock < stay_s:
        x, y = place + rng.uniform(-step_m, step_m, 2)
        pause_s = float(rng.uniform(1.0, 2.4))
        waypoints.append(Waypoint(float(x), float(y), pause_s, float(rng.uniform(-np.pi, np.pi))))
        clock += pause_s
    return Route(tuple(waypoints), 1.3 if len(points) > 1 else 0.6)


def _look(rng: Random) -> int:
    return int(rng.integers(2**31))


def _arrivals(traffic: Traffic, layout: Layout, duration_s: float, rng: Random) -> list[tuple[Route, int]]:
    """Routes of one kind of traffic, evenly spread in time with jitter, and the looks of who takes them."""
    spacing_s = 60.0 / traffic.per_minute
    clock = -_LEAD_S + float(rng.uniform(0, spacing_s))
    found: list[tuple[Route, int]] = []
    turn = int(rng.integers(len(traffic.lanes)))
    while clock < duration_s:
        route = stroll(layout.lanes[traffic.lanes[turn % len(traffic.lanes)]], traffic, rng)
        found.append((route.started_at(clock), _look(rng)))
        clock += spacing_s * float(rng.uniform(0.7, 1.3))
        turn += 1
    return [(route, look) for route, look in found if route.start_s + route.duration_s > 0]


def _posted(traffic: Traffic, layout: Layout, duration_s: float, rng: Random) -> list[tuple[Route, int]]:
    stays = [linger(layout.lanes[name], rng, duration_s + 4.0, _POST_STEP_M) for name in traffic.lanes]
    return [(route.started_at(-2.0), _look(rng)) for route in stays]


def first_seen_s(route: Route, camera: EmulatedCamera) -> float:
    """Seconds from the start of a route until feet or head come into the picture (0 if they never do)."""
    times = np.arange(0.0, route.duration_s, 0.1)
    place = move(route.started_at(0.0), times).place
    ends = np.stack([np.insert(place, 2, height, axis=1) for height in (0.0, 1.7)])
    inside = (np.abs(camera.optics.project_fraction(ends) - 0.5) < 0.48).all(axis=2).any(axis=0)
    return float(times[int(np.argmax(inside))]) if inside.any() else 0.0


def _entering(actor: Actor, camera: EmulatedCamera, when_s: float) -> Actor:
    """The actor with its route begun so that its front comes into the picture at ``when_s``."""
    ahead_s = half_length_m(actor.kind) / actor.route.speed_m_s
    start_s = when_s - first_seen_s(actor.route, camera) + ahead_s
    return dataclasses.replace(actor, route=actor.route.started_at(start_s))


def _misdeed_actor(anomaly: AnomalyKind, track_id: int, camera: EmulatedCamera, plan: ClipPlan) -> Actor:
    """Somebody doing ``anomaly``, coming into the picture after a fifth to a third of the clip."""
    layout, state = camera.ground_plan, camera.state_at(plan.start_utc)
    choices = [misdeed for misdeed in misdeeds_in(layout, state) if misdeed.anomaly is anomaly]
    if not choices:
        raise ValueError(f"expected an anomaly that fits {layout.name} when {state}, got {anomaly}")
    rng = np.random.default_rng([plan.seed, _MISDEED_STREAM, camera.index, track_id])
    misdeed = choices[rng.integers(len(choices))]
    lane = layout.lanes[misdeed.lanes[rng.integers(len(misdeed.lanes))]]
    if anomaly is AnomalyKind.LOITERING:
        route = linger(lane, rng, plan.duration_s + 2.0, _LOITER_STEP_M)
    else:
        route = stroll(lane, Traffic(misdeed.actor, misdeed.lanes, 1, misdeed.speed_m_s), rng)
    when_s = plan.duration_s * float(rng.uniform(0.22, 0.34))
    return _entering(Actor(track_id, misdeed.actor, route, _look(rng)), camera, when_s)


def novelty_kind(camera: EmulatedCamera, state: OperationalState) -> ActorKind:
    """The one harmless rarity this camera sees now and then; by night, a sweeping machine."""
    choices = camera.ground_plan.novelties
    return ActorKind.SCRUBBER if state is CLOSED else choices[camera.texture_seed % len(choices)]


def _novelty_actor(track_id: int, camera: EmulatedCamera, plan: ClipPlan) -> Actor:
    layout, kind = camera.ground_plan, novelty_kind(camera, camera.state_at(plan.start_utc))
    rng = np.random.default_rng([plan.seed, _NOVELTY_STREAM, camera.index])
    lane = layout.lanes[layout.novelty_lanes[rng.integers(len(layout.novelty_lanes))]]
    route = stroll(lane, Traffic(kind, layout.novelty_lanes, 1, _NOVELTY_M_S[kind]), rng)
    when_s = plan.duration_s * float(rng.uniform(0.02, 0.2))
    return _entering(Actor(track_id, kind, route, _look(rng)), camera, when_s)


def cast_of(camera: EmulatedCamera, plan: ClipPlan) -> Cast:
    """Everybody in a clip. Normal traffic does not depend on the anomalies and novelties asked for.

    Raises:
        ValueError: an anomaly does not fit the camera's layout in the state the clip falls in.
    """
    layout, state = camera.ground_plan, camera.state_at(plan.start_utc)
    rng = np.random.default_rng([plan.seed, _TRAFFIC_STREAM, camera.index])
    ways: list[tuple[ActorKind, Route, int]] = []
    for traffic in traffic_in(layout, state):
        come = _arrivals if traffic.per_minute > 0 else _posted
        ways += [(traffic.kind, route, look) for route, look in come(traffic, layout, plan.duration_s, rng)]
    actors = [Actor(number, *way) for number, way in enumerate(ways, start=1)]
    anomaly_by_track: dict[int, AnomalyKind] = {}
    for anomaly in plan.anomalies:
        actors.append(_misdeed_actor(anomaly, len(actors) + 1, camera, plan))
        anomaly_by_track[len(actors)] = anomaly
    if plan.has_novelty:
        actors.append(_novelty_actor(len(actors) + 1, camera, plan))
    return Cast(tuple(actors), anomaly_by_track)
