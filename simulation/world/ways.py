"""Ways people take: along a lane, lingering at its end, and when they come into the picture."""

import dataclasses

import numpy as np

from simulation.world.actor import Actor, half_length_m
from simulation.world.camera import EmulatedCamera
from simulation.world.kinds import ActorKind
from simulation.world.layout import Lane, Traffic
from simulation.world.optics import Floats
from simulation.world.route import Route, Waypoint, move

Random = np.random.Generator


def aside(lane: Lane, offset_m: float) -> Floats:
    """The points of a lane moved to its left."""
    points = np.array(lane.points, dtype=np.float64)
    if len(points) == 1:
        return points
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    return points + offset_m * np.stack([-along[:, 1], along[:, 0]], axis=1)


def stroll(lane: Lane, traffic: Traffic, rng: Random) -> Route:
    """A walk (or drive) along a lane, somewhere within its width, perhaps with one stop on the way."""
    points = aside(lane, float(rng.uniform(-1, 1)) * lane.half_width_m)
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
    points = aside(lane, float(rng.uniform(-1, 1)) * lane.half_width_m)
    waypoints = [Waypoint(float(x), float(y)) for x, y in points[:-1]]
    clock, place = 0.0, points[-1]
    while clock < stay_s:
        x, y = place + rng.uniform(-step_m, step_m, 2)
        pause_s = float(rng.uniform(1.0, 2.4))
        waypoints.append(Waypoint(float(x), float(y), pause_s, float(rng.uniform(-np.pi, np.pi))))
        clock += pause_s
    return Route(tuple(waypoints), 1.3 if len(points) > 1 else 0.6)


def draw_look(rng: Random) -> int:
    """A seed that decides build, clothes and paint."""
    return int(rng.integers(2**31))


def first_seen_s(route: Route, camera: EmulatedCamera) -> float:
    """Seconds from the start of a route until feet or head come into the picture (0 if they never do)."""
    times = np.arange(0.0, route.duration_s, 0.1)
    place = move(route.started_at(0.0), times).place
    ends = np.stack([np.insert(place, 2, height, axis=1) for height in (0.0, 1.7)])
    inside = (np.abs(camera.optics.project_fraction(ends) - 0.5) < 0.48).all(axis=2).any(axis=0)
    return float(times[int(np.argmax(inside))]) if inside.any() else 0.0


def entering(actor: Actor, camera: EmulatedCamera, when_s: float) -> Actor:
    """The actor with its route begun so that its front comes into the picture at ``when_s``."""
    ahead_s = half_length_m(actor.kind) / actor.route.speed_m_s
    start_s = when_s - first_seen_s(actor.route, camera) + ahead_s
    return dataclasses.replace(actor, route=actor.route.started_at(start_s))
