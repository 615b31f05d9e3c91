"""From what rules fire at to what a person is told: incidents, cooldowns, snoozes and hourly limits.

1. Nothing is dropped silently: what is not raised is counted, by rule and reason.
2. What happens at one camera within ``INCIDENT_GAP_S`` of one another is one incident, told once.
3. A higher severity is never hidden by a cooldown, a limit or the incident it belongs to. A snooze hides all: somebody
   asked for it.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from context.rule import Exemption, Rule
from context.rule_watch import Firing
from context.schedule import Schedule
from context.severity import Severity, severity_word

INCIDENT_GAP_S = 30.0
LONGEST_INCIDENT_S = 600.0
"""Then another begins: what goes on for ever must not be told once for ever."""
_HOUR_S = 3600.0
_ORDER = (Severity.NONE, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


class Outcome(enum.StrEnum):
    """What becomes of a firing."""

    RAISED = "raised"  # a person is told
    JOINED = "joined"  # belongs to an incident that was told of
    COOLDOWN = "cooldown"  # soon after the rule's last alert
    OVER_LIMIT = "over_limit"  # the rule has raised as many as it may in an hour
    SNOOZED = "snoozed"  # somebody asked for quiet
    EXEMPT = "exempt"  # allowed there and then
    USUAL = "usual"  # the model finds it usual here and now


class Verdict(NamedTuple):
    """What becomes of one firing; ``incident`` numbers the incidents of a camera, 0 where it belongs to none."""

    outcome: Outcome
    incident: int


class Incident(NamedTuple):
    """What belongs together at one camera.

    Attributes:
        number: From 1.
        began_s: Instant of its first firing.
        last_s: Instant of its last.
        highest: Severity a person was told.
    """

    number: int
    began_s: float
    last_s: float
    highest: Severity


class Raised(NamedTuple):
    """One alert of a rule."""

    instant_s: float
    severity: Severity


@dataclasses.dataclass(frozen=True)
class AlarmState:
    """Where one camera stands.

    Attributes:
        incident: The last one; None before the first.
        raised_by_rule: Alerts of the last hour, or of the cooldown if that is longer; oldest first.
        snoozed_until_s: By rule; "" is all rules.
        count: Of firings, by rule and outcome.
    """

    incident: Incident | None = None
    raised_by_rule: Mapping[str, tuple[Raised, ...]] = dataclasses.field(default_factory=dict)
    snoozed_until_s: Mapping[str, float] = dataclasses.field(default_factory=dict)
    count: Mapping[tuple[str, Outcome], int] = dataclasses.field(default_factory=dict)


QUIET = AlarmState()


def snooze(state: AlarmState, until_s: float, rule: str = "") -> AlarmState:
    """Asks for quiet until an instant, of one rule or of all; an instant that is over ends it."""
    return dataclasses.replace(state, snoozed_until_s={**state.snoozed_until_s, rule: until_s})


@dataclasses.dataclass(frozen=True)
class Gate:
    """What firings must pass before a person is told.

    Attributes:
        rule_by_name: The rules of the site.
        exemptions: What is allowed.
        schedule: Of the site.
    """

    rule_by_name: Mapping[str, Rule]
    exemptions: Sequence[Exemption]
    schedule: Schedule

    def judge(self, state: AlarmState, firing: Firing, local: dt.datetime) -> tuple[AlarmState, Verdict]:
        """Takes the next firing of a camera.

        Args:
            state: Where the camera stands.
            firing: Of one of the rules; firings come in the order of their instants.
            local: The wall clock of the site.
        """
        severity, rule = severity_word(firing.severity), self.rule_by_name[firing.rule]
        outcome = self._held_back(state, firing, local) or _outcome(state, firing, rule, severity)
        count = {**state.count, (firing.rule, outcome): state.count.get((firing.rule, outcome), 0) + 1}
        after = dataclasses.replace(state, count=count)
        if outcome in {Outcome.RAISED, Outcome.JOINED}:
            after = dataclasses.replace(after, incident=_incident(state.incident, firing.instant_s, severity, outcome))
        if outcome is Outcome.RAISED:
            after = _with_raised(after, rule, Raised(firing.instant_s, severity))
        number = after.incident.number if after.incident and after.incident is not state.incident else 0
        return after, Verdict(outcome, number)

    def _held_back(self, state: AlarmState, firing: Firing, local: dt.datetime) -> Outcome | None:
        """Why nobody is to be told of this, however severe it is."""
        if any(one.covers(firing.rule, firing.zone, local, self.schedule) for one in self.exemptions):
            return Outcome.EXEMPT
        usual_below = self.rule_by_name[firing.rule].usual_below
        if usual_below is not None and firing.learned is not None and firing.learned < usual_below:
            return Outcome.USUAL
        until = (state.snoozed_until_s.get(name, firing.instant_s) for name in ("", firing.rule))
        return Outcome.SNOOZED if max(until) > firing.instant_s else None


def _outcome(state: AlarmState, firing: Firing, rule: Rule, severity: Severity) -> Outcome:
    incident = state.incident
    if incident and _belongs(incident, firing.instant_s) and not _is_higher(severity, (incident.highest,)):
        return Outcome.JOINED
    raised = state.raised_by_rule.get(rule.name, ())
    cooling = [one.severity for one in raised if firing.instant_s - one.instant_s < rule.cooldown_s]
    if cooling and not _is_higher(severity, cooling):
        return Outcome.COOLDOWN
    hour = [one.severity for one in raised if firing.instant_s - one.instant_s < _HOUR_S]
    if len(hour) >= rule.most_per_hour and not _is_higher(severity, hour):
        return Outcome.OVER_LIMIT
    return Outcome.RAISED


def _is_higher(severity: Severity, others: Sequence[Severity]) -> bool:
    return all(_ORDER.index(severity) > _ORDER.index(other) for other in others)


def _belongs(incident: Incident, instant_s: float) -> bool:
    return instant_s - incident.last_s <= INCIDENT_GAP_S and instant_s - incident.began_s <= LONGEST_INCIDENT_S


def _incident(before: Incident | None, instant_s: float, severity: Severity, outcome: Outcome) -> Incident:
    """The incident with one more firing, or the next one."""
    if before is None or not _belongs(before, instant_s):
        return Incident(1 if before is None else before.number + 1, instant_s, instant_s, severity)
    return before._replace(last_s=instant_s, highest=severity if outcome is Outcome.RAISED else before.highest)


def _with_raised(state: AlarmState, rule: Rule, one: Raised) -> AlarmState:
    memory_s = max(_HOUR_S, rule.cooldown_s)
    kept = [old for old in state.raised_by_rule.get(rule.name, ()) if one.instant_s - old.instant_s < memory_s]
    return dataclasses.replace(state, raised_by_rule={**state.raised_by_rule, rule.name: (*kept, one)})
