"""Clips of a camera's own packets: what is in them, what plays, and what is left after a power failure."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from fl_client.errors import ClipError
from fl_client.recording import packet_clip
from fl_client.recording.clip_files import part_path
from fl_client.recording.packet_clip import PacketClip, whole_clip, write_avi
from fl_client.recording.packet_ring import PacketRing
from fl_client.recording.take import StoredPacket, Take

FPS, GOP, SIDE = 15, 30, (320, 240)
Footage = tuple[Take, list[StoredPacket]]


def _write(path: Path, seconds: int, codec: str, *, has_sound: bool = True, frames_between: int = 2) -> Path:
    """Every picture shows its number: it is as bright as that."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=FPS, options={"preset": "ultrafast", "x265-params": "log-level=none"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *SIDE, "yuv420p"
        video.gop_size, video.max_b_frames = GOP, frames_between
        sound = container.add_stream("aac", rate=16_000, layout="mono") if has_sound else None
        for index in range(seconds * FPS):
            picture = np.full((SIDE[1], SIDE[0], 3), 40 + index % 150, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            if isinstance(sound, av.AudioStream):
                samples = av.AudioFrame.from_ndarray(np.zeros((1, 16_000 // FPS), np.float32), "fltp", "mono")
                samples.sample_rate, samples.pts = 16_000, index * (16_000 // FPS)
                container.mux(sound.encode(samples))
        container.mux(video.encode(None))
        if isinstance(sound, av.AudioStream):
            container.mux(sound.encode(None))
    return path


def _read(path: Path) -> Footage:
    with av.open(str(path)) as container:
        streams = [container.streams.video[0], *container.streams.audio[:1]]
        take, packets = Take(streams), list[StoredPacket]()
        place = {stream.index: index for index, stream in enumerate(streams)}
        for packet in container.demux(streams):
            seen_at = packet.dts if packet.pts is None else packet.pts
            instant_s = 0.0 if seen_at is None else float(seen_at * packet.time_base)
            stored = take.stored(packet, place[packet.stream_index], instant_s)
            packets += [stored] if stored else []
    return take, packets  # the connection is closed by now: clips are cut all the same


def _clip(path: Path, take: Take, packets: Sequence[StoredPacket]) -> PacketClip:
    with PacketClip(path, take) as clip:
        for packet in packets:
            clip.add(packet)
        digest = clip.finish()
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    return clip


def _shown(path: Path) -> tuple[list[float], list[float]]:
    """Time and brightness of every picture that plays."""
    with av.open(str(path)) as container:
        frames = [
            (float(frame.time or 0.0), float(frame.to_ndarray(format="gray").mean()))
            for frame in container.decode(video=0)
        ]
    return [time for time, _ in frames], [bright for _, bright in frames]


def _kinds(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [stream.codec_context.name for stream in container.streams]


@pytest.mark.parametrize(("suffix", "has_sound"), [(".mp4", True), (".ts", True), (".mkv", False)])
def test_clip_shows_the_pictures_from_the_keyframe_on_and_keeps_the_sound(
    tmp_path: Path, suffix: str, has_sound: bool
) -> None:
    camera = _write(tmp_path / f"camera{suffix}", 12, "libx264", has_sound=has_sound)
    take, packets = _read(camera)
    ring = PacketRing(5.0, 1 << 30)
    for packet in packets:
        ring.add(packet)
    began = ring.packets_from(packets[-1].instant_s - 5.0)
    clip = _clip(tmp_path / "clip.mp4", take, began)
    times, bright = _shown(clip.path)
    assert clip.num_frames == 90  # from the keyframe six seconds before the end
    assert times == pytest.approx([index / FPS for index in range(90)], abs=0.002)
    assert bright == _shown(camera)[1][-90:]
    assert _kinds(clip.path) == ["h264", *["aac"] * has_sound]
    assert not part_path(clip.path).exists()
    take.close()


def test_packets_are_those_of_the_camera(tmp_path: Path) -> None:
    take, packets = _read(_write(tmp_path / "camera.mp4", 4, "libx264"))
    clip = _clip(tmp_path / "clip.mp4", take, packets)
    _, again = _read(clip.path)
    for stream in (0, 1):
        sent, kept = ([one.content for one in found if one.stream == stream] for found in (packets, again))
        assert kept == sent[len(sent) - len(kept) :]  # sound from before the first picture is left out
        assert len(kept) >= len(sent) - 2


def test_clip_that_is_too_long_to_be_kept_in_memory_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, packets = _read(_write(tmp_path / "camera.mp4", 6, "libx264"))
    kept = _shown(_clip(tmp_path / "kept.mp4", take, packets).path)
    monkeypatch.setattr(packet_clip, "MAX_KEPT_BYTES", 10_000)
    assert _shown(_clip(tmp_path / "read.mp4", take, packets).path) == kept
    assert _kinds(tmp_path / "read.mp4") == _kinds(tmp_path / "kept.mp4")


def test_hevc_stays_hevc(tmp_path: Path) -> None:
    take, packets = _read(_write(tmp_path / "camera.mkv", 3, "libx265", has_sound=False))
    clip = _clip(tmp_path / "clip.mp4", take, packets)
    assert _kinds(clip.path) == ["hevc"]
    assert len(_shown(clip.path)[0]) == 45


def test_two_clips_of_the_same_packets_at_once_are_the_same(tmp_path: Path) -> None:
    take, packets = _read(_write(tmp_path / "camera.mp4", 4, "libx264"))
    with PacketClip(tmp_path / "a.mp4", take) as first, PacketClip(tmp_path / "b.mp4", take) as second:
        for packet in packets:
            first.add(packet)
            second.add(packet)
        assert first.finish() == second.finish()


def test_clip_that_begins_before_a_keyframe_begins_with_it(tmp_path: Path) -> None:
    take, packets = _read(_write(tmp_path / "camera.mp4", 6, "libx264"))
    late = [one for one in packets if one.instant_s > 1.0]
    assert len(_shown(_clip(tmp_path / "clip.mp4", take, late).path)[0]) == 60


def test_clip_without_pictures_is_none(tmp_path: Path) -> None:
    take, packets = _read(_write(tmp_path / "camera.mp4", 2, "libx264"))
    with PacketClip(tmp_path / "clip.mp4", take) as clip:
        clip.add(next(one for one in packets if one.stream == 1))
        with pytest.raises(ClipError, match="expected at least one picture"):
            clip.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["camera.mp4"]


def test_clip_that_the_power_failed_in_plays_as_far_as_it_was_written(tmp_path: Path) -> None:
    take, packets = _read(_write(tmp_path / "camera.mp4", 12, "libx264"))
    clip = PacketClip(tmp_path / "clip.mp4", take)
    for packet in packets:
        clip.add(packet)
    left = tmp_path / "left.part"
    written = part_path(clip.path).read_bytes()
    clip.discard()
    for cut in (0, 1000, 7):
        left.write_bytes(written[: len(written) - cut])
        whole_clip(left, tmp_path / f"{cut}.mp4")
        times, _ = _shown(tmp_path / f"{cut}.mp4")
        assert len(times) >= 4 * GOP  # the last group may be lost, the others are there
        assert times == pytest.approx([index / FPS for index in range(len(times))], abs=0.002)


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"no video at all"])
def test_what_is_no_clip_is_refused_and_left_where_it_was(tmp_path: Path, content: bytes) -> None:
    left = tmp_path / "left.part"
    left.write_bytes(content)
    with pytest.raises(ClipError, match=r"left\.part: cannot be made a whole clip"):
        whole_clip(left, tmp_path / "clip.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["left.part"]


@pytest.mark.parametrize(("suffix", "expected"), [(".mp4", ["h264", "aac"]), (".ts", ["h264"])])
def test_avi_plays_and_keeps_the_sound_that_it_can_hold(tmp_path: Path, suffix: str, expected: list[str]) -> None:
    take, packets = _read(_write(tmp_path / f"camera{suffix}", 4, "libx264", frames_between=0))
    first = next(place for place, one in enumerate(packets) if one.stream == 0)
    write_avi(tmp_path / "clip.avi", take, packets[first:])
    assert _kinds(tmp_path / "clip.avi") == expected
    assert len(_shown(tmp_path / "clip.avi")[0]) == 60


def test_avi_of_hevc_is_refused(tmp_path: Path) -> None:
    take, packets = _read(_write(tmp_path / "camera.mkv", 1, "libx265", has_sound=False))
    with pytest.raises(ClipError, match=r"clip\.avi: expected video that AVI can hold, got hevc: ask for mp4"):
        write_avi(tmp_path / "clip.avi", take, packets)
    assert not (tmp_path / "clip.avi").exists()
