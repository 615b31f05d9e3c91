"""What a person is told: incidents, cooldowns, limits, snoozes, exemptions, and the counts of what was held back."""

import datetime as dt
from typing import Any

import pydantic
import pytest

from context.alarm import INCIDENT_GAP_S, LONGEST_INCIDENT_S, QUIET, AlarmState, Gate, Outcome, snooze
from context.rule import Exemption, Rule
from context.rule_watch import Firing
from context.schedule import Schedule

NOON = dt.datetime(2026, 1, 6, 12, 0)  # noqa: DTZ001  a wall clock, a Tuesday
LOW, MEDIUM, HIGH = 0.5, 0.6, 0.7


def gate(*exemptions: dict[str, Any], **fields: Any) -> Gate:  # noqa: ANN401
    described = {"deed": "enter", "cooldown_s": 0.0, "most_per_hour": 1000, **fields}
    rules = {name: Rule.model_validate({"name": name, **described}, strict=False) for name in ("rule", "other")}
    allowed = [
        Exemption.model_validate_json(Exemption.model_validate(one, strict=False).model_dump_json())
        for one in exemptions
    ]
    return Gate(rules, allowed, Schedule())


def firing(instant_s: float, severity: float = MEDIUM, rule: str = "rule", **fields: Any) -> Firing:  # noqa: ANN401
    return Firing(rule, 1, instant_s, 0.0, fields.get("zone", ""), severity, fields.get("learned", 0.0))


def judged(judge: Gate, *firings: Firing, state: AlarmState = QUIET) -> tuple[AlarmState, list[str]]:
    outcomes = []
    for one in firings:
        state, verdict = judge.judge(state, one, NOON + dt.timedelta(seconds=one.instant_s))
        outcomes.append(verdict.outcome.value)
    return state, outcomes


def test_what_follows_within_the_gap_joins_the_incident_and_what_comes_later_begins_another() -> None:
    times = [0.0, INCIDENT_GAP_S, 2 * INCIDENT_GAP_S, 3 * INCIDENT_GAP_S + 1.0]
    state, outcomes = judged(gate(), *map(firing, times))
    assert outcomes == ["raised", "joined", "joined", "raised"]
    assert state.incident is not None
    assert state.incident.number == 2


def test_rules_share_the_incidents_of_their_camera() -> None:
    assert judged(gate(), firing(0.0), firing(1.0, rule="other"))[1] == ["raised", "joined"]


def test_higher_severity_in_an_incident_is_told_and_a_lower_one_after_it_joins() -> None:
    times = [firing(0.0, LOW), firing(1.0, HIGH), firing(2.0, MEDIUM), firing(3.0, HIGH)]
    assert judged(gate(), *times)[1] == ["raised", "raised", "joined", "joined"]


def test_incident_that_goes_on_for_ever_is_told_again() -> None:
    times = [10.0 * step for step in range(int(LONGEST_INCIDENT_S / 10) + 2)]
    outcomes = judged(gate(), *map(firing, times))[1]
    assert [times[place] for place, outcome in enumerate(outcomes) if outcome == "raised"] == [0.0, 610.0]


def test_cooldown_hides_the_same_severity_and_never_a_higher_one() -> None:
    times = [firing(0.0), firing(100.0), firing(200.0, HIGH), firing(300.0, HIGH), firing(500.0)]
    outcomes = judged(gate(cooldown_s=250.0), *times)[1]
    assert outcomes == ["raised", "cooldown", "raised", "cooldown", "raised"]


def test_cooldown_is_that_of_the_rule_alone() -> None:
    times = [firing(0.0), firing(100.0, rule="other")]
    assert judged(gate(cooldown_s=250.0), *times)[1] == ["raised", "raised"]


def test_hour_has_its_limit_and_a_higher_severity_passes_it() -> None:
    times = [firing(100.0 * step) for step in range(4)] + [firing(400.0, HIGH), firing(3601.0)]
    outcomes = judged(gate(most_per_hour=3), *times)[1]
    assert outcomes == ["raised", "raised", "raised", "over_limit", "raised", "over_limit"]
    assert judged(gate(most_per_hour=3), *times, firing(3801.0))[1][-1] == "raised"


def test_cooldown_longer_than_an_hour_is_kept() -> None:
    outcomes = judged(gate(cooldown_s=7200.0), firing(0.0), firing(3700.0), firing(7201.0))[1]
    assert outcomes == ["raised", "cooldown", "raised"]


def test_snooze_hides_every_severity_of_its_rule_until_it_ends() -> None:
    state = snooze(QUIET, 100.0, "rule")
    times = [firing(50.0, 1.0), firing(51.0, rule="other"), firing(100.0, 1.0)]
    assert judged(gate(), *times, state=state)[1] == ["snoozed", "raised", "raised"]
    assert judged(gate(), *times, state=snooze(QUIET, 100.0))[1] == ["snoozed", "snoozed", "raised"]
    ended = snooze(snooze(QUIET, 100.0, "rule"), 10.0, "rule")
    assert judged(gate(), firing(50.0), state=ended)[1] == ["raised"]


CLEANERS = {
    "name": "cleaners",
    "rules": ["rule"],
    "zones": ["aisle"],
    "when": {"days": ["tuesday"], "start": "12:00", "end": "13:00"},
}


@pytest.mark.parametrize(
    ("allowed", "one", "expected"),
    [
        (CLEANERS, firing(0.0, zone="aisle"), "exempt"),
        (CLEANERS, firing(0.0, zone="till"), "raised"),
        (CLEANERS, firing(0.0, rule="other", zone="aisle"), "raised"),
        (CLEANERS, firing(3600.0, zone="aisle"), "raised"),
        ({**CLEANERS, "rules": [], "zones": []}, firing(0.0, rule="other"), "exempt"),
        ({**CLEANERS, "first_day": dt.date(2026, 1, 7)}, firing(0.0, zone="aisle"), "raised"),
        ({**CLEANERS, "last_day": dt.date(2026, 1, 5)}, firing(0.0, zone="aisle"), "raised"),
        (
            {**CLEANERS, "first_day": dt.date(2026, 1, 6), "last_day": dt.date(2026, 1, 6)},
            firing(0.0, zone="aisle"),
            "exempt",
        ),
    ],
)
def test_exemption_covers_its_rules_zones_and_time(allowed: dict[str, Any], one: Firing, expected: str) -> None:
    assert judged(gate(allowed), one)[1] == [expected]


def test_exemption_that_ends_before_it_begins_is_refused() -> None:
    days = {"first_day": dt.date(2026, 1, 7), "last_day": dt.date(2026, 1, 6)}
    with pytest.raises(pydantic.ValidationError, match="first_day must not come after last_day"):
        Exemption.model_validate({**CLEANERS, **days}, strict=False)


def test_what_the_model_finds_usual_is_counted_and_not_told() -> None:
    times = [firing(0.0, learned=0.1), firing(100.0, learned=0.2)]
    assert judged(gate(usual_below=0.2), *times)[1] == ["usual", "raised"]


def test_what_the_model_has_no_opinion_of_is_told() -> None:
    assert judged(gate(usual_below=0.2), firing(0.0, learned=None))[1] == ["raised"]


def test_everything_is_counted_by_rule_and_outcome() -> None:
    state, _ = judged(gate(cooldown_s=250.0), firing(0.0), firing(1.0), firing(100.0), firing(101.0, rule="other"))
    assert state.count == {
        ("rule", Outcome.RAISED): 1,
        ("rule", Outcome.JOINED): 1,
        ("rule", Outcome.COOLDOWN): 1,
        ("other", Outcome.RAISED): 1,
    }
    assert sum(state.count.values()) == 4


def test_verdict_names_the_incident_or_none() -> None:
    state, first = gate(cooldown_s=250.0).judge(QUIET, firing(0.0), NOON)
    state, second = gate(cooldown_s=250.0).judge(state, firing(100.0), NOON)
    assert (first.incident, second.incident) == (1, 0)
