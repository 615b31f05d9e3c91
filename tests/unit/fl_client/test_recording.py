"""From scored frames to observations and reports."""

import dataclasses

import numpy as np
import pytest

from context.alarm import Outcome
from context.behaviour.finding import Behaviour, Finding
from context.event import Event, Observation
from fl_client.inference.rules import Told
from fl_client.inference.scored import UNUSUAL_SCENE, observation_of
from fl_client.recording.alert_report import MAX_WHY_CHARACTERS, report_of
from fl_protocol.messages import MAX_BEHAVIOURS
from tests.fakes.brightness_pipeline import BrightFrame, BrightObject

ALERT_ID = "3e576314-0673-4c7c-9556-81e98620480b"
PEAK = Observation(11.0, 0.8, 4.5, (0.1, 0.2, 0.3, 0.4), "till", "Runs.", "closed")


def scored(*severities: float, is_learning: bool = False) -> BrightFrame:
    objects = tuple(
        BrightObject(np.array([-0.1, 0.2, 0.3, 1.2], np.float32), one, f"zone {one}", f"why {one}")
        for one in severities
    )
    return BrightFrame(5.0, objects, 3.0, max(severities, default=0.6), "open", is_learning)


def test_observation_carries_the_most_severe_object_cut_to_the_frame() -> None:
    seen = observation_of(scored(0.2, 0.9, 0.5))
    assert (seen.severity, seen.zone, seen.why, seen.score) == (0.9, "zone 0.9", "why 0.9", 3.0)
    assert seen.box == pytest.approx((0.0, 0.2, 0.3, 1.0))


def test_frame_without_objects_is_unusual_as_a_whole() -> None:
    seen = observation_of(scored())
    assert (seen.severity, seen.box, seen.zone, seen.why) == (0.6, (0.0, 0.0, 1.0, 1.0), "", UNUSUAL_SCENE)


def test_learning_raises_nothing() -> None:
    assert observation_of(scored(0.99, is_learning=True)).severity == 0.0


def told(severity: float, outcome: Outcome = Outcome.RAISED, why: str = "Rule 'night': enter.") -> Told:
    return Told("night", outcome, severity, "doors", (0.1, 0.2, 0.3, 0.4), why)


def test_rule_speaks_first_even_while_nothing_is_learned() -> None:
    frame = dataclasses.replace(scored(0.9, is_learning=True), told=(told(0.6), told(0.7, why="Rule 'run'.")))
    seen = observation_of(frame)
    assert (seen.is_told, seen.severity, seen.zone) == (True, 0.7, "doors")
    assert seen.box == (0.1, 0.2, 0.3, 0.4)
    assert seen.why == "Rule 'night': enter. Rule 'run'."


def test_model_that_finds_more_raises_the_severity_of_what_a_rule_tells() -> None:
    assert observation_of(dataclasses.replace(scored(0.9), told=(told(0.6),))).severity == 0.9


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.RAISED])
def test_what_is_held_back_changes_nothing(outcome: Outcome) -> None:
    assert observation_of(dataclasses.replace(scored(0.2), told=(told(0.9, outcome),))) == observation_of(scored(0.2))


def test_report_says_what_rules_said_and_then_what_the_model_finds() -> None:
    event = Event(PEAK, PEAK, 12.5, told=("Rule 'night': enter.",))
    assert report_of(event, ALERT_ID, "door", "a" * 64).why == "Rule 'night': enter. Runs."
    by_rule = dataclasses.replace(PEAK, is_told=True, why="Rule 'night': enter.")
    assert report_of(dataclasses.replace(event, peak=by_rule), ALERT_ID, "d", "a" * 64).why == "Rule 'night': enter."


def test_report_says_what_the_peak_was() -> None:
    report = report_of(
        Event(Observation(10.0, 0.5, operational_state="closed"), PEAK, 12.5), ALERT_ID, "door", "a" * 64
    )
    assert (report.started_utc.timestamp(), report.ended_utc.timestamp()) == (10.0, 12.5)
    assert (report.severity_score, report.score, report.zone, report.why) == (0.8, 4.5, "till", "Runs.")
    assert (report.operational_state, report.peak_box, report.clip_digest) == ("closed", PEAK.box, None)


def test_unusual_objects_tell_what_they_did_beyond_the_limits_and_usual_ones_nothing() -> None:
    frame = scored(0.2, 0.9, 0.5)
    findings = (Finding(Behaviour.SPEED, 0.7, holds=False, zone="hall"), Finding(Behaviour.DWELL, 74.0, True, "till"))
    longer = (Finding(Behaviour.DWELL, 80.0, True, "till"),)
    objects = [dataclasses.replace(one, behaviours=findings) for one in frame.objects]
    objects[2] = dataclasses.replace(objects[2], behaviours=longer)
    assert observation_of(dataclasses.replace(frame, objects=tuple(objects))).behaviours == longer
    assert observation_of(dataclasses.replace(frame, objects=tuple(objects[:2]))).behaviours == findings[1:]
    assert observation_of(dataclasses.replace(frame, objects=tuple(objects[:1]))).behaviours == ()


def test_what_is_too_low_to_be_scored_is_told_of_with_the_rest() -> None:
    left = (Finding(Behaviour.LEFT_OBJECT, 31.0, True, "till"),)
    assert observation_of(dataclasses.replace(scored(0.2, 0.9), unscored=left)).behaviours == left


def test_report_tells_behaviours_within_the_bounds_of_the_message() -> None:
    wild = Finding(Behaviour.AGAINST_FLOW, -1e300, True, "a\nb", -1.23456)
    event = Event(PEAK, PEAK, 12.5, behaviours=(wild, *[Finding(Behaviour.FALL, 6.0, True)] * 30))
    told = report_of(event, ALERT_ID, "door", "a" * 64).behaviours
    assert (told[0].behaviour, told[0].value, told[0].zone, told[0].metres_s) == ("against_flow", -1e9, "a b", -1.235)
    assert (len(told), told[1].value, told[1].zone, told[1].metres_s) == (MAX_BEHAVIOURS, 6.0, None, None)


def test_text_the_message_would_refuse_is_made_fit() -> None:
    peak = Observation(1.0, 0.8, 1e300, why="x\u202e\n" * 400, zone="", operational_state="open")
    report = report_of(Event(peak, peak, 1.0, part=2), ALERT_ID, "door", "a" * 64)
    assert report.why.endswith(" (part 2 of a long event)")
    assert len(report.why) <= MAX_WHY_CHARACTERS
    assert report.why.isprintable()
    assert (report.zone, report.score) == (None, 1e9)
