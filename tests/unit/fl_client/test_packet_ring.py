"""The ring of packets: what is kept, where a clip begins, and how much it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fl_client.recording.packet_ring import VIDEO, PacketRing
from fl_client.recording.take import StoredPacket

SOUND = 1
LARGE = 1 << 30


def packet(instant_s: float, *, is_keyframe: bool = False, stream: int = VIDEO, size: int = 100) -> StoredPacket:
    ticks = round(instant_s * 90_000)
    return StoredPacket(stream, bytes(size), ticks, ticks, 0, is_keyframe or stream == SOUND, instant_s)


def filled(seconds: float, *, every_s: float = 2.0, fps: int = 5, max_bytes: int = LARGE) -> PacketRing:
    ring = PacketRing(5.0, max_bytes)
    for index in range(round(seconds * fps)):
        ring.add(packet(index / fps, is_keyframe=index % round(every_s * fps) == 0))
        ring.add(packet(index / fps, stream=SOUND, size=10))
    return ring


def test_clip_begins_with_the_keyframe_at_or_before_its_instant() -> None:
    ring = filled(20.0)
    for asked, expected in ((15.0, 14.0), (14.0, 14.0), (19.7, 18.0), (30.0, 18.0)):
        first = ring.packets_from(asked)[0]
        assert (first.instant_s, first.is_keyframe, first.stream) == (expected, True, VIDEO)


def test_clip_that_is_asked_to_begin_before_all_begins_with_the_oldest() -> None:
    assert filled(20.0).packets_from(0.0)[0].instant_s == 14.0
    assert PacketRing(5.0, LARGE).packets_from(0.0) == []


def test_clip_has_all_packets_of_its_streams_in_order() -> None:
    packets = filled(20.0).packets_from(16.0)
    assert [one.instant_s for one in packets if one.stream == VIDEO] == [16.0 + index / 5 for index in range(20)]
    assert sum(one.stream == SOUND for one in packets) == 20


def test_what_comes_before_the_first_keyframe_is_lost() -> None:
    ring = PacketRing(5.0, LARGE)
    for instant_s in (0.0, 0.2, 0.4):
        ring.add(packet(instant_s))
    assert (len(ring), ring.num_bytes, ring.began_s) == (0, 0, None)


def test_bytes_are_bounded_and_the_newest_group_stays() -> None:
    ring = filled(20.0, max_bytes=1200)
    assert ring.began_s == 18.0
    assert ring.num_bytes == 1100


@given(
    gaps=st.lists(st.tuples(st.floats(0.01, 3.0), st.booleans(), st.integers(1, 2000)), min_size=1, max_size=80),
    keep_s=st.floats(0.5, 10.0),
)
def test_ring_reaches_back_as_far_as_asked_and_no_group_further(
    gaps: list[tuple[float, bool, int]], keep_s: float
) -> None:
    ring, now_s, keyframes = PacketRing(keep_s, LARGE), 0.0, list[float]()
    for gap_s, is_keyframe, size in gaps:
        now_s += gap_s
        ring.add(packet(now_s, is_keyframe=is_keyframe, size=size))
        keyframes += [now_s] if is_keyframe else []
        at_or_before = [one for one in keyframes if one <= now_s - keep_s]
        expected = at_or_before[-1] if at_or_before else keyframes[0] if keyframes else None
        assert ring.began_s == expected
        assert ring.num_bytes == sum(len(one.content) for one in ring.packets_from(-1.0))


def test_five_seconds_of_a_camera_are_a_fiftieth_of_its_pictures_at_the_worst_instant() -> None:
    ring, worst = PacketRing(5.0, LARGE), 0
    for index in range(15 * 30):
        is_keyframe = index % 30 == 0
        ring.add(packet(index / 15, is_keyframe=is_keyframe, size=700_000 // 8 // 15))
        worst = max(worst, ring.num_bytes)
    assert worst == pytest.approx(7 * 700_000 / 8, rel=0.05)
    assert worst <= 75 * 640 * 360 * 3 / 50
