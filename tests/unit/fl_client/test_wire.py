"""Messages between decoder and parent: what was sent arrives, what is wrong is refused before it is read."""

import io
from collections.abc import Callable

import numpy as np
import pytest

from fl_client.capture import wire
from fl_client.capture.wire import CapturedFrame, Message, SourceEnd, SourceFailure
from fl_client.errors import ChannelError


def sent(message: Message) -> bytes:
    payload = bytes(wire.payload_of(message))
    return wire.pack_header(message, len(payload)) + payload


def reader(content: bytes) -> Callable[[memoryview], bool]:
    stream = io.BytesIO(content)
    return lambda buffer: stream.readinto(buffer) == len(buffer)


def header(kind: int = 1, height: int = 32, width: int = 32, instant_s: float = 1.0, size: int = 3072) -> bytes:
    return wire.HEADER.pack(b"EGF1", kind, height, width, 1, instant_s, size)


def test_frame_arrives_as_it_was_sent() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    arrived = wire.read_message(reader(sent(CapturedFrame(picture, 12.5, 7))))
    assert isinstance(arrived, CapturedFrame)
    assert (arrived.instant_s, arrived.num_decoded) == (12.5, 7)
    assert np.array_equal(arrived.picture, picture)


def test_slice_of_a_larger_picture_arrives_as_it_was_sent() -> None:
    picture = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)[::2, ::2]
    arrived = wire.read_message(reader(sent(CapturedFrame(picture, 0.0, 1))))
    assert isinstance(arrived, CapturedFrame)
    assert np.array_equal(arrived.picture, picture)


@pytest.mark.parametrize("message", [SourceEnd(10, 2, is_cut_off=True), SourceFailure("no video")])
def test_closing_words_arrive(message: Message) -> None:
    assert wire.read_message(reader(sent(message))) == message


@pytest.mark.parametrize("content", [b"", header()[:5], header() + b"\0" * 100, header(kind=3, size=9) + b"no"])
def test_end_of_the_channel_is_the_end_even_within_a_message(content: bytes) -> None:
    assert wire.read_message(reader(content)) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"X" * wire.HEADER.size, "not ours"),
        (header(kind=9), "kind 9"),
        (header(height=60000, width=60000), "60000x60000"),
        (header(height=4, width=4, size=48), "4x4"),
        (header(size=3071), "3071 bytes"),
        (header(instant_s=float("nan")), "finite instant"),
        (header(kind=3, size=1 << 31), "text"),
        (header(kind=2, size=2) + b"{}", "closed with a message"),
    ],
)
def test_what_breaks_a_rule_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ChannelError, match=words):
        wire.read_message(reader(content))


def test_reason_of_a_failure_is_one_line() -> None:
    assert wire.read_message(reader(sent(SourceFailure("first\nsecond")))) == SourceFailure("first second")
