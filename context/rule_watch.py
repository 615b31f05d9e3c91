"""One rule at one camera, look by look: says when what it waits for happens.

1. A box at a zone's edge goes in and out: who is in counts after ``SETTLE_S``, and is out after ``AWAY_S``.
2. One stay, one fall, one crowd is told once. It is told again after it has ended for ``REARM_S``.
3. What goes on when the rule's hours begin is told then, if it lasts: a stay, a crowd, a count. Coming in is not: that
   was before.
4. Who is lost in the middle of the picture has not left; who is lost at its edge has.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.settings import BehaviourSettings
from context.rule import Comparison, Deed, Kind, Rule
from context.schedule import Schedule
from context.seen import Look, Seen, apart
from context.severity import least_score
from context.zone import Line

SETTLE_S = 0.3
AWAY_S = 3.0
REARM_S = 10.0
LOST_S = 3.0
LEAST_STEP = 0.15
"""Expected heights: a shorter way is the box trembling, and crosses nothing."""
_MEASURED: dict[Deed, Behaviour] = {
    Deed.SPEED: Behaviour.SPEED,
    Deed.AGAINST_FLOW: Behaviour.AGAINST_FLOW,
    Deed.STOPPED: Behaviour.STOPPED,
    Deed.LEFT_OBJECT: Behaviour.LEFT_OBJECT,
    Deed.FALL: Behaviour.FALL,
}
UNUSUAL_FROM = 0.5


class Firing(NamedTuple):
    """What a rule waited for has happened.

    Attributes:
        rule: Name of the rule.
        identity: Of the object; None for counts.
        instant_s: When, on the clock of the looks.
        value: What was measured, in the unit of the deed; 0 where it has none.
        zone: Where; "" outside every zone of the rule.
        severity: Of rule and model together, in ``[0, 1]``.
        learned: What the model alone says of it; None where it has no opinion.
    """

    rule: str
    identity: int | None
    instant_s: float
    value: float
    zone: str
    severity: float
    learned: float | None


class Stay(NamedTuple):
    """One object as one rule sees it.

    Attributes:
        last: As it was seen last.
        seen_s: When that was.
        since_s: Since when it does what the rule waits for; None where it does not.
        until_s: When it did so last.
        has_settled: Whether it has done so long enough to count.
        is_told: Whether it was told of.
        zone: Where it was last inside; "" where that is anywhere, or nowhere yet.
    """

    last: Seen
    seen_s: float
    since_s: float | None = None
    until_s: float = 0.0
    has_settled: bool = False
    is_told: bool = False
    zone: str = ""


@dataclasses.dataclass(frozen=True)
class RuleState:
    """Where one rule stands at one camera.

    Attributes:
        stays: By identity.
        since_s: Since when the count holds; None where it does not.
        broken_s: Since when it does not.
        is_told: Whether it was told of.
    """

    stays: Mapping[int, Stay] = dataclasses.field(default_factory=dict)
    since_s: float | None = None
    broken_s: float | None = None
    is_told: bool = False


NOTHING_WATCHED = RuleState()


@dataclasses.dataclass(frozen=True)
class RuleWatch:
    """What does not change while a rule is watched at a camera.

    Attributes:
        rule: The rule.
        schedule: Of the site.
        settings: Limits where the rule has none.
        line: That it names, at this camera; None for other deeds.
    """

    rule: Rule
    schedule: Schedule
    settings: BehaviourSettings
    line: Line | None = None

    def look(self, state: RuleState, look: Look) -> tuple[RuleState, tuple[Firing, ...]]:
        """Takes the next look of the camera."""
        is_on = self.rule.when.holds_at(look.local, self.schedule)
        return _WATCH[self.rule.deed](self, state, look, is_on)

    def is_meant(self, one: Seen) -> bool:
        """Whether the rule speaks of such objects.

        Crowds and falls are of people. A low thing may be somebody on the ground or something left behind; nothing else
        is said of it.
        """
        deed, kinds = self.rule.deed, self.rule.kinds
        if one.is_low:
            return deed is Deed.FALL or (deed is Deed.LEFT_OBJECT and not kinds)
        if deed in {Deed.CROWD, Deed.FALL} and not kinds:
            return one.kind == Kind.PERSON
        return not kinds or one.kind in kinds

    def zone_of(self, one: Seen) -> str:
        """The first of the rule's zones that an object is in; of a rule for anywhere the first of all."""
        zones = self.rule.zones or sorted(one.zones)
        return next((zone for zone in zones if zone in one.zones), "")

    def is_inside(self, one: Seen) -> bool:
        """Whether an object is where the rule holds."""
        return not self.rule.zones or bool(one.zones.intersection(self.rule.zones))

    def firing(self, instant_s: float, one: Seen, value: float = 0.0, zone: str | None = None) -> Firing:
        """What is told of one object."""
        severity = hybrid_severity(least_score(self.rule.severity), one.severity)
        where = self.zone_of(one) if zone is None else zone
        return Firing(self.rule.name, one.identity, instant_s, value, where, severity, one.severity)


def hybrid_severity(rule: float, learned: float | None) -> float:
    """Severity of what a rule waited for and the model has an opinion of.

    Never below either. What the model finds unremarkable changes nothing; from 0.4 on, where events go on, its doubt is
    a second witness: ``rule + (1 - rule) e`` with ``e = (learned - 0.4) / 0.6``.

    Args:
        rule: Severity score of the rule, in ``[0, 1]``.
        learned: That of the model, in ``[0, 1]``; None where it has no opinion.
    """
    if learned is None:
        return rule
    doubt = max(0.0, (learned - 0.4) / 0.6)
    return min(1.0, max(learned, rule + (1.0 - rule) * doubt))


def _kept(watch: RuleWatch, state: RuleState, look: Look) -> dict[int, Stay]:
    """The stays with what is seen now, and without whom nobody has seen for long or remembers."""
    known = look.remembered.union(one.identity for one in look.seen)
    stays = {key: stay for key, stay in state.stays.items() if key in known or look.instant_s - stay.seen_s <= LOST_S}
    for one in look.seen:
        if watch.is_meant(one):
            before = stays.get(one.identity)
            stays[one.identity] = (
                Stay(one, look.instant_s) if before is None else before._replace(last=one, seen_s=look.instant_s)
            )
    return stays


def _stayed(stay: Stay, holds: bool, now_s: float, away_s: float) -> Stay:
    """Takes whether an object that is in the picture does what is waited for."""
    if holds:
        since_s = now_s if stay.since_s is None else stay.since_s
        return stay._replace(since_s=since_s, until_s=now_s, has_settled=now_s - since_s >= SETTLE_S)
    if stay.since_s is not None and now_s - stay.until_s >= (away_s if stay.has_settled else 0.0):
        return Stay(stay.last, stay.seen_s)
    return stay


_Step = Callable[[RuleWatch, Stay, float, bool], tuple[Stay, Firing | None]]
"""Takes how an object was before a look that shows it, the instant, and whether the rule's hours are on."""
_Outcome = tuple[RuleState, tuple[Firing, ...]]


def _each(step: _Step) -> Callable[[RuleWatch, RuleState, Look, bool], _Outcome]:
    """A deed of single objects: ``step`` for each that is seen."""

    def watch_each(watch: RuleWatch, state: RuleState, look: Look, is_on: bool) -> _Outcome:
        stays, firings = _kept(watch, state, look), []
        for key, before in stays.items():
            if before.seen_s == look.instant_s:
                stays[key], fired = step(watch, before, look.instant_s, is_on)
                firings += [fired] if fired else []
        return RuleState(stays), tuple(firings)

    return watch_each


def _enters(watch: RuleWatch, before: Stay, now_s: float, is_on: bool) -> tuple[Stay, Firing | None]:
    stay = _stayed(before, watch.is_inside(before.last), now_s, AWAY_S)
    has_come = stay.has_settled and not before.has_settled  # rule 3: told now or never
    return stay, watch.firing(now_s, stay.last) if has_come and is_on else None


def _leaves(watch: RuleWatch, before: Stay, now_s: float, is_on: bool) -> tuple[Stay, Firing | None]:
    is_inside = watch.is_inside(before.last)
    stay = _stayed(before, is_inside, now_s, SETTLE_S)
    has_gone = before.has_settled and stay.since_s is None
    fired = watch.firing(now_s, stay.last, zone=before.zone) if has_gone and is_on else None
    return (stay._replace(zone=watch.zone_of(stay.last)) if is_inside else stay), fired


def _leave(watch: RuleWatch, state: RuleState, look: Look, is_on: bool) -> _Outcome:
    after, firings = _each(_leaves)(watch, state, look, is_on)
    lost = [stay for key, stay in state.stays.items() if key not in after.stays and stay.has_settled]
    gone = [stay for stay in lost if stay.last.is_cut and is_on]  # rule 4
    return after, (*firings, *(watch.firing(look.instant_s, stay.last, zone=stay.zone) for stay in gone))


def _dwells(watch: RuleWatch, before: Stay, now_s: float, is_on: bool) -> tuple[Stay, Firing | None]:
    stay = _stayed(before, watch.is_inside(before.last), now_s, AWAY_S)
    length_s = 0.0 if stay.since_s is None else stay.until_s - stay.since_s
    if not (is_on and stay.has_settled and not stay.is_told and length_s >= (watch.rule.limit or 0.0)):
        return stay, None
    return stay._replace(is_told=True), watch.firing(now_s, stay.last, length_s)


def _is_measured(watch: RuleWatch, before: Stay, now_s: float, is_on: bool) -> tuple[Stay, Firing | None]:
    """Deeds that ``context.behaviour`` measures, and what the model finds unusual."""
    value = _value(watch, before.last) if watch.is_inside(before.last) else None
    stay = _stayed(before, value is not None, now_s, REARM_S)
    is_long = stay.has_settled or watch.rule.deed is not Deed.UNUSUAL  # one look in doubt is no event
    if value is None or stay.is_told or not (is_on and is_long):
        return stay, None
    return stay._replace(is_told=True), watch.firing(now_s, stay.last, value)


def _value(watch: RuleWatch, one: Seen) -> float | None:
    """What was measured beyond the limit; None where it is within."""
    limit = watch.rule.limit
    if watch.rule.deed is Deed.UNUSUAL:
        limit = UNUSUAL_FROM if limit is None else limit
        return one.severity if one.severity is not None and one.severity >= limit else None
    behaviour = _MEASURED[watch.rule.deed]
    for finding in one.findings:
        if finding.behaviour is behaviour and _is_beyond(finding, limit):
            return finding.value
    return None


def _is_beyond(finding: Finding, limit: float | None) -> bool:
    return finding.holds if limit is None else finding.value >= limit


def _crossed(watch: RuleWatch, state: RuleState, look: Look, is_on: bool) -> _Outcome:
    """The way from one place to the next that is a step away."""
    if watch.line is None:
        raise ValueError(f"rule {watch.rule.name}: expected its line at this camera")
    stays = {key: stay for key, stay in state.stays.items() if look.instant_s - stay.seen_s <= LOST_S}
    firings = []
    for one in look.seen:
        if not watch.is_meant(one):
            continue
        before = stays.get(one.identity)
        if before is not None and apart(one, before.last.foot) < LEAST_STEP:
            stays[one.identity] = before._replace(seen_s=look.instant_s)
            continue
        stays[one.identity] = Stay(one, look.instant_s)
        if before is not None and is_on and watch.line.is_crossed(before.last.foot, one.foot):
            firings.append(watch.firing(look.instant_s, one))
    return RuleState(stays), tuple(firings)


def _count(watch: RuleWatch, state: RuleState, look: Look, is_on: bool) -> _Outcome:
    """How many are there at a time, with the same patience for those at the edge as everywhere."""
    rule, stays = watch.rule, _kept(watch, state, look)
    for key, before in stays.items():
        if before.seen_s == look.instant_s:
            stays[key] = _stayed(before, watch.is_inside(before.last), look.instant_s, AWAY_S)
    inside = [stay for stay in stays.values() if stay.has_settled and look.instant_s - stay.seen_s <= LOST_S]
    limit, lasting_s = _count_limit(watch)
    holds = len(inside) <= limit if rule.comparison is Comparison.AT_MOST else len(inside) >= limit
    after = _lasted(RuleState(stays, state.since_s, state.broken_s, state.is_told), holds, look.instant_s)
    has_lasted = after.since_s is not None and holds and look.instant_s - after.since_s >= lasting_s
    if not (is_on and has_lasted and not after.is_told):
        return after, ()
    opinions = [stay.last.severity for stay in inside if stay.last.severity is not None]
    highest = max(opinions, default=None)
    learned = highest if len(opinions) == len(inside) else None
    zone = watch.zone_of(inside[0].last) if inside else next(iter(rule.zones), "")
    score = hybrid_severity(least_score(rule.severity), highest)
    firing = Firing(rule.name, None, look.instant_s, float(len(inside)), zone, score, learned)
    return dataclasses.replace(after, is_told=True), (firing,)


def _count_limit(watch: RuleWatch) -> tuple[float, float]:
    """Number and seconds; a crowd without its own has those of the site."""
    rule, crowd = watch.rule, watch.settings.crowd
    if rule.deed is Deed.CROWD:
        return (crowd.limit if rule.limit is None else rule.limit), rule.lasting_s or crowd.settle_s
    return rule.limit or 0.0, rule.lasting_s


def _lasted(state: RuleState, holds: bool, now_s: float) -> RuleState:
    """Since when a count holds; a short interruption after it was told does not begin another."""
    if holds:
        since_s = now_s if state.since_s is None else state.since_s
        return dataclasses.replace(state, since_s=since_s, broken_s=None)
    broken_s = now_s if state.broken_s is None else state.broken_s
    if not state.is_told or now_s - broken_s >= REARM_S:
        return dataclasses.replace(state, since_s=None, broken_s=broken_s, is_told=False)
    return dataclasses.replace(state, broken_s=broken_s)


_WATCH: Mapping[Deed, Callable[[RuleWatch, RuleState, Look, bool], _Outcome]] = {
    Deed.ENTER: _each(_enters),
    Deed.LEAVE: _leave,
    Deed.DWELL: _each(_dwells),
    Deed.COUNT: _count,
    Deed.CROWD: _count,
    Deed.LINE_CROSSED: _crossed,
    Deed.UNUSUAL: _each(_is_measured),
    **dict.fromkeys(_MEASURED, _each(_is_measured)),
}
