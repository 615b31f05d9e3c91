"""When an event opens, goes on, ends and is cut."""

import dataclasses
from collections.abc import Iterable

import pytest

from context.behaviour.finding import Behaviour, Finding
from context.event import MOST_TOLD, Event, EventRules, EventState, Observation, step

RULES = EventRules(alert_threshold=0.5, release_threshold=0.4, open_frames=3, quiet_s=5.0, longest_s=60.0)


def follow(
    severities: Iterable[float], rules: EventRules = RULES, step_s: float = 1.0
) -> tuple[EventState, list[Event]]:
    state, ended = EventState(), []
    for index, severity in enumerate(severities):
        state, finished = step(state, Observation(index * step_s, severity, score=severity * 10), rules)
        ended += [finished] if finished else []
    return state, ended


def test_too_few_frames_above_the_threshold_open_nothing() -> None:
    state, ended = follow([0.9, 0.9, 0.1, 0.9, 0.9])
    assert state.open_event is None
    assert ended == []


def test_event_begins_with_the_first_of_the_frames_that_opened_it() -> None:
    state, _ = follow([0.0, 0.5, 0.6, 0.5])
    assert state.open_event is not None
    assert state.open_event.first.instant_s == 1.0
    assert state.open_event.ended_s == 3.0
    assert state.rising == ()


def test_threshold_itself_counts_as_above() -> None:
    state, _ = follow([0.5, 0.5, 0.5])
    assert state.open_event is not None
    assert follow([0.4999] * 10)[0] == EventState()


def test_event_ends_after_the_quiet_time_and_says_when_it_was_last_above() -> None:
    state, ended = follow([0.9] * 3 + [0.0] * 5)
    assert [(event.first.instant_s, event.ended_s) for event in ended] == [(0.0, 2.0)]
    assert state == EventState()


def test_quiet_time_must_be_whole() -> None:
    _, ended = follow([0.9] * 3 + [0.0] * 4)
    assert ended == []


def test_severity_between_release_and_alert_keeps_an_event_open() -> None:
    state, ended = follow([0.9] * 3 + [0.4] * 20)
    assert ended == []
    assert state.open_event is not None
    assert state.open_event.ended_s == 22.0


def test_what_starts_within_the_quiet_time_is_the_same_event() -> None:
    _, ended = follow([0.9] * 3 + [0.0] * 3 + [0.9] + [0.0] * 5)
    assert [(event.first.instant_s, event.ended_s) for event in ended] == [(0.0, 6.0)]


def test_peak_is_the_first_of_the_most_severe_frames() -> None:
    severities = [0.6, 0.7, 0.6, 0.95, 0.95, 0.6]
    state, _ = follow(severities)
    assert state.open_event is not None
    assert state.open_event.peak == Observation(3.0, 0.95, score=9.5)
    assert follow(severities[:3])[0].open_event == Event(Observation(0.0, 0.6, 6.0), Observation(1.0, 0.7, 7.0), 2.0)


def test_long_event_is_cut_and_continued_without_a_gap() -> None:
    state, ended = follow([0.9] * 130)
    assert [(event.part, event.first.instant_s, event.ended_s) for event in ended] == [(1, 0.0, 60.0), (2, 61.0, 121.0)]
    assert state.open_event is not None
    assert (state.open_event.part, state.open_event.first.instant_s) == (3, 122.0)


def test_gap_in_the_frames_ends_the_event_and_can_begin_another() -> None:
    state, _ = follow([0.9] * 3)
    state, finished = step(state, Observation(1000.0, 0.9), dataclasses.replace(RULES, open_frames=1))
    assert finished is not None
    assert finished.ended_s == 2.0
    assert state.open_event is not None
    assert (state.open_event.first.instant_s, state.open_event.part) == (1000.0, 1)


def test_event_tells_the_strongest_of_what_was_seen_while_it_lasted_and_its_next_part_begins_anew() -> None:
    state, ended = EventState(), []
    for second in range(70):
        shown = (Finding(Behaviour.DWELL, float(second), holds=True, zone="till"),) if second < 66 else ()
        severity = 0.1 if second == 20 else 0.9
        state, finished = step(state, Observation(float(second), severity, behaviours=shown), RULES)
        ended += [finished] if finished else []
        if second == 2:
            assert state.open_event is not None
            assert state.open_event.behaviours == shown
    assert [[finding.value for finding in event.behaviours] for event in ended] == [[60.0]]
    assert state.open_event is not None
    assert [finding.value for finding in state.open_event.behaviours] == [65.0]


def test_step_changes_nothing_it_was_given() -> None:
    state, _ = follow([0.9] * 3)
    kept = dataclasses.replace(state)
    step(state, Observation(3.0, 1.0), RULES)
    assert state == kept


@pytest.mark.parametrize(
    "values",
    [
        {"release_threshold": 0.6},
        {"release_threshold": 0.0},
        {"alert_threshold": 1.1},
        {"open_frames": 0},
        {"quiet_s": -1.0},
        {"longest_s": 0.0},
    ],
)
def test_contradictory_rules_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(RULES, **values)  # type: ignore[arg-type]  # wrong on purpose


def told(instant_s: float, severity: float, why: str = "rule") -> Observation:
    return Observation(instant_s, severity, why=why, is_told=True)


def test_what_a_rule_tells_opens_an_event_at_once_below_every_threshold() -> None:
    state, _ = step(EventState(), told(0.0, 0.1), RULES)
    assert state.open_event is not None
    assert state.open_event.told == ("rule",)
    state, ended = step(state, Observation(5.0, 0.0), RULES)
    assert ended is not None
    assert (ended.first.instant_s, ended.ended_s) == (0.0, 0.0)


def test_what_rules_tell_keeps_an_event_open_and_is_kept_once_each() -> None:
    state = EventState()
    for instant_s, why in ((0.0, "first"), (4.0, "second"), (8.0, "first")):
        state, ended = step(state, told(instant_s, 0.5, why), RULES)
        assert ended is None
    assert state.open_event is not None
    assert state.open_event.told == ("first", "second")
    assert state.open_event.ended_s == 8.0


def test_reasons_are_bounded_and_the_newest_stay() -> None:
    state = EventState()
    for index in range(20):
        state, _ = step(state, told(float(index), 0.5, str(index)), RULES)
    assert state.open_event is not None
    assert state.open_event.told == tuple(str(index) for index in range(20 - MOST_TOLD, 20))


def test_peak_is_the_most_severe_and_of_equals_the_one_that_a_rule_tells() -> None:
    state, _ = step(EventState(), told(0.0, 0.6), RULES)
    state, _ = step(state, Observation(1.0, 0.6, why="model"), RULES)
    assert state.open_event is not None
    assert state.open_event.peak.why == "rule"
    state, _ = step(state, Observation(2.0, 0.9, why="model"), RULES)
    assert state.open_event is not None
    assert (state.open_event.peak.why, state.open_event.told) == ("model", ("rule",))


def test_next_part_of_a_long_event_tells_only_what_was_told_in_it() -> None:
    state, _ = step(EventState(), told(0.0, 0.9, "first"), RULES)
    for second in range(1, 61):
        state, _ = step(state, Observation(float(second), 0.9), RULES)
    state, ended = step(state, told(61.0, 0.9, "second"), RULES)
    assert ended is not None
    assert ended.told == ("first",)
    assert state.open_event is not None
    assert (state.open_event.part, state.open_event.told) == (2, ("second",))
