"""From the tree of a sentence to a rule.

What is said twice, or contradicts what the deed is, is an error that points at the words.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lark

from context.day_time import DayTime
from context.english.errors import LanguageError
from context.english.words import END_OF_DAY, EVENING_BEGINS_MINUTES, MIDNIGHT, MORNING_BEGINS
from context.rule import Comparison, Deed, Kind, Rule
from context.schedule import WEEKDAYS, OperationalState
from context.severity import Severity
from context.site import Site

Tree = lark.Tree[lark.Token]
_HOUR_S, _DAY_S = 3600.0, 86400.0
_ALONE: dict[Deed, tuple[Kind, ...]] = {Deed.SPEED: (), Deed.STOPPED: ()}
"""Whom a deed without anybody is about, where it is not people."""
_HAS_DURATION = frozenset({Deed.DWELL, Deed.STOPPED, Deed.LEFT_OBJECT, Deed.FALL, Deed.COUNT, Deed.CROWD})
_MAY_STAND_ALONE = frozenset({Deed.DWELL, Deed.SPEED, Deed.FALL, Deed.STOPPED})


@dataclasses.dataclass
class _Parts:
    """What was said so far: fields of the rule, and by which words."""

    text: str
    site: Site
    is_asked: bool
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    when: dict[str, Any] = dataclasses.field(default_factory=dict)
    duration_s: float | None = None
    leads: set[str] = dataclasses.field(default_factory=set)
    span_by_part: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)

    def note(self, part: str, tree: Tree) -> None:
        """Notes where a part was said; refuses a second one."""
        if part in self.span_by_part:
            raise self.error(f"{part} is said twice", part, tree)
        self.span_by_part[part] = _span(tree)

    def error(self, reason: str, *where: str | Tree) -> LanguageError:
        spans = {self.span_by_part[one] if isinstance(one, str) else _span(one) for one in where}
        return LanguageError(reason, self.text, tuple(sorted(spans)))


def rule_fields(tree: Tree, text: str, site: Site) -> dict[str, Any]:
    """The fields of the rule that a tree of ``grammar.lark`` means.

    Raises:
        LanguageError: It says something twice, or something that the deed has not.
    """
    is_asked = any(isinstance(child, lark.Token) and child.type in {"ASK", "COND"} for child in tree.children)
    parts = _Parts(text, site, is_asked)
    for child in tree.children:
        if isinstance(child, lark.Tree):
            _PART[child.data](parts, child)
    if parts.leads & ({"TO"} if parts.fields["deed"] is Deed.LEAVE else {"FROM"}):
        raise parts.error("only who leaves comes from somewhere, and who leaves goes nowhere", "the place")
    _settle_duration(parts)
    if parts.when:
        parts.fields["when"] = parts.when
    return parts.fields


def _tokens(tree: Tree) -> list[lark.Token]:
    return [one for one in tree.scan_values(lambda _: True) if isinstance(one, lark.Token)]


def _span(tree: Tree) -> tuple[int, int]:
    tokens = _tokens(tree)
    return min(one.start_pos or 0 for one in tokens), max(one.end_pos or 0 for one in tokens)


def _values(tree: Tree, terminal: str) -> list[Any]:
    return [one.value for one in _tokens(tree) if one.type == terminal]


# ---- who does what


_CARRIER_BY_VERB = {
    **dict.fromkeys(("drive", "drives", "driving", "drove", "park", "parks", "parking", "parked"), Kind.VEHICLE),
    **dict.fromkeys(("ride", "rides", "riding", "rode", "cycle", "cycles", "cycling"), Kind.BICYCLE),
}


def _kinds(tree: Tree) -> tuple[Kind, ...]:
    """Who is named; somebody who drives, parks or rides is seen as what carries them."""
    kinds = _values(tree, "KIND")
    verbs = [str(token).lower().split()[0] for token in _tokens(tree) if token.type not in {"KIND", "ANYTHING"}]
    carriers = [_CARRIER_BY_VERB[verb] for verb in verbs if verb in _CARRIER_BY_VERB]
    if carriers:
        kinds = [carriers[0] if kind is Kind.PERSON else kind for kind in kinds]
    return tuple(dict.fromkeys(kinds))


def _deed(deed: Deed, **more: Any) -> Callable[[_Parts, Tree], None]:  # noqa: ANN401  fields of a rule
    """A core that always means the same deed, of whoever is named."""

    def read(parts: _Parts, tree: Tree) -> None:
        parts.note("deed", tree)
        parts.fields |= {"deed": deed, "kinds": _kinds(tree), **more}

    return read


def _does(parts: _Parts, tree: Tree) -> None:
    _deed(_values(tree, "DEED")[0])(parts, tree)


def _happens(parts: _Parts, tree: Tree) -> None:
    deed = _values(tree, "DEED")[0]
    parts.note("deed", tree)
    if deed not in _MAY_STAND_ALONE:
        raise parts.error("expected who or what does this, such as a person", "deed")
    parts.fields |= {"deed": deed, "kinds": _ALONE.get(deed, (Kind.PERSON,))}


def _parks(parts: _Parts, tree: Tree) -> None:
    parts.note("deed", tree)
    parts.fields |= {"deed": Deed.STOPPED, "kinds": _kinds(tree) or (Kind.VEHICLE,)}


def _running(parts: _Parts, tree: Tree) -> None:
    parts.note("deed", tree)
    parts.fields |= {"deed": Deed.SPEED, "kinds": (Kind.PERSON,)}


def _faster(parts: _Parts, tree: Tree) -> None:
    parts.note("deed", tree)
    limit, metres_s = _values(tree, "NUMBER")[0], _values(tree, "SPEED_UNIT")[0]
    if metres_s is not None:
        metres_per_height = parts.site.behaviours.metres_per_height
        if metres_per_height is None:
            raise parts.error("speeds need `behaviours.metres_per_height` in the site description", "deed")
        limit = round(limit * metres_s / metres_per_height, 3)
    parts.fields |= {"deed": Deed.SPEED, "kinds": _kinds(tree), "limit": limit}


def _crosses(parts: _Parts, tree: Tree) -> None:
    _deed(Deed.LINE_CROSSED, line=_values(tree, "LINE")[0][0])(parts, tree)


def _crowd(parts: _Parts, tree: Tree) -> None:
    parts.note("deed", tree)
    if set(_kinds(tree)) - {Kind.PERSON}:
        raise parts.error("a crowd is of people; say how many of them, such as more than 3 vehicles", "deed")
    parts.fields |= {"deed": Deed.CROWD, "kinds": ()}


def _left(parts: _Parts, tree: Tree) -> None:
    parts.note("deed", tree)
    parts.fields |= {"deed": Deed.LEFT_OBJECT}


def _count(parts: _Parts, tree: Tree) -> None:
    parts.note("deed", tree)
    amount = next(child for child in tree.children if isinstance(child, lark.Tree) and child.data in _AMOUNT)
    number = _values(amount, "NUMBER")[0]
    if number != int(number):
        raise parts.error("expected a whole number", amount)
    comparison, more = _AMOUNT[str(amount.data)]
    limit = int(number) + more
    if limit < (0 if comparison is Comparison.AT_MOST else 1):
        raise parts.error("this is always so, or never", amount)
    parts.fields |= {"deed": Deed.COUNT, "kinds": _kinds(tree), "limit": limit, "comparison": comparison}


def _count_of(parts: _Parts, tree: Tree) -> None:
    """So many who stay somewhere are so many at a time; so many who enter are not."""
    if _values(tree, "DEED")[0] is not Deed.DWELL:
        raise parts.error("only how many there are at a time can be counted", tree)
    _count(parts, tree)


_AMOUNT: dict[str, tuple[Comparison, int]] = {
    "more": (Comparison.AT_LEAST, 1),
    "least": (Comparison.AT_LEAST, 0),
    "fewer": (Comparison.AT_MOST, -1),
    "most": (Comparison.AT_MOST, 0),
}


def _nobody(parts: _Parts, tree: Tree) -> None:
    """Nobody there: something to tell of where one asked to be told, else it may be a prohibition."""
    parts.note("deed", tree)
    if not parts.is_asked:
        raise parts.error("this may forbid or report; say 'alert me if nobody is …' or 'nobody may be …'", "deed")
    kinds = _kinds(tree) or (Kind.PERSON,)
    parts.fields |= {"deed": Deed.COUNT, "kinds": kinds, "limit": 0, "comparison": Comparison.AT_MOST}


def _forbidden(parts: _Parts, tree: Tree) -> None:
    parts.note("deed", tree)
    deeds = _values(tree, "DEED")
    kinds = _kinds(tree) if any(True for _ in tree.find_data("subject")) else (Kind.PERSON,)
    fields = {"deed": deeds[0]} if deeds else {"deed": Deed.COUNT, "limit": 1}
    parts.fields |= {**fields, "kinds": kinds}


# ---- where


def _place(parts: _Parts, tree: Tree) -> None:
    parts.note("the place", tree)
    parts.leads = {token.type for token in _tokens(tree)}
    parts.fields["zones"] = tuple(dict.fromkeys(name for names in _values(tree, "ZONE") for name in names))


def _anywhere(parts: _Parts, tree: Tree) -> None:
    parts.note("the place", tree)


def _camera(parts: _Parts, tree: Tree) -> None:
    parts.note("the camera", tree)
    parts.fields["cameras"] = tuple(dict.fromkeys(name for names in _values(tree, "CAMERA") for name in names))


# ---- how long


def _duration(parts: _Parts, tree: Tree) -> None:
    parts.note("the duration", tree)
    numbers, units = _values(tree, "NUMBER"), _values(tree, "UNIT")
    parts.duration_s = sum(number * unit for number, unit in zip(numbers, units, strict=True))
    if not 0.0 < parts.duration_s <= _DAY_S:
        raise parts.error("expected a duration of at most a day", "the duration")


def _settle_duration(parts: _Parts) -> None:
    deed = parts.fields["deed"]
    if parts.duration_s is None:
        if deed is Deed.DWELL:
            parts.fields["limit"] = parts.site.behaviours.dwell.limit_s
        return
    if deed not in _HAS_DURATION:
        raise parts.error(f"{deed.value.replace('_', ' ')} happens at once and has no duration", "the duration")
    is_count = deed in {Deed.COUNT, Deed.CROWD}
    parts.fields["lasting_s" if is_count else "limit"] = parts.duration_s


# ---- when


def _clock(tree: Tree) -> DayTime:
    if tree.data == "midnight":
        return MIDNIGHT
    if tree.data == "clock":
        found: DayTime = (_values(tree, "CLOCK") + _values(tree, "SUN"))[0]
        return found
    sun, minutes = _values(tree, "SUN")[0], _values(tree, "NUMBER")[0] * _values(tree, "UNIT")[0] / 60
    return DayTime(round(minutes if tree.data == "later" else -minutes), sun.sun)


def _window(read: Callable[[list[DayTime]], tuple[DayTime, DayTime] | None]) -> Callable[[_Parts, Tree], None]:
    def note(parts: _Parts, tree: Tree) -> None:
        parts.note("the time of day", tree)
        clocks = [_clock(child) for child in tree.children if isinstance(child, lark.Tree)]
        window = read(clocks)
        if window is None:
            return
        if window[0] == window[1]:
            raise parts.error("this begins and ends at the same time", "the time of day")
        if parts.site.schedule.location is None and (window[0].sun or window[1].sun):
            raise parts.error("the sun's times need `schedule.location` in the site description", "the time of day")
        parts.when |= {"start": str(window[0]), "end": str(window[1])}

    return note


def _after(clocks: list[DayTime]) -> tuple[DayTime, DayTime]:
    """An evening goes on until the morning, anything else until the end of the day."""
    (clock,) = clocks
    if clock.sun is not None:
        return (clock, MORNING_BEGINS) if clock.sun.value == "sunset" else (clock, END_OF_DAY)
    if clock == MIDNIGHT or clock.minutes >= EVENING_BEGINS_MINUTES:
        return clock, MORNING_BEGINS
    return clock, END_OF_DAY


def _before(clocks: list[DayTime]) -> tuple[DayTime, DayTime]:
    (clock,) = clocks
    return MIDNIGHT, END_OF_DAY if clock == MIDNIGHT else clock


def _from_to(clocks: list[DayTime]) -> tuple[DayTime, DayTime]:
    first, last = clocks
    return first, END_OF_DAY if last == MIDNIGHT and first != MIDNIGHT else last


def _period(parts: _Parts, tree: Tree) -> None:
    _window(lambda _: _values(tree, "PERIOD")[0])(parts, tree)


def _days(parts: _Parts, tree: Tree) -> None:
    parts.note("the days", tree)
    _put_days(parts, [day for days in _values(tree, "DAY") for day in days])


def _put_days(parts: _Parts, days: Sequence[str]) -> None:
    chosen = tuple(day for day in WEEKDAYS if day in days)
    parts.when["days"] = () if chosen == WEEKDAYS else chosen


def _day_range(parts: _Parts, tree: Tree) -> None:
    parts.note("the days", tree)
    first, last = _values(tree, "DAY")
    if len(first) > 1 or len(last) > 1:
        raise parts.error("expected one weekday to another", "the days")
    start, end = WEEKDAYS.index(first[0]), WEEKDAYS.index(last[0])
    _put_days(parts, [WEEKDAYS[(start + step) % 7] for step in range((end - start) % 7 + 1)])


def _holidays(holds: bool) -> Callable[[_Parts, Tree], None]:
    def note(parts: _Parts, tree: Tree) -> None:
        parts.note("the holidays", tree)
        parts.when["holidays"] = holds

    return note


def _without_days(parts: _Parts, tree: Tree) -> None:
    parts.note("the days", tree)
    _put_days(parts, [day for day in WEEKDAYS if day not in {one for days in _values(tree, "DAY") for one in days}])


def _without_both(parts: _Parts, tree: Tree) -> None:
    _without_days(parts, tree)
    parts.when["holidays"] = False


def _state(parts: _Parts, tree: Tree) -> None:
    parts.note("what the site does", tree)
    states: list[OperationalState] = [state for states in _values(tree, "STATE") for state in states]
    parts.when["states"] = tuple(states or _values(tree, "CLOSED") + _values(tree, "OPEN"))


# ---- how often, how bad


def _rate(parts: _Parts, tree: Tree) -> None:
    numbers, unit = _values(tree, "NUMBER"), _values(tree, "UNIT")[0]
    tokens = [token.type for token in _tokens(tree)]
    times = numbers.pop(0) if "TIMES" in tokens else float((_values(tree, "ONCE") + _values(tree, "TWICE"))[0])
    period_s = (numbers[0] if numbers else 1.0) * unit
    if times == 1.0 and period_s <= _DAY_S:
        parts.note("the time between alerts", tree)
        parts.fields["cooldown_s"] = period_s
    elif period_s == _HOUR_S and times == int(times) and times >= 1.0:
        parts.note("how often in an hour", tree)
        parts.fields["most_per_hour"] = int(times)
    else:
        raise parts.error("expected once in some time, or a number of times an hour", tree)


def _severity(parts: _Parts, tree: Tree) -> None:
    parts.note("the severity", tree)
    word: Severity = _values(tree, "SEVERITY")[0]
    parts.fields["severity"] = word


_PART: Mapping[str, Callable[[_Parts, Tree], None]] = {
    "does": _does,
    "happens": _happens,
    "leaves": _deed(Deed.LEAVE),
    "against": _deed(Deed.AGAINST_FLOW),
    "against_by_anything": _deed(Deed.AGAINST_FLOW),
    "parks": _parks,
    "runs": _deed(Deed.SPEED),
    "running": _running,
    "faster": _faster,
    "crosses": _crosses,
    "left": _left,
    "crowd": _crowd,
    "crowd_of": _crowd,
    "present": _deed(Deed.COUNT, limit=1),
    "count": _count,
    "count_of": _count_of,
    "nobody": _nobody,
    "none_of": _nobody,
    "nobody_may": _forbidden,
    "none_may": _forbidden,
    "may_not": _forbidden,
    "unusual": _deed(Deed.UNUSUAL),
    "place": _place,
    "anywhere": _anywhere,
    "at_the_site": lambda _parts, _tree: None,
    "now": lambda _parts, _tree: None,
    "camera": _camera,
    "duration": _duration,
    "after": _window(_after),
    "before": _window(_before),
    "from_to": _window(_from_to),
    "period": _period,
    "anytime": _window(lambda _: None),
    "days": _days,
    "day_range": _day_range,
    "on_holidays": _holidays(holds=True),
    "without_days": _without_days,
    "without_holidays": _holidays(holds=False),
    "without_both": _without_both,
    "state": _state,
    "rate": _rate,
    "severity": _severity,
}


def named(fields: Mapping[str, Any]) -> Rule:
    """The rule of some fields, under a name made of who does what and where."""
    rule = Rule.model_validate({"name": "rule", **fields}, strict=False)
    kinds = " or ".join(rule.kinds) or "anything"
    place = f" {rule.line}" if rule.line else "".join(f" {zone}" for zone in rule.zones)
    words = f"{kinds} {rule.deed.replace('_', ' ')}{place}"
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in " _.-") else "-" for letter in words)
    return rule.model_copy(update={"name": plain[:64].strip()})
