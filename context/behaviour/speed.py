"""Speed: the median over the last second, so that a box that jumps for a frame is no runner."""

import bisect
import operator

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.settings import SpeedSettings
from context.track import PERSON, Track

_instant_of, _speed_of = operator.attrgetter("instant_s"), operator.attrgetter("speed")


def speed(track: Track, settings: SpeedSettings, metres_per_height: float | None = None) -> Finding:
    """The speed of an object in expected heights a second; 0 until it was seen for half the window."""
    recent, last = track.recent, track.recent[-1]
    first = bisect.bisect_left(recent, last.instant_s - settings.window_s, key=_instant_of)
    value = 0.0
    if last.instant_s - recent[first].instant_s >= settings.window_s / 2:
        speeds = sorted(map(_speed_of, recent[first:]))
        value = speeds[len(speeds) // 2]
    limit = settings.person_limit if last.kind == PERSON else settings.other_limit
    metres_s = None if metres_per_height is None else metres_per_height * value
    return Finding(Behaviour.SPEED, value, value >= limit, last.zone, metres_s)
