"""A real RTSP camera: watched, switched off and on again, and its decoder killed."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fl_client.capture.camera_feed import CameraFeed
from fl_client.capture.source import Source

SYSTEM_PYTHON = "/usr/bin/python3"
PATIENCE_S = 30.0
_IMPORTS = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


def has_gstreamer() -> bool:
    if not Path(SYSTEM_PYTHON).exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", _IMPORTS], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not has_gstreamer(),
    reason="NOT TESTED: no RTSP server here; apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good",
)


@contextlib.contextmanager
def camera(port: int) -> Iterator[None]:
    """The camera, switched on inside the block."""
    program = Path(__file__).parents[1] / "fakes" / "rtsp_camera.py"
    process = subprocess.Popen([SYSTEM_PYTHON, str(program), str(port)], stdout=subprocess.PIPE)
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


def instants(feed: CameraFeed, count: int) -> list[float]:
    """The instants of the next frames."""
    deadline, seen = time.monotonic() + PATIENCE_S, list[float]()
    while len(seen) < count:
        assert time.monotonic() < deadline, f"{len(seen)} of {count} frames within {PATIENCE_S} s"
        frame = feed.next_frame(0.5)
        seen += [frame.instant_s] if frame is not None else []
    return seen


def test_camera_is_watched_at_the_analysis_rate_by_the_clock(port: int) -> None:
    with camera(port):
        feed = CameraFeed(Source(f"rtsp://127.0.0.1:{port}/camera", 10.0))
        feed.start()
        instants(feed, 5)
        seen = instants(feed, 30)
        feed.close()
    assert abs(seen[-1] - time.time()) < 10.0
    assert 29 / (seen[-1] - seen[0]) == pytest.approx(10.0, rel=0.3)
    assert feed.num_restarts == 0


def test_watching_goes_on_after_camera_and_decoder_died(port: int) -> None:
    feed = CameraFeed(Source(f"rtsp://127.0.0.1:{port}/camera", 10.0))
    with camera(port):
        feed.start()
        instants(feed, 3)
        assert feed.decoder_pid is not None
        os.kill(feed.decoder_pid, signal.SIGSEGV)
        instants(feed, 10)
        assert feed.num_restarts == 1
    while feed.num_restarts < 2:
        feed.next_frame(0.1)
    with camera(port):
        instants(feed, 10)
        feed.close()
