"""The program of one camera, with real processes and real deaths."""

import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from fl_client.capture.dialogue import Begin, ClipFinished, Report, Watch
from fl_client.capture.frame_sender import WAITING_FRAMES
from fl_client.capture.source import Source
from fl_client.capture.wire import Wish
from fl_client.errors import SourceError
from fl_client.program import Program
from tests.fakes.videos import decoded_times, write_video
from tests.fakes.watched_stream import WatchedStream

FPS = 10.0


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "video.webm", 4.0, fps=25)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    return folder


def pid_of(stream: WatchedStream) -> int:
    assert stream.keeper.program is not None
    return stream.keeper.program.pid


def test_fast_file_is_decoded_whole_and_handed_over_at_the_analysis_rate(video: Path, clips: Path) -> None:
    with WatchedStream(Source(str(video), FPS, start_s=1000.0, is_fast=True), clips) as stream:
        frames = stream.to_the_end()
        counts = stream.keeper.counts
    assert (counts.num_decoded, counts.num_dropped, counts.num_warnings) == (100, 0, 0)
    assert counts.num_bytes == pytest.approx(video.stat().st_size, rel=0.1)
    assert abs(len(frames) - 40) <= 1
    assert frames[0].instant_s == 1000.0
    assert frames[-1].instant_s == pytest.approx(1003.96, abs=0.1)
    assert frames[0].picture.shape == (240, 320)
    assert 20 <= frames[0].picture.mean() <= 40


def test_paced_file_takes_its_time_and_drops_what_comes_too_late(video: Path, clips: Path) -> None:
    began = time.monotonic()
    with WatchedStream(Source(str(video), FPS), clips) as stream:
        stream.next_frame()
        stream.is_reading = False  # a reader that is busy for longer than frames wait
        stream.until(lambda: time.monotonic() - began > 3.5, "end of the pause")
        stream.is_reading = True
        frames = stream.to_the_end()
        counts = stream.keeper.counts
    assert time.monotonic() - began == pytest.approx(4.5, abs=1.5)
    assert counts.num_dropped >= 10
    assert len(frames) >= WAITING_FRAMES
    assert counts.num_dropped + len(frames) == pytest.approx(40, abs=1)
    assert [frame.instant_s for frame in frames] == sorted(frame.instant_s for frame in frames)


def test_wide_picture_is_handed_over_at_most_640_wide(tmp_path: Path, clips: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = np.zeros((90, 1280, 3), np.uint8)
    with av.open(str(folder / "000.png"), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1280, 90, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    (folder / "001.png").write_bytes(b"not a picture")
    with WatchedStream(Source(str(folder), FPS, is_fast=True), clips) as watched:
        assert [frame.picture.shape for frame in watched.to_the_end()] == [(44, 640)]
        assert watched.keeper.counts.num_warnings == 1


@pytest.mark.parametrize(("name", "codec"), [("video.webm", "libvpx"), ("video.avi", "mpeg4"), ("video.mkv", "mpeg4")])
def test_file_cut_off_is_watched_as_far_as_it_decodes(tmp_path: Path, clips: Path, name: str, codec: str) -> None:
    whole = write_video(tmp_path / name, 10.0, codec=codec)
    cut = tmp_path / f"cut-{name}"
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 6 // 10])
    with WatchedStream(Source(str(cut), FPS, is_fast=True), clips) as stream:
        assert 40 <= len(stream.to_the_end()) <= 70
        assert stream.keeper.counts.num_warnings >= 1


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"just some words\n" * 50, "cannot be opened as video"), (b"\0" * 100_000, "cannot be opened"), (b"", "empty")],
)
def test_file_that_is_no_video_is_refused(tmp_path: Path, clips: Path, content: bytes, words: str) -> None:
    (tmp_path / "notes.mp4").write_bytes(content)
    with pytest.raises(SourceError, match=words):
        WatchedStream(Source(str(tmp_path / "notes.mp4"), FPS), clips)


def test_playlist_that_names_another_file_is_not_followed(tmp_path: Path, clips: Path, video: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{video}\n#EXT-X-ENDLIST\n")
    with pytest.raises(SourceError, match="cannot be opened as video"):
        WatchedStream(Source(str(playlist), FPS), clips)


def test_program_that_dies_of_sigsegv_fails_its_file_and_names_the_signal(video: Path, clips: Path) -> None:
    with WatchedStream(Source(str(video), FPS), clips) as stream:
        stream.next_frame()
        os.kill(pid_of(stream), signal.SIGSEGV)
        with pytest.raises(SourceError, match=r"video\.webm: the decoder died of SIGSEGV"):
            stream.to_the_end()


def test_stopping_ends_the_program(video: Path, clips: Path) -> None:
    with WatchedStream(Source(str(video), FPS), clips) as stream:
        pid = pid_of(stream)
        stream.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("has_begun", [False, True])
def test_program_ends_when_the_box_is_gone(video: Path, clips: Path, *, has_begun: bool) -> None:
    program = Program("fl_client.capture.camera_program")
    program.channel.send(Watch(Source(str(video), FPS), clips, 8.0, "open"))
    assert program.channel.receive() is not None
    if has_begun:
        program.channel.send(Begin())
        assert program.channel.receive() is not None
    assert program.cause_of_end(5.0) is None  # closes the channel, as a box that dies does


@pytest.mark.parametrize(
    ("wish", "least", "most"), [(Wish(True, 10.0), 25, 31), (Wish(True, 5.0), 12, 18), (Wish(False, 10.0), 2, 8)]
)
def test_inference_program_gets_as_many_pictures_of_a_quiet_scene_as_it_wishes(
    tmp_path: Path, clips: Path, wish: Wish, least: int, most: int
) -> None:
    """What it wishes is heard while the film goes on; three of its last seconds are counted."""
    film = write_video(tmp_path / "still.mp4", 7.0, codec="libx264", still_from_s=0.0)
    with WatchedStream(Source(str(film), FPS, start_s=100.0), clips) as stream:
        stream.next_frame()
        stream.wish(wish)
        frames = stream.to_the_end()
    assert least <= len([one for one in frames if 103.5 <= one.instant_s < 106.5]) <= most


def test_film_at_full_speed_has_every_picture_looked_at_whatever_is_wished(video: Path, clips: Path) -> None:
    with WatchedStream(Source(str(video), FPS, is_fast=True), clips) as stream:
        stream.next_frame()
        stream.wish(Wish(is_busy=False, rate_fps=2.5))
        assert len(stream.to_the_end()) == pytest.approx(40, abs=1)


def finished(reports: list[Report]) -> list[ClipFinished]:
    return [one for one in reports if isinstance(one, ClipFinished)]


@pytest.mark.parametrize(
    ("name", "codec", "suffix"),
    [("camera.mp4", "libx264", ".mp4"), ("camera.mkv", "libx265", ".mp4"), ("camera.avi", "mpeg4", ".webm")],
)
def test_clips_are_cut_while_the_camera_is_watched(
    tmp_path: Path, clips: Path, name: str, codec: str, suffix: str
) -> None:
    """Two at a time; of codecs that browsers know the camera's own packets, of others its pictures encoded."""
    first, second = "a" * 36, "b" * 36
    source = Source(str(write_video(tmp_path / name, 12.0, codec=codec)), FPS, start_s=100.0, is_fast=True)
    with WatchedStream(source, clips) as stream:
        stream.until(lambda: bool(stream.frames) and stream.frames[-1].instant_s >= 106.0, "frame")
        stream.keeper.cut_clip(first, 103.0)
        stream.until(lambda: stream.frames[-1].instant_s >= 107.0, "frame")
        stream.keeper.cut_clip(second, 105.0)
        stream.until(lambda: stream.frames[-1].instant_s >= 109.0, "frame")
        stream.keeper.end_clip(first, 109.0)
        stream.to_the_end()
        told = {one.alert_id: one for one in finished(stream.reports)}
    assert set(told) == {first, second}
    for alert_id, expected_s in ((first, 6.0), (second, 7.0)):
        path = clips / f"{alert_id}{suffix}"
        assert told[alert_id].digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert expected_s - 0.2 <= decoded_times(path)[-1] <= expected_s + 3.2  # from the keyframe before
    assert sorted(path.suffix for path in clips.iterdir()) == [suffix, suffix]


def test_clip_of_a_folder_that_cannot_be_written_is_said(video: Path, tmp_path: Path) -> None:
    with WatchedStream(Source(str(video), FPS, is_fast=True), tmp_path / "none") as stream:
        stream.next_frame()
        stream.keeper.cut_clip("a" * 36, 0.0)
        stream.to_the_end()
        (told,) = finished(stream.reports)
    assert told.digest is None
    assert told.problem.endswith("cannot be written (No such file or directory)")


@pytest.fixture
def slow_camera(tmp_path: Path) -> Iterator[str]:
    """An HTTP stream that sends four seconds of video in as long."""
    stream = write_video(tmp_path / "stream.ts", 4.0, codec="mpeg2video", fps=25).read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            for start in range(0, len(stream), len(stream) // 80):
                try:
                    self.wfile.write(stream[start : start + len(stream) // 80])
                except OSError:
                    return
                time.sleep(0.05)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://guard:secret@127.0.0.1:{server.server_port}/stream.ts"
    server.shutdown()
    thread.join()
    server.server_close()


def test_live_source_goes_on_after_its_program_died_of_sigsegv(
    slow_camera: str, clips: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with WatchedStream(Source(slow_camera, FPS), clips) as stream:
        before = stream.next_frame()
        os.kill(pid_of(stream), signal.SIGSEGV)
        stream.until(lambda: stream.keeper.num_restarts > 0, "restart")
        after = stream.next_frame()
        stream.stop()
    assert after.instant_s > before.instant_s
    assert abs(after.instant_s - time.time()) < 5.0
    reasons = [str(vars(record)["reason"]) for record in caplog.records if record.message == "decoder restarts"]
    assert reasons[0].endswith("the decoder died of SIGSEGV")
    assert "secret" not in caplog.text + reasons[0]


def test_live_source_without_a_frame_for_too_long_is_restarted(
    slow_camera: str, clips: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with WatchedStream(Source(slow_camera, FPS), clips, no_frame_s=2.0) as stream:
        stream.next_frame()
        os.kill(pid_of(stream), signal.SIGSTOP)
        stream.until(lambda: stream.keeper.num_restarts > 0, "restart")
        stream.next_frame()
        stream.stop()
    reasons = [str(vars(record)["reason"]) for record in caplog.records if record.message == "decoder restarts"]
    assert reasons[0] == "no frame for 2 s"


def test_camera_that_is_not_there_is_waited_for(clips: Path) -> None:
    with WatchedStream(Source("rtsp://127.0.0.1:9/none", FPS), clips) as stream:
        stream.until(lambda: stream.keeper.num_restarts > 0, "restart")
        assert not stream.keeper.has_ended
        assert stream.frames == []


def test_clip_that_is_open_when_the_camera_goes_away_is_finished(slow_camera: str, clips: Path) -> None:
    with WatchedStream(Source(slow_camera, FPS), clips) as stream:
        stream.next_frame()
        stream.keeper.cut_clip("a" * 36, 0.0)
        stream.until(lambda: bool(finished(stream.reports)), "clip")  # the stream ends after four seconds
        assert stream.keeper.num_restarts <= 1
        stream.stop()
    assert finished(stream.reports)[0].digest is not None
    assert 2.0 <= decoded_times(clips / f"{'a' * 36}.webm")[-1] <= 5.0


def test_camera_program_starts_without_the_heavy_libraries() -> None:
    heavy = "{'torch', 'flwr', 'onnxruntime', 'scipy', 'httpx'}"
    program = f"import sys, fl_client.capture.camera_program; sys.exit(str({heavy} & set(sys.modules) or ''))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.stderr.strip() == ""
