"""Rules at one camera: which hold there, what is told and where, and what was held back."""

import datetime as dt
from typing import Any

import pytest

from context.alarm import Outcome
from context.behaviour.finding import Behaviour, Finding
from context.seen import Seen
from context.site import Site
from fl_client.inference.rules import CameraRules, Fractions, Told
from tests.fakes.named_site import named_site

NOON_S = dt.datetime(2026, 1, 7, 11, tzinfo=dt.UTC).timestamp()  # noon in Berlin
BOX: Fractions = (0.1, 0.2, 0.3, 0.9)


def rules(*described: dict[str, Any], camera: int = 0, **fields: object) -> CameraRules:
    site: Site = named_site(rules=[{"name": f"rule {index}", **one} for index, one in enumerate(described)], **fields)
    return CameraRules(site, site.cameras[camera])


def person(*zones: str, identity: int = 1, **fields: Any) -> Seen:  # noqa: ANN401  any field
    return Seen(identity, "person", (0.2, 0.9), (0.1, 0.2), frozenset(zones), **fields)


def watch(at: CameraRules, seconds: float, *seen: Seen, began_s: float = NOON_S) -> list[Told]:
    told: list[Told] = []
    for step in range(round(seconds / 0.2)):
        told += at.look(seen, [BOX] * len(seen), began_s + 0.2 * step)
    return told


def test_what_is_told_says_which_rule_where_and_what_was_measured() -> None:
    (told,) = watch(
        rules({"deed": "dwell", "limit": 15.0, "zones": ["doors"], "severity": "high"}), 30.0, person("doors")
    )
    assert told == Told("rule 0", Outcome.RAISED, 0.7, "doors", BOX, "Rule 'rule 0': dwell (15 s in doors).")


@pytest.mark.parametrize(
    ("described", "seen", "why"),
    [
        ({"deed": "enter"}, person("doors"), "enter (in doors)"),
        ({"deed": "count", "limit": 1}, person(), "count (1 there)"),
        ({"deed": "fall"}, person(findings=(Finding(Behaviour.FALL, 6.2, holds=True),)), "fall (6 s)"),
        ({"deed": "speed"}, person(findings=(Finding(Behaviour.SPEED, 2.25, holds=True),)), "speed (2.2 heights/s)"),
    ],
)
def test_sentence_for_the_operator_names_what_there_is_to_name(described: dict[str, Any], seen: Seen, why: str) -> None:
    (told,) = watch(rules(described), 2.0, seen)
    assert told.why == f"Rule 'rule 0': {why}."


def test_count_is_about_no_single_object() -> None:
    (told,) = watch(rules({"deed": "count", "limit": 1}), 2.0, person())
    assert told.box == (0.0, 0.0, 1.0, 1.0)


def test_rules_of_other_cameras_zones_and_lines_do_not_hold_here() -> None:
    described: list[dict[str, Any]] = [
        {"deed": "enter", "cameras": ["back"]},
        {"deed": "enter", "zones": ["stockroom"]},
        {"deed": "line_crossed", "line": "threshold"},
    ]
    assert watch(rules(*described, camera=2), 5.0, person("till 1")) == []
    assert [told.rule for told in watch(rules(*described, camera=1), 5.0, person("stockroom"))] == ["rule 0", "rule 1"]


def test_rules_hold_in_the_sites_own_time() -> None:
    at_noon = {"deed": "dwell", "limit": 1.0, "when": {"start": "12:00", "end": "12:30"}}
    assert len(watch(rules(at_noon), 5.0, person())) == 1
    assert watch(rules(at_noon), 5.0, person(), began_s=NOON_S + 1800.0) == []


def test_everything_held_back_is_counted() -> None:
    at = rules({"deed": "enter", "cooldown_s": 3600.0}, {"deed": "enter", "usual_below": 0.3})
    outcomes = [told.outcome for told in watch(at, 2.0, person(severity=0.1))]
    later = watch(at, 2.0, person(identity=2, severity=0.1), began_s=NOON_S + 100.0)
    outcomes += [told.outcome for told in later]
    assert outcomes == [Outcome.RAISED, Outcome.USUAL, Outcome.COOLDOWN, Outcome.USUAL]
    assert at.counts == {
        ("rule 0", Outcome.RAISED): 1,
        ("rule 0", Outcome.COOLDOWN): 1,
        ("rule 1", Outcome.USUAL): 2,
    }


def test_exemption_of_the_site_holds_here() -> None:
    allowed = {"name": "cleaners", "zones": ["doors"], "when": {"start": "11:00", "end": "13:00"}}
    (told,) = watch(rules({"deed": "enter"}, exemptions=[allowed]), 2.0, person("doors"))
    assert told.outcome is Outcome.EXEMPT


def test_clock_that_is_set_back_ends_nothing_and_lengthens_nothing() -> None:
    at = rules({"deed": "dwell", "limit": 10.0})
    assert watch(at, 6.0, person()) == []
    told = watch(at, 6.0, person(), began_s=NOON_S - 3600.0)
    assert len(told) == 1  # six seconds and six, less the moment of the jump


def test_low_thing_is_left_or_fallen_and_enters_nothing() -> None:
    left = Finding(Behaviour.LEFT_OBJECT, 31.0, holds=True)
    bag = Seen(7, "other", (0.2, 0.9), (0.1, 0.2), frozenset({"doors"}), findings=(left,), is_low=True)
    at = rules(
        {"deed": "enter"}, {"deed": "left_object"}, {"deed": "count", "limit": 1}, {"deed": "dwell", "limit": 1.0}
    )
    assert [told.rule for told in watch(at, 5.0, bag)] == ["rule 1"]


def test_camera_without_rules_watches_none() -> None:
    assert watch(rules(), 5.0, person("doors")) == []
