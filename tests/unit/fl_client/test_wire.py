"""Pictures over a link: what was sent arrives, in however small pieces; what is wrong is refused before it is read."""

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from fl_client.capture import wire
from fl_client.capture.wire import CapturedFrame, FrameReader
from fl_client.errors import ChannelError


@pytest.fixture
def link() -> Iterator[tuple[socket.socket, FrameReader]]:
    sender, receiver = socket.socketpair()
    with sender, receiver:
        sender.settimeout(5.0)
        yield sender, FrameReader(receiver)


def sent(frame: CapturedFrame) -> bytes:
    return wire.packed_header(frame) + bytes(wire.pixels_of(frame))


def header(height: int = 32, width: int = 32, depth: int = 3, instant_s: float = 1.0, captured_s: float = 2.0) -> bytes:
    return wire.HEADER.pack(b"EGF2", height, width, depth, instant_s, captured_s)


@pytest.mark.parametrize("shape", [(20, 24), (20, 24, 3)])
@pytest.mark.parametrize("piece", [1, 7, 1000, 1 << 20])
def test_frames_arrive_as_they_were_sent_in_however_small_pieces(
    link: tuple[socket.socket, FrameReader], piece: int, shape: tuple[int, ...]
) -> None:
    sender, reader = link
    random = np.random.default_rng(0)
    frames = [CapturedFrame(random.integers(0, 256, shape).astype(np.uint8), 12.5 + i, 7.0) for i in range(3)]
    content, arrived = b"".join(map(sent, frames)), list[CapturedFrame]()
    for start in range(0, len(content), piece):
        sender.sendall(content[start : start + piece])
        while (frame := reader.read()) is not None:
            arrived.append(frame)
    assert [(one.instant_s, one.captured_s) for one in arrived] == [(12.5, 7.0), (13.5, 7.0), (14.5, 7.0)]
    assert all(np.array_equal(one.picture, two.picture) for one, two in zip(arrived, frames, strict=True))
    assert not reader.is_closed


def test_slice_of_a_larger_picture_arrives_as_it_was_sent(link: tuple[socket.socket, FrameReader]) -> None:
    sender, reader = link
    picture = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)[::2, ::2]
    sender.sendall(sent(CapturedFrame(picture, 0.0, 1.0)))
    arrived = reader.read()
    assert arrived is not None
    assert np.array_equal(arrived.picture, picture)


@pytest.mark.parametrize("content", [b"", header()[:5], header() + b"\0" * 100])
def test_end_of_the_link_is_the_end_even_within_a_picture(
    link: tuple[socket.socket, FrameReader], content: bytes
) -> None:
    sender, reader = link
    sender.sendall(content)
    assert reader.read() is None
    sender.close()
    assert reader.read() is None
    assert reader.is_closed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"X" * wire.HEADER.size, "not ours"),
        (header(depth=2), "not ours"),
        (header(height=60000, width=60000), "60000x60000"),
        (header(height=4, width=4), "4x4"),
        (header(instant_s=float("nan")), "finite instant"),
        (header(captured_s=float("inf")), "finite instant"),
    ],
)
def test_what_breaks_a_rule_is_refused(link: tuple[socket.socket, FrameReader], content: bytes, words: str) -> None:
    sender, reader = link
    sender.sendall(content)
    with pytest.raises(ChannelError, match=words):
        reader.read()
