"""A real RTSP camera: watched, switched off and on again, and its program killed."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from fl_client.capture.dialogue import ClipFinished
from fl_client.capture.source import Source
from tests.fakes.watched_stream import WatchedStream

SYSTEM_PYTHON = "/usr/bin/python3"
_IMPORTS = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; "
    "Gst.init(None); assert Gst.ElementFactory.find('x264enc') and Gst.ElementFactory.find('voaacenc')"
)


def has_gstreamer() -> bool:
    if not Path(SYSTEM_PYTHON).exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", _IMPORTS], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not has_gstreamer(),
    reason="NOT TESTED: no RTSP server here; apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi "
    "gstreamer1.0-plugins-{base,good,bad,ugly}",
)


@contextlib.contextmanager
def camera(port: int, sound: str = "aac") -> Iterator[None]:
    """The camera, switched on inside the block."""
    program = Path(__file__).parents[1] / "fakes" / "rtsp_camera.py"
    process = subprocess.Popen([SYSTEM_PYTHON, str(program), str(port), sound], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def instants(stream: WatchedStream, count: int) -> list[float]:
    """The instants of the next frames."""
    seen = len(stream.frames)
    stream.until(lambda: len(stream.frames) >= seen + count, f"{count} frames")
    return [frame.instant_s for frame in stream.frames[seen:]]


@pytest.mark.parametrize("sound", ["aac", "g711"])
def test_camera_is_watched_at_the_analysis_rate_by_the_clock_and_its_own_packets_are_cut(
    port: int, tmp_path: Path, sound: str
) -> None:
    with camera(port, sound), WatchedStream(Source(f"rtsp://127.0.0.1:{port}/camera", 10.0), tmp_path) as stream:
        instants(stream, 5)
        stream.keeper.cut_clip("a" * 36, stream.frames[-1].instant_s)
        seen = instants(stream, 30)
        stream.keeper.end_clip("a" * 36, seen[-1] + 1.0)
        stream.until(lambda: any(isinstance(one, ClipFinished) for one in stream.reports), "clip")
        assert stream.keeper.num_restarts == 0
        stream.stop()
    assert abs(seen[-1] - time.time()) < 10.0
    assert 29 / (seen[-1] - seen[0]) == pytest.approx(10.0, rel=0.3)
    with av.open(str(tmp_path / f"{'a' * 36}.mp4")) as clip:
        assert [one.codec_context.name for one in clip.streams] == ["h264", "aac"]
        times = [float(frame.time or 0.0) for frame in clip.decode(video=0)]
    with av.open(str(tmp_path / f"{'a' * 36}.mp4")) as clip:
        sound_s = [float(frame.time or 0.0) for frame in clip.decode(audio=0)]
    assert 3.0 <= times[-1] <= 8.0
    assert np.diff(times).max() < 0.3
    assert sound_s[-1] == pytest.approx(times[-1], abs=0.7)


def test_watching_goes_on_after_camera_and_program_died(port: int, tmp_path: Path) -> None:
    with WatchedStream(Source(f"rtsp://127.0.0.1:{port}/camera", 10.0), tmp_path) as stream:
        with camera(port):
            instants(stream, 3)
            before = stream.keeper.num_restarts
            assert stream.keeper.program is not None
            os.kill(stream.keeper.program.pid, signal.SIGSEGV)
            instants(stream, 10)
            assert stream.keeper.num_restarts == before + 1
        stream.until(lambda: stream.keeper.num_restarts > before + 1, "restart")
        with camera(port):
            instants(stream, 10)
            stream.stop()
