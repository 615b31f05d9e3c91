"""Who is where at which hour: from a layout's traffic and misdeeds to actors with routes."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from context.schedule import OperationalState
from simulation.world.actor import Actor
from simulation.world.appearance import oddity
from simulation.world.camera import EmulatedCamera
from simulation.world.clip import ClipPlan
from simulation.world.kinds import APPEARANCE_KINDS, ActorKind, AnomalyKind
from simulation.world.layout import CLOSED, OPEN, Layout, Misdeed, Traffic, traffic_in
from simulation.world.route import Route
from simulation.world.ways import Random, draw_look, entering, linger, stroll

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
    begins_s_by_track: Mapping[int, float] = dataclasses.field(default_factory=dict)
    """When in the clip an anomaly begins; those left out are anomalies all the time."""


def misdeeds_in(layout: Layout, state: OperationalState) -> tuple[Misdeed, ...]:
    """What is wrong here in a state."""
    asked = OPEN if state is OperationalState.SPECIAL_EVENT else state
    return tuple(misdeed for misdeed in layout.misdeeds if asked in misdeed.states)


def _arrivals(traffic: Traffic, layout: Layout, duration_s: float, rng: Random) -> list[tuple[Route, int]]:
    """Routes of one kind of traffic, evenly spread in time with jitter, and the looks of who takes them."""
    spacing_s = 60.0 / traffic.per_minute
    clock = -_LEAD_S + float(rng.uniform(0, spacing_s))
    found: list[tuple[Route, int]] = []
    turn = int(rng.integers(len(traffic.lanes)))
    while clock < duration_s:
        route = stroll(layout.lanes[traffic.lanes[turn % len(traffic.lanes)]], traffic, rng)
        found.append((route.started_at(clock), draw_look(rng)))
        clock += spacing_s * float(rng.uniform(0.7, 1.3))
        turn += 1
    return [(route, look) for route, look in found if route.start_s + route.duration_s > 0]


def _posted(traffic: Traffic, layout: Layout, duration_s: float, rng: Random) -> list[tuple[Route, int]]:
    stays = [linger(layout.lanes[name], rng, duration_s + 4.0, _POST_STEP_M) for name in traffic.lanes]
    return [(route.started_at(-2.0), draw_look(rng)) for route in stays]


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
    return entering(Actor(track_id, misdeed.actor, route, draw_look(rng)), camera, when_s)


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
    return entering(Actor(track_id, kind, route, draw_look(rng)), camera, when_s)


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
    begins_s_by_track: dict[int, float] = {}
    for anomaly in plan.anomalies:
        if anomaly in APPEARANCE_KINDS:
            odd = oddity(anomaly, len(actors) + 1, camera, plan, actors)
            actors += odd.actors
            begins_s_by_track[len(actors)] = odd.begins_s
        else:
            actors.append(_misdeed_actor(anomaly, len(actors) + 1, camera, plan))
        anomaly_by_track[len(actors)] = anomaly
    if plan.has_novelty:
        actors.append(_novelty_actor(len(actors) + 1, camera, plan))
    return Cast(tuple(actors), anomaly_by_track, begins_s_by_track)
