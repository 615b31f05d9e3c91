"""Messages survive a round trip, and garbage never becomes one."""

import datetime as dt
import uuid
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fl_protocol.errors import MessageError
from fl_protocol.messages import (
    AlertReport,
    BehaviourName,
    ClosedRound,
    Feedback,
    FeedbackEntry,
    FeedbackPage,
    Message,
    PublishedModel,
    ShownBehaviour,
    SiteRegistration,
    StoredAlert,
    parse_message,
)

_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True)
_digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
_alert_ids = st.uuids(version=4).map(str)
_instants = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2199, 12, 31), timezones=st.just(dt.UTC))  # noqa: DTZ001
_fractions = st.floats(0, 1)
_printable = st.text(min_size=1, max_size=64).filter(str.isprintable)
_counts = st.integers(0, 2**53)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _names,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(_names, children, max_size=3),
    max_leaves=8,
)


_behaviours = st.builds(
    ShownBehaviour,
    behaviour=st.sampled_from(get_args(BehaviourName)),
    value=st.floats(-1e9, 1e9),
    zone=st.none() | st.sampled_from(["till", "Gang 3, Süd"]),
    metres_s=st.none() | st.floats(-1e9, 1e9),
)


@st.composite
def _reports(draw: st.DrawFn) -> AlertReport:
    started_utc, ended_utc = sorted([draw(_instants), draw(_instants)])
    x0, x1 = sorted([draw(_fractions), draw(_fractions)])
    y0, y1 = sorted([draw(_fractions), draw(_fractions)])
    return AlertReport(
        alert_id=draw(_alert_ids),
        camera=draw(_names),
        started_utc=started_utc,
        ended_utc=ended_utc,
        operational_state=draw(st.sampled_from(["closed", "opening", "open", "closing", "special_event"])),
        zone=draw(st.none() | _printable),
        severity_score=draw(_fractions),
        score=draw(st.floats(-1e9, 1e9)),
        why=draw(_printable),
        model_digest=draw(_digests),
        peak_box=(x0, y0, x1, y1),
        clip_digest=draw(st.none() | _digests),
        behaviours=tuple(draw(st.lists(_behaviours, max_size=2))),
    )


_labels = st.sampled_from(["false", "confirmed"])
_entries = st.builds(
    FeedbackEntry,
    sequence=_counts,
    alert_id=_alert_ids,
    label=_labels,
    kind=st.none() | _printable,
    note=st.none() | _printable,
    at_utc=_instants,
)
_messages: st.SearchStrategy[Message] = st.one_of(
    _reports(),
    st.builds(SiteRegistration, name=_names, proof=st.none() | st.from_regex(r"[0-9a-f]{128}", fullmatch=True)),
    st.builds(Feedback, label=_labels, kind=st.none() | _printable, note=st.none() | _printable),
    st.builds(FeedbackPage, items=st.lists(_entries, max_size=3).map(tuple), next_after=_counts),
    st.builds(
        StoredAlert,
        site=_names,
        report=_reports(),
        received_utc=_instants,
        has_clip=st.booleans(),
        feedback=st.none() | _entries,
    ),
    st.builds(
        PublishedModel,
        digest=_digests,
        size_bytes=_counts,
        round_number=_counts,
        created_utc=_instants,
        card=st.dictionaries(_names, _json, max_size=3),
    ),
    st.builds(
        ClosedRound,
        training_id=_names,
        round_number=st.integers(1, 2**53),
        closed_utc=_instants,
        num_sites=_counts,
        loss=st.floats(-1e12, 1e12),
        auc=st.none() | _fractions,
        bytes_up=_counts,
        model_digest=st.none() | _digests,
    ),
)


@given(_messages)
def test_message_survives_a_round_trip(message: Message) -> None:
    assert parse_message(type(message), message.model_dump_json().encode()) == message


@given(_messages)
def test_message_survives_plain_json_values(message: Message) -> None:
    assert type(message).model_validate(message.model_dump(mode="json")) == message


@given(st.binary(max_size=200))
def test_garbage_is_refused(body: bytes) -> None:
    with pytest.raises(MessageError):
        parse_message(AlertReport, body)


@given(_reports(), st.integers(0, 10_000))
def test_truncated_message_is_refused(report: AlertReport, cut: int) -> None:
    body = report.model_dump_json().encode()
    with pytest.raises(MessageError):
        parse_message(AlertReport, body[: cut % len(body)])


@given(st.uuids().filter(lambda identity: identity.version != 4))
def test_identity_that_is_not_random_is_refused(identity: uuid.UUID) -> None:
    with pytest.raises(MessageError, match="alert_id"):
        parse_message(FeedbackEntry, f'{{"sequence": 1, "alert_id": "{identity}", "label": "false"}}'.encode())
