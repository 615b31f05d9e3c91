"""The rules of a site at one camera: what is seen becomes what a person is told.

Rules hold from the first look at a scene on; nothing has to be learned for them.
"""

import dataclasses
import datetime as dt
import logging
from collections.abc import Mapping, Sequence

from context.alarm import QUIET, Gate, Outcome
from context.residents import NOBODY_RESIDES, find_again
from context.rule import Deed, Rule
from context.rule_watch import NOTHING_WATCHED, Firing, RuleWatch
from context.schedule import local_time
from context.seen import Look, Seen
from context.site import Camera, Site

logger = logging.getLogger(__name__)

Fractions = tuple[float, float, float, float]
WHOLE_FRAME = (0.0, 0.0, 1.0, 1.0)
_UNITS = {
    Deed.DWELL: "{:.0f} s",
    Deed.STOPPED: "{:.0f} s",
    Deed.LEFT_OBJECT: "{:.0f} s",
    Deed.FALL: "{:.0f} s",
    Deed.SPEED: "{:.1f} heights/s",
    Deed.AGAINST_FLOW: "{:.1f} heights/s",
    Deed.COUNT: "{:.0f} there",
    Deed.CROWD: "{:.0f} there",
}


@dataclasses.dataclass(frozen=True)
class Told:
    """What a rule waited for has happened, or a camera is tampered with, and whether a person is to be told.

    ``box`` is xyxy as fractions of the frame; where the rule is about no single object, all of it.
    """

    rule: str
    outcome: Outcome
    severity: float
    zone: str
    box: Fractions
    why: str


class CameraRules:
    """Watches the rules that hold at one camera.

    Args:
        site: Its rules, exemptions, hours and limits.
        camera: Its zones and lines.
    """

    def __init__(self, site: Site, camera: Camera) -> None:
        self._time_zone = site.time_zone
        rules = [rule for rule in site.rules if _holds_at(rule, camera)]
        lines = {line.name: line for line in camera.lines}
        self._watches = [RuleWatch(rule, site.schedule, site.behaviours, lines.get(rule.line or "")) for rule in rules]
        self._states = [NOTHING_WATCHED] * len(rules)
        self._gate = Gate({rule.name: rule for rule in rules}, site.exemptions, site.schedule)
        self._residents, self._alarms = NOBODY_RESIDES, QUIET
        self._clock_s, self._last_s = 0.0, 0.0

    @property
    def counts(self) -> Mapping[tuple[str, Outcome], int]:
        """What became of all firings so far, by rule and outcome."""
        return self._alarms.count

    def look(self, seen: Sequence[Seen], boxes: Sequence[Fractions], instant_s: float) -> tuple[Told, ...]:
        """Takes the next look.

        Args:
            seen: The objects.
            boxes: Their boxes, in the same order.
            instant_s: Seconds since 1970 UTC. Where it steps back, the rules' own clock stands still.
        """
        if not self._watches:
            return ()
        self._clock_s += max(0.0, instant_s - self._last_s) if self._last_s else 0.0
        self._last_s = instant_s
        local = local_time(dt.datetime.fromtimestamp(instant_s, dt.UTC), self._time_zone)
        self._residents, look = find_again(self._residents, Look(self._clock_s, local, tuple(seen)))
        box_by_identity = {one.identity: box for one, box in zip(look.seen, boxes, strict=True)}
        told = []
        for index, watch in enumerate(self._watches):
            self._states[index], firings = watch.look(self._states[index], look)
            told += [self._judged(watch.rule, firing, local, box_by_identity) for firing in firings]
        return tuple(told)

    def _judged(
        self,
        rule: Rule,
        firing: Firing,
        local: dt.datetime,
        boxes: Mapping[int, Fractions],
    ) -> Told:
        self._alarms, verdict = self._gate.judge(self._alarms, firing, local)
        facts = {"rule": rule.name, "outcome": verdict.outcome.value, "incident": verdict.incident, "zone": firing.zone}
        logger.info("rule fired", extra=facts)
        box = WHOLE_FRAME if firing.identity is None else boxes.get(firing.identity, WHOLE_FRAME)
        return Told(rule.name, verdict.outcome, firing.severity, firing.zone, box, _why(rule, firing))


def _holds_at(rule: Rule, camera: Camera) -> bool:
    """Whether a rule can fire at a camera: one that names zones or a line needs them in its picture."""
    if rule.cameras and camera.name not in rule.cameras:
        return False
    if rule.line is not None and rule.line not in {line.name for line in camera.lines}:
        return False
    return not rule.zones or any(zone.name in rule.zones for zone in camera.zones)


def _why(rule: Rule, firing: Firing) -> str:
    """One sentence for the operator."""
    measured = _UNITS[rule.deed].format(abs(firing.value)) if rule.deed in _UNITS else ""
    place = f" in {firing.zone}" if firing.zone else ""
    facts = f" ({measured}{place})".replace("( ", "(") if measured or place else ""
    return f"Rule {rule.name!r}: {rule.deed.value.replace('_', ' ')}{facts}."
