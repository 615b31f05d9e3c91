"""Messages between the programs of a box: what was sent arrives whole; what is no message is refused."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fl_client.capture import dialogue
from fl_client.capture.dialogue import REPORTS, Beat, ClipFinished, SourceFailed, TamperSeen
from fl_client.capture.tamper import Tamper
from fl_client.channel import MAX_DESCRIPTORS, MAX_MESSAGE_BYTES, Channel
from fl_client.errors import ChannelError

Ends = tuple[Channel, Channel]


@pytest.fixture
def ends() -> Iterator[Ends]:
    pair = Channel.pair()
    yield pair
    for end in pair:
        end.close()


@pytest.mark.parametrize(
    "report",
    [
        Beat(1, 2, 3, 4, 5),
        TamperSeen(Tamper.COVERED, is_wrong=True, instant_s=12.5),
        ClipFinished("3e576314-0673-4c7c-9556-81e98620480b", "a" * 64, 7),
        SourceFailed("ü: two\nlines"),
    ],
)
def test_reports_arrive_as_they_were_sent_in_order(ends: Ends, report: dialogue.Report) -> None:
    assert ends[0].send(report)
    assert ends[0].send(Beat(0, 0, 0, 0, 0))
    received = [ends[1].receive(), ends[1].receive()]
    assert [REPORTS.parse(one.content) for one in received if one] == [report, Beat(0, 0, 0, 0, 0)]


def test_descriptors_arrive_with_their_message(ends: Ends) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert ends[0].send(dialogue.Link(), (theirs.fileno(),))
        received = ends[1].receive()
        assert received is not None
        with socket.socket(fileno=received.descriptors[0]) as again:
            again.sendall(b"x")
        assert ours.recv(1) == b"x"


def test_end_of_a_channel_is_the_end(ends: Ends) -> None:
    ends[0].send(dialogue.Stop())
    ends[0].close()
    assert ends[1].receive() is not None
    assert ends[1].receive() is None
    assert not ends[1].send(dialogue.Stop())
    assert ends[0].fileno() == -1


def test_message_that_is_too_long_is_refused_at_both_ends(ends: Ends) -> None:
    with pytest.raises(ValueError, match="expected a message of at most"):
        ends[0].send(SourceFailed("x" * MAX_MESSAGE_BYTES))
    raw = socket.socket(fileno=os.dup(ends[0].fileno()))
    with raw:
        raw.send(b"x" * (MAX_MESSAGE_BYTES + 1))
    with pytest.raises(ChannelError, match="longer than"):
        ends[1].receive()


def _num_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_too_many_descriptors_are_refused_and_closed(ends: Ends) -> None:
    with Path(os.devnull).open("rb") as null:
        ends[0].send(dialogue.Link(), [null.fileno()] * (MAX_DESCRIPTORS + 8))
    before = _num_descriptors()
    with pytest.raises(ChannelError):
        ends[1].receive()
    assert _num_descriptors() == before


def test_program_that_does_not_read_counts_as_gone(ends: Ends) -> None:
    assert not all(ends[0].send(SourceFailed("x" * 4000)) for _ in range(100_000))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected a message of"),
        (b"Nonsense\n{}", "expected a message of"),
        (b"Watch\n{}", "expected a message of"),  # an order is no report
        (b"Beat\n{", "Invalid JSON"),
        (b'Beat\n{"num_decoded": 1}', "Field required"),
        (b'Beat\n{"num_decoded": "1"}', "valid integer"),
        (b'ClipFinished\n{"alert_id": "../../etc/passwd", "digest": null, "num_frames": 0}', "alert_id"),
        (b'TamperSeen\n{"tamper": "eaten", "is_wrong": true, "instant_s": 1.0}', "tamper"),
        (b'TamperSeen\n{"tamper": "frozen", "is_wrong": true, "instant_s": NaN}', "instant_s"),
        (b'SourceFailed\n{"reason": "' + b"x" * 5000 + b'"}', "reason"),
    ],
)
def test_what_is_no_report_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ChannelError, match=words):
        REPORTS.parse(content)


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_message_or_refused(content: bytes) -> None:
    for kind in (b"", b"Beat\n", b"ClipFinished\n", b"TamperSeen\n"):
        with contextlib.suppress(ChannelError):
            assert type(REPORTS.parse(kind + content)).__name__.encode() + b"\n" == kind
