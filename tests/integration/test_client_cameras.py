"""Several cameras of one site in one run: sources of the description, two streams, and programs that are killed."""

import hashlib
import itertools
import json
import signal
from pathlib import Path
from typing import Any

import av
import pytest

from tests.fakes.videos import write_video
from tests.integration.test_client_run import (
    START,
    alerts_in,
    bright_client,
    num_stored_alerts,
    program_of,
    run_to_end,
    wait_until,
)


def site_file(folder: Path, *sources: dict[str, str]) -> Path:
    cameras = [{"name": f"camera-{index}", "source": one} for index, one in enumerate(sources)]
    path = folder / "site.yaml"
    path.write_text(json.dumps({"name": "store42", "cameras": cameras}))  # JSON is YAML
    return path


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    state = str(tmp_path / "state")
    return {"state_dir": state, "learn_for_s": 0.0, "start": START.isoformat(), "is_fast": True}


def test_every_camera_has_its_own_events_and_clips(tmp_path: Path, options: dict[str, Any]) -> None:
    for index, bright in enumerate([(8, 9), (10, 11), (100, 101)]):
        write_video(tmp_path / f"{index}.mp4", 20.0, [bright], codec="libx264")
    described = site_file(tmp_path, *({"address": f"{index}.mp4"} for index in range(3)))
    status, summary, log = run_to_end(bright_client(options | {"site_file": str(described)}))
    assert status == 0, log
    assert (summary["frames"], summary["analysed"], summary["alerts"], summary["clips"]) == (600, 600, 2, 2)
    alerts = alerts_in(tmp_path / "state")
    assert [(one.camera, one.started_utc.second) for one in alerts] == [("camera-0", 8), ("camera-1", 10)]
    for one in alerts:
        clip = tmp_path / "state" / "clips" / f"{one.alert_id}.mp4"
        assert hashlib.sha256(clip.read_bytes()).hexdigest() == one.clip_digest


def test_one_camera_of_several_is_watched_alone(tmp_path: Path, options: dict[str, Any]) -> None:
    write_video(tmp_path / "1.mp4", 10.0, [(4, 5)], codec="libx264")
    described = site_file(tmp_path, {"address": "missing.mp4"}, {"address": "1.mp4"})
    command = options | {"site_file": str(described), "camera": "camera-1"}
    status, summary, log = run_to_end(bright_client(command))
    assert (status, summary["frames"], summary["alerts"]) == (0, 100, 1), log


def test_small_stream_is_analysed_and_the_large_one_is_recorded(tmp_path: Path, options: dict[str, Any]) -> None:
    write_video(tmp_path / "sub.mp4", 16.0, [(6, 7)], codec="libx264")
    write_video(tmp_path / "main.mp4", 16.0, [(6, 7)], codec="libx265", fps=20)
    described = site_file(tmp_path, {"address": "sub.mp4", "record_address": "main.mp4"})
    paced = {"site_file": str(described), "is_fast": False}
    status, summary, log = run_to_end(bright_client(options | paced))
    assert status == 0, log
    assert (summary["frames"], summary["alerts"], summary["clips"]) == (160, 1, 1)
    (alert,) = alerts_in(tmp_path / "state")
    with av.open(str(tmp_path / "state" / "clips" / f"{alert.alert_id}.mp4")) as clip:
        assert clip.streams.video[0].codec_context.name == "hevc"
        assert clip.streams.video[0].average_rate == pytest.approx(20.0, rel=0.05)
        shown = [(float(frame.time or 0.0), frame.to_ndarray(format="gray").mean()) for frame in clip.decode(video=0)]
    bright_s = [time_s for time_s, brightness in shown if brightness > 128]
    assert bright_s[-1] - bright_s[0] == pytest.approx(1.0, abs=0.1)
    assert 4.0 <= bright_s[0] <= 7.5  # five seconds before, and back to a keyframe; the streams began at about one time
    assert 4.0 <= shown[-1][0] - bright_s[-1] <= 8.0


def test_two_streams_of_files_at_full_speed_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    described = site_file(tmp_path, {"address": "sub.mp4", "record_address": "main.mp4"})
    status, _, log = run_to_end(bright_client(options | {"site_file": str(described)}))
    words = "is_fast: camera camera-0 has a record_address, and two streams cannot be watched at full speed"
    assert (status, log) == (2, f"error: {words}\n")


def test_recording_goes_on_when_the_inference_program_is_killed(tmp_path: Path, options: dict[str, Any]) -> None:
    write_video(tmp_path / "a.mp4", 25.0, [(2, 3), (18, 19)], codec="libx264")
    described = site_file(tmp_path, {"address": "a.mp4"})
    process = bright_client(options | {"site_file": str(described), "is_fast": False})
    state = tmp_path / "state"
    wait_until(lambda: num_stored_alerts(state) == 1, "alert")
    program_of(process, "tests.fakes.bright_inference").send_signal(signal.SIGKILL)
    status, summary, log = run_to_end(process)
    assert status == 0, log
    assert "inference program restarts" in log
    assert (summary["alerts"], summary["clips"]) == (2, 2)
    first, second = alerts_in(state)
    assert (second.started_utc - START).total_seconds() == pytest.approx(18.0, abs=0.3)
    for one in (first, second):
        with av.open(str(state / "clips" / f"{one.alert_id}.mp4")) as clip:
            times = [float(frame.time or 0.0) for frame in clip.decode(video=0)]
        steps = [later - before for before, later in itertools.pairwise(times) if later < times[-1] - 0.5]
        assert max(steps) < 0.15  # without a gap; at the end a picture may be there for those between


def test_camera_whose_program_is_killed_fails_alone(tmp_path: Path, options: dict[str, Any]) -> None:
    for index in range(2):
        write_video(tmp_path / f"{index}.mp4", 12.0, [(2, 3), (8, 9)], codec="libx264")
    described = site_file(tmp_path, {"address": "0.mp4"}, {"address": "1.mp4"})
    process = bright_client(options | {"site_file": str(described), "is_fast": False})
    wait_until(lambda: num_stored_alerts(tmp_path / "state") == 2, "alerts")
    program_of(process, "fl_client.capture.camera_program").send_signal(signal.SIGKILL)
    status, _, log = run_to_end(process)
    assert status == 2
    assert log.splitlines()[-1].endswith("the decoder died of SIGKILL")
    alerts = alerts_in(tmp_path / "state")
    assert sorted(one.started_utc.second for one in alerts) == [2, 2, 8]
    assert all(one.clip_digest for one in alerts)


def test_source_of_the_description_that_is_not_there_leaves_nothing(tmp_path: Path, options: dict[str, Any]) -> None:
    described = site_file(tmp_path, {"address": "missing.mp4"})
    status, _, log = run_to_end(bright_client(options | {"site_file": str(described)}))
    assert (status, log) == (2, f"error: {tmp_path / 'missing.mp4'}: no such file or folder\n")
    assert not (tmp_path / "state").exists()
