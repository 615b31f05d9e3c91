"""Direction against a zone's flow: which share of an object's way goes along the permitted direction.

The way is the straight line from where the object was a window ago to where it is, as far as it lay in the zone. Boxes
jitter; the longer way of a whole window hardly notices.
"""

import bisect
import math
import operator

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.settings import FlowSettings
from context.track import Track, way

_instant_of = operator.attrgetter("instant_s")
_NO_DIRECTION = (0.0, 0.0)


def flow_share(track: Track, settings: FlowSettings) -> float:
    """The cosine between an object's way and the permitted direction: 1 along it, -1 against it.

    0 where any direction is permitted, in the dead band, and until the object was in the zone for half the window.
    """
    return _share_and_velocity(track, settings)[0]


def against_flow(track: Track, settings: FlowSettings, metres_per_height: float | None = None) -> Finding:
    """Velocity along the permitted direction, negative against it, in expected heights a second.

    It holds where ``flow_share`` is at most ``-share_limit``.
    """
    share, velocity = _share_and_velocity(track, settings)
    metres_s = None if metres_per_height is None else metres_per_height * velocity
    return Finding(Behaviour.AGAINST_FLOW, velocity, share <= -settings.share_limit, track.recent[-1].zone, metres_s)


def _share_and_velocity(track: Track, settings: FlowSettings) -> tuple[float, float]:
    recent, last = track.recent, track.recent[-1]
    if last.flow is None:
        return _NO_DIRECTION
    first = bisect.bisect_left(recent, last.instant_s - settings.window_s, key=_instant_of)
    while recent[first].zone != last.zone:
        first += 1
    elapsed_s, (x, y) = last.instant_s - recent[first].instant_s, way(recent[first], last)
    length = math.hypot(x, y)
    if elapsed_s < settings.window_s / 2 or length < settings.least_way:
        return _NO_DIRECTION
    along = x * last.flow[0] + y * last.flow[1]
    return along / length, along / elapsed_s
