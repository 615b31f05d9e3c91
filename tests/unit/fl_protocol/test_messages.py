"""HTTP bodies: what is accepted, and how a refusal reads."""

import json
from typing import get_args

import pytest

from context.behaviour.finding import Behaviour
from context.schedule import OperationalState
from fl_protocol import messages
from fl_protocol.errors import MessageError
from fl_protocol.messages import AlertReport, Feedback, SiteRegistration, parse_message

REPORT = {
    "schema_version": 1,
    "alert_id": "0b9d3c1e-5f0a-4b52-9c1d-2f6f5a3f7e10",
    "camera": "till-2",
    "started_utc": "2026-03-01T22:00:00Z",
    "ended_utc": "2026-03-01T22:00:09.5+00:00",
    "operational_state": "closed",
    "zone": None,
    "severity_score": 0.8,
    "score": 4,
    "why": "Person after closing.",
    "model_digest": "a" * 64,
    "peak_box": [0.1, 0.2, 0.3, 0.9],
    "clip_digest": None,
}


def _body(**changes: object) -> bytes:
    return json.dumps({**REPORT, **changes}).encode()


def test_report_reads_back_as_it_was_sent() -> None:
    report = parse_message(AlertReport, _body())
    assert parse_message(AlertReport, report.model_dump_json().encode()) == report
    assert (report.ended_utc - report.started_utc).total_seconds() == 9.5
    assert report.peak_box == (0.1, 0.2, 0.3, 0.9)


def test_states_are_those_of_the_context_package() -> None:
    assert get_args(messages.State) == tuple(state.value for state in OperationalState)


def test_behaviours_are_those_of_the_context_package() -> None:
    assert get_args(messages.BehaviourName) == tuple(behaviour.value for behaviour in Behaviour)


def test_report_without_behaviours_is_what_an_older_coordinator_takes() -> None:
    assert "behaviours" not in json.loads(parse_message(AlertReport, _body()).model_dump_json())
    with_one = parse_message(AlertReport, _body(behaviours=[{"behaviour": "dwell", "value": 74, "zone": "till"}]))
    assert json.loads(with_one.model_dump_json())["behaviours"] == [
        {"behaviour": "dwell", "value": 74.0, "zone": "till", "metres_s": None}
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"behaviours": [{"behaviour": "sings", "value": 1}]}, "behaviours.0.behaviour: Input should be 'speed'"),
        ({"behaviours": [{"behaviour": "fall", "value": 1e10}]}, "behaviours.0.value: Input should be less than"),
        ({"behaviours": [{"behaviour": "fall", "value": 1, "zone": "a\nb"}]}, "behaviours.0.zone: Value error"),
        ({"behaviours": [{"behaviour": "fall", "value": 1}] * 17}, "behaviours: Tuple should have at most 16 items"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"schema_version": 2}, "schema_version: Input should be 1"),
        ({"alert_id": "0B9D3C1E-5F0A-4B52-9C1D-2F6F5A3F7E10"}, "alert_id: String should match pattern"),
        ({"alert_id": "0b9d3c1e-5f0a-1b52-9c1d-2f6f5a3f7e10"}, "alert_id: String should match pattern"),
        ({"camera": "../etc"}, "camera: String should match pattern"),
        ({"started_utc": "2026-03-01T22:00:00"}, "started_utc: Value error, expected an instant with UTC offset zero"),
        ({"started_utc": "2026-03-01T22:00:00+01:00"}, "expected an instant with UTC offset zero"),
        ({"started_utc": "2300-03-01T22:00:00Z"}, "expected an instant from 1970 to 2199"),
        ({"started_utc": 1_700_000_000}, "started_utc: Input should be a valid datetime"),
        ({"started_utc": "yesterday"}, "started_utc: Value error, Invalid isoformat string"),
        ({"ended_utc": "2026-03-01T21:00:00Z"}, "body: Value error, ended_utc must not come before started_utc"),
        ({"severity_score": 1.01}, "severity_score: Input should be less than or equal to 1"),
        ({"score": float("nan")}, "score: Input should be a finite number"),
        ({"score": 1e10}, "score: Input should be less than or equal to 1000000000"),
        ({"score": "4"}, "score: Input should be a valid number"),
        ({"why": "a\nb"}, "why: Value error, expected printable text without line breaks"),
        ({"why": "safe\u202egpj"}, "why: Value error, expected printable text without line breaks"),
        ({"why": "x" * 501}, "why: String should have at most 500 characters"),
        ({"peak_box": [0.5, 0.2, 0.3, 0.9]}, "peak_box: Value error, expected x0 <= x1 and y0 <= y1"),
        ({"peak_box": [0.1, 0.2, 0.3]}, "peak_box.3: Field required"),
        ({"clip_digest": "A" * 64}, "clip_digest: String should match pattern"),
    ],
)
def test_bad_report_is_refused_with_its_place(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(AlertReport, _body(**changes))
    assert str(caught.value).startswith("expected AlertReport: ")
    assert problem in str(caught.value)


def test_body_that_is_not_json_is_refused() -> None:
    with pytest.raises(MessageError, match="expected SiteRegistration: body: Invalid JSON"):
        parse_message(SiteRegistration, b"{")


def test_unknown_label_is_refused() -> None:
    with pytest.raises(MessageError, match="expected Feedback: label: Input should be 'false' or 'confirmed'"):
        parse_message(Feedback, b'{"label": "true"}')
