"""Decoding in a child process, with real processes and real deaths."""

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
import cv2
import numpy as np
import pytest

from fl_client.capture.camera_feed import QUEUE_FRAMES, CameraFeed
from fl_client.capture.decoder_process import DecoderProcess
from fl_client.capture.source import Source, check_path
from fl_client.capture.wire import CapturedFrame
from fl_client.errors import SourceError
from tests.fakes.videos import write_video

FPS = 10.0
PATIENCE_S = 20.0


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "video.webm", 4.0, fps=25)


def opened(source: Source, no_frame_s: float = 20.0) -> CameraFeed:
    check_path(source)
    feed = CameraFeed(source, no_frame_s)
    feed.start()
    return feed


def all_frames(feed: CameraFeed) -> list[CapturedFrame]:
    frames = []
    while not feed.is_finished:
        frame = feed.next_frame(1.0)
        frames += [frame] if frame is not None else []
    feed.close()
    return frames


def wait_for_frame(feed: CameraFeed) -> CapturedFrame:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        frame = feed.next_frame(0.5)
        if frame is not None:
            return frame
    raise AssertionError(f"no frame within {PATIENCE_S} s")


def wait_for_restart(feed: CameraFeed) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while feed.num_restarts == 0 and time.monotonic() < deadline:
        feed.next_frame(0.1)
    assert feed.num_restarts > 0


def test_fast_file_is_decoded_whole_and_handed_over_at_the_analysis_rate(video: Path) -> None:
    feed = opened(Source(str(video), FPS, start_s=1000.0, is_fast=True))
    frames = all_frames(feed)
    assert (feed.num_decoded, feed.num_dropped, feed.num_warnings) == (100, 0, 0)
    assert abs(len(frames) - 40) <= 1
    assert frames[0].instant_s == 1000.0
    assert frames[-1].instant_s == pytest.approx(1003.96, abs=0.1)
    assert frames[0].picture.shape == (240, 320, 3)
    assert 20 <= frames[0].picture.mean() <= 40


def test_paced_file_takes_its_time_and_drops_what_comes_too_late(video: Path) -> None:
    feed = opened(Source(str(video), FPS))
    began = time.monotonic()
    frames = [wait_for_frame(feed)]
    time.sleep(3.8)  # a reader that is busy for longer than the queue lasts
    frames += all_frames(feed)
    assert time.monotonic() - began == pytest.approx(4.0, abs=1.0)
    assert feed.num_dropped >= 2
    assert len(frames) >= QUEUE_FRAMES
    assert feed.num_dropped + len(frames) == pytest.approx(40, abs=1)
    assert [frame.instant_s for frame in frames] == sorted(frame.instant_s for frame in frames)


def test_a_decoder_that_ended_may_still_be_told_to_go_on(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "000.png"), np.zeros((90, 120, 3), np.uint8))
    decoder = DecoderProcess(Source(str(tmp_path), FPS, is_fast=True))
    while decoder.read(30.0) is not None:
        pass
    assert decoder.cause_of_end() is None
    decoder.go_on()


def test_wide_picture_is_handed_over_at_most_640_wide(tmp_path: Path) -> None:
    picture = np.zeros((90, 1280, 3), np.uint8)
    with av.open(str(tmp_path / "000.png"), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1280, 90, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    (tmp_path / "001.png").write_bytes(b"not a picture")
    feed = opened(Source(str(tmp_path), FPS, is_fast=True))
    assert [frame.picture.shape for frame in all_frames(feed)] == [(44, 640, 3)]
    assert feed.num_warnings == 1


@pytest.mark.parametrize(("name", "codec"), [("video.webm", "libvpx"), ("video.avi", "mpeg4"), ("video.mkv", "mpeg4")])
def test_file_cut_off_is_watched_as_far_as_it_decodes(tmp_path: Path, name: str, codec: str) -> None:
    whole = write_video(tmp_path / name, 10.0, codec=codec)
    cut = tmp_path / f"cut-{name}"
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 6 // 10])
    feed = opened(Source(str(cut), FPS, is_fast=True))
    assert 40 <= len(all_frames(feed)) <= 70
    assert feed.num_warnings >= 1


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"just some words\n" * 50, "cannot be opened as video"), (b"\0" * 100_000, "cannot be opened"), (b"", "empty")],
)
def test_file_that_is_no_video_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "notes.mp4").write_bytes(content)
    with pytest.raises(SourceError, match=words):
        opened(Source(str(tmp_path / "notes.mp4"), FPS))


def test_playlist_that_names_another_file_is_not_followed(tmp_path: Path, video: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{video}\n#EXT-X-ENDLIST\n")
    with pytest.raises(SourceError, match="cannot be opened as video"):
        opened(Source(str(playlist), FPS))


def test_decoder_that_dies_of_sigsegv_fails_its_file_and_names_the_signal(video: Path) -> None:
    feed = opened(Source(str(video), FPS))
    wait_for_frame(feed)
    assert feed.decoder_pid is not None
    os.kill(feed.decoder_pid, signal.SIGSEGV)
    with pytest.raises(SourceError, match=r"video\.webm: the decoder died of SIGSEGV"):
        all_frames(feed)
    feed.close()


def test_closing_ends_the_decoder(video: Path) -> None:
    feed = opened(Source(str(video), FPS, is_fast=True))
    pid = feed.decoder_pid
    assert pid is not None
    feed.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


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


def test_live_source_goes_on_after_its_decoder_died_of_sigsegv(
    slow_camera: str, caplog: pytest.LogCaptureFixture
) -> None:
    feed = opened(Source(slow_camera, FPS))
    before = wait_for_frame(feed)
    assert feed.decoder_pid is not None
    os.kill(feed.decoder_pid, signal.SIGSEGV)
    wait_for_restart(feed)
    after = wait_for_frame(feed)
    feed.close()
    assert after.instant_s > before.instant_s
    assert abs(after.instant_s - time.time()) < 5.0
    reasons = [str(vars(record)["reason"]) for record in caplog.records if record.message == "decoder restarts"]
    assert reasons[0].endswith("the decoder died of SIGSEGV")
    assert "secret" not in caplog.text + reasons[0]


def test_live_source_without_a_frame_for_too_long_is_restarted(slow_camera: str) -> None:
    feed = opened(Source(slow_camera, FPS), no_frame_s=2.0)
    wait_for_frame(feed)
    assert feed.decoder_pid is not None
    os.kill(feed.decoder_pid, signal.SIGSTOP)
    wait_for_restart(feed)
    wait_for_frame(feed)
    feed.close()


def test_camera_that_is_not_there_is_waited_for() -> None:
    feed = opened(Source("rtsp://127.0.0.1:9/none", FPS))
    wait_for_restart(feed)
    assert not feed.is_finished
    assert feed.next_frame(0.1) is None
    feed.close()


def test_death_of_the_decoder_is_not_missed_by_a_busy_reader(video: Path) -> None:
    feed = opened(Source(str(video), FPS))
    wait_for_frame(feed)
    assert feed.decoder_pid is not None
    os.kill(feed.decoder_pid, signal.SIGSEGV)
    time.sleep(1.0)  # the reader looks away; when it looks again everything is over
    with pytest.raises(SourceError, match="SIGSEGV"):
        all_frames(feed)
    feed.close()


def test_decoder_starts_without_the_heavy_libraries() -> None:
    heavy = "{'torch', 'flwr', 'cv2', 'onnxruntime', 'scipy', 'pydantic', 'httpx'}"
    program = f"import sys, fl_client.capture.decoder; sys.exit(str({heavy} & set(sys.modules) or ''))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.stderr.strip() == ""
