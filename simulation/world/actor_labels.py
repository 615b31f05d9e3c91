"""What ``labels.json`` says of everybody in a clip: where, how fast, how much of it is seen, and when it is usual.

The world knows for every state of the site which traffic is usual and which misdeeds there are. So it can say of an
actor seen in one state whether the same actor on the same way would be usual or wrong in each of the others.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from context.schedule import OperationalState
from simulation.world.behaviour import Cast, misdeeds_in
from simulation.world.clip import ActorTrack
from simulation.world.kinds import CONTEXT_DEPENDENT_KINDS, NOVELTY_KINDS, ActorKind
from simulation.world.layout import CLOSED, CLOSING, OPEN, OPENING, Lane, Layout, Place
from simulation.world.route import Route

_STATES = (CLOSED, OPENING, OPEN, CLOSING)
_ON_FOOT = frozenset({ActorKind.SHOPPER, ActorKind.STAFF, ActorKind.GUARD})
_SWAY_M = 0.25  # who keeps a post takes small steps about it


def track_labels(track: ActorTrack, cast: Cast, layout: Layout) -> dict[str, Any]:
    """What is known of one actor.

    Args:
        track: Where it is seen.
        cast: Everybody in the clip.
        layout: The place.

    Returns:
        ``role`` is usual, anomaly or novelty. ``usual_in`` and ``wrong_in`` list operational states; one that is in
        neither says nothing of such an actor. ``frames``, ``boxes``, ``seen`` (share of it, in ``(0, 1]``) and
        ``speed_m_s`` (over the ground) have an entry for each frame in which any of it is seen.
    """
    (actor,) = (one for one in cast.actors if one.track_id == track.track_id)
    is_novelty = actor.kind in NOVELTY_KINDS
    role = "anomaly" if actor.track_id in cast.anomaly_by_track else "novelty" if is_novelty else "usual"
    usual = {state: is_usual(layout, state, actor.kind, actor.route) for state in _STATES}
    return {
        "track": track.track_id,
        "kind": track.kind.value,
        "role": role,
        "usual_in": [state.value for state in _STATES if usual[state] is True],
        "wrong_in": [state.value for state in _STATES if usual[state] is False],
        "frames": track.frames.tolist(),
        "boxes": [_rounded(box, 5) for box in track.boxes],
        "seen": _rounded(track.seen, 3),
        "speed_m_s": _rounded(track.speed_m_s, 3),
    }


def is_usual(layout: Layout, state: OperationalState, kind: ActorKind, route: Route) -> bool | None:
    """Whether an actor on its way is usual in a state (True), wrong (False) or neither (None).

    What is said of its very kind comes first; after that, people on foot stand for each other, whatever they wear.
    """
    for alike in (frozenset({kind}), _ON_FOOT if kind in _ON_FOOT else frozenset[ActorKind]()):
        ways = [traffic.lanes for traffic in layout.traffic[state] if traffic.kind in alike]
        wrong_ways = [
            misdeed.lanes
            for misdeed in misdeeds_in(layout, state)
            if misdeed.actor in alike and misdeed.anomaly in CONTEXT_DEPENDENT_KINDS
        ]
        for lanes, answer in ((ways, True), (wrong_ways, False)):
            if any(runs_along(route, layout.lanes[name]) for names in lanes for name in names):
                return answer
    return None


def runs_along(route: Route, lane: Lane) -> bool:
    """Whether a route goes all the way of a lane, in its direction and within its width."""
    way = [(point.x_m, point.y_m) for point in route.waypoints]
    room_m = lane.half_width_m + _SWAY_M
    if max(math.dist(way[0], lane.points[0]), math.dist(way[-1], lane.points[-1])) > room_m:
        return False
    return bool(_line(way).hausdorff_distance(_line(lane.points)) <= room_m)


def _line(points: Sequence[Place]) -> shapely.LineString | shapely.Point:
    return shapely.LineString(points) if len(points) > 1 else shapely.Point(points[0])


def _rounded(values: npt.NDArray[np.floating], decimals: int) -> list[float]:
    return [round(float(value), decimals) for value in values]
