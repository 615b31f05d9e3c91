"""A rule in words of the language, every part of it: what the user is shown to check what was understood."""

from context.rule import Comparison, Deed, Kind, Rule
from context.when import When


def paraphrase(rule: Rule) -> str:
    """One sentence that says all of a rule; read again at the same site, it means the same rule."""
    parts = [
        f"alert me with {rule.severity} severity when {_core(rule)}{_zones(rule)}{_cameras(rule)}",
        *_when(rule.when),
        _how_often(rule),
    ]
    return ", ".join(part for part in parts if part)


def _core(rule: Rule) -> str:
    """Who does what, and how long."""
    if rule.deed is Deed.COUNT:
        return f"{_amount(rule)}{_lasting(rule.lasting_s)}"
    if rule.deed is Deed.SPEED and rule.limit is not None:
        return f"{_who(rule)} moves faster than {rule.limit:g} heights per second"
    if rule.deed is Deed.UNUSUAL:
        return "anything unusual happens" + (f" (severity {rule.limit:g})" if rule.limit else "")
    does = _DOES[rule.deed].format(who=_who(rule), line=rule.line)
    return does + _lasting(rule.lasting_s if rule.deed is Deed.CROWD else rule.limit)


_DOES = {
    Deed.ENTER: "{who} enters",
    Deed.LEAVE: "{who} leaves",
    Deed.DWELL: "{who} stays",
    Deed.SPEED: "{who} moves fast",
    Deed.AGAINST_FLOW: "{who} moves against the flow",
    Deed.LINE_CROSSED: "{who} crosses {line}",
    Deed.STOPPED: "{who} stops",
    Deed.LEFT_OBJECT: "an object is left behind",
    Deed.FALL: "{who} falls",
    Deed.CROWD: "people gather",
}


def _who(rule: Rule) -> str:
    return " or ".join(f"a {kind}" for kind in rule.kinds) or "anything"


def _amount(rule: Rule) -> str:
    if (rule.comparison, rule.limit) == (Comparison.AT_LEAST, 1):
        return f"{_who(rule)} is present"
    if (rule.comparison, rule.limit, rule.kinds) == (Comparison.AT_MOST, 0, (Kind.PERSON,)):
        return "nobody is present"
    many = "at least" if rule.comparison is Comparison.AT_LEAST else "at most"
    kinds = " or ".join(_PLURAL[kind] for kind in rule.kinds) or "objects"
    return f"{many} {rule.limit or 0:g} {kinds}"


_PLURAL = {Kind.PERSON: "people", Kind.BICYCLE: "bicycles", Kind.VEHICLE: "vehicles", Kind.OTHER: "other objects"}


def _lasting(seconds: float | None) -> str:
    return f" for at least {_length(seconds)}" if seconds else ""


def _length(seconds: float) -> str:
    """In the longest unit that it is a whole number of."""
    for unit, name in ((3600.0, "hour"), (60.0, "minute")):
        if seconds >= unit and seconds % unit == 0.0:
            return f"{seconds / unit:g} {name}{'s' * (seconds > unit)}"
    return f"{seconds:g} second{'s' * (seconds != 1.0)}"


def _zones(rule: Rule) -> str:
    lead = "" if rule.deed in {Deed.ENTER, Deed.LEAVE} else "in "
    return f" {lead}{' or '.join(rule.zones)}" if rule.zones else ""


def _cameras(rule: Rule) -> str:
    return " on " + " or ".join(f"camera {camera}" for camera in rule.cameras) if rule.cameras else ""


def _when(when: When) -> list[str]:
    window = "" if when.start is None else f"between {_time(str(when.start))} and {_time(str(when.end))}"
    days = f"on {' and '.join(f'{day.title()}s' for day in when.days)}" if when.days else ""
    holidays = {None: "", True: "on holidays", False: "except on holidays"}[when.holidays]
    return [window, days, holidays, _STATES.get(frozenset(when.states), "")]


def _time(text: str) -> str:
    """``sunset-00:30`` as ``30 minutes before sunset``."""
    for sign, word in (("+", "after"), ("-", "before")):
        sun, found, offset = text.partition(sign)
        if found:
            hours, minutes = offset.split(":")
            return f"{60 * int(hours) + int(minutes)} minutes {word} {sun}"
    return text


def _how_often(rule: Rule) -> str:
    between = f"at most once every {_length(rule.cooldown_s)}, " if rule.cooldown_s else ""
    return f"{between}at most {rule.most_per_hour} times an hour"


_STATES: dict[frozenset[str], str] = {
    frozenset(): "",
    frozenset({"closed"}): "while the store is closed",
    frozenset({"open"}): "while the store is open",
    frozenset({"closed", "opening", "closing"}): "outside opening hours",
    frozenset({"closing", "closed"}): "after closing time",
    frozenset({"closed", "opening"}): "before opening time",
    frozenset({"opening"}): "while staff prepare",
    frozenset({"closing"}): "while closing",
    frozenset({"special_event"}): "during special events",
}
