"""The whole client as a process of its own: what it writes, how it ends, and what survives a kill.

What scores the frames is the brightness pipeline, so that each run says exactly which alerts must come out.
"""

import contextlib
import datetime as dt
import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fl_client.storage.database import open_database
from fl_client.storage.state_folder import open_state_folder
from fl_protocol.messages import AlertReport
from tests.fakes.brightness_pipeline import DEADLY, DEFAULT_DIGEST
from tests.fakes.videos import decoded_times, write_video

START = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
PATIENCE_S = 30.0
TIMEOUT_S = 90.0


def bright_client(options: dict[str, object]) -> subprocess.Popen[str]:
    """Starts the client around the brightness pipeline."""
    command = [sys.executable, "-m", "tests.fakes.bright_client", json.dumps({"site": "store42", **options})]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_to_end(process: subprocess.Popen[str]) -> tuple[int, dict[str, object], str]:
    """Exit status, summary and log of a client; the summary is empty where there was none."""
    output, log = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, json.loads(output) if output else {}, log


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {PATIENCE_S} s")
        time.sleep(0.05)


def alerts_in(state: Path) -> list[AlertReport]:
    reports = [AlertReport.model_validate_json(path.read_bytes()) for path in (state / "alerts").glob("*.json")]
    return sorted(reports, key=lambda report: report.started_utc)


def program_of(process: subprocess.Popen[str], module: str) -> psutil.Process:
    """The first program of a client that runs a module."""
    return next(one for one in psutil.Process(process.pid).children() if module in one.cmdline())


def num_stored_alerts(state: Path) -> int:
    """Alerts in the database, complete or not; 0 while there is no database."""
    if not (state / "client.sqlite").exists():
        return 0
    database = open_database(state / "client.sqlite")
    with contextlib.closing(database), database.transaction() as connection:
        return int(connection.execute("SELECT COUNT(*) FROM alerts").fetchone()[0])


def after_start(report: AlertReport) -> tuple[float, float]:
    return (report.started_utc - START).total_seconds(), (report.ended_utc - START).total_seconds()


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 s: bright at 1 s (while learning), at 12 and 17 s (one event), and at 30 s."""
    path = tmp_path_factory.mktemp("video") / "eventful.webm"
    return write_video(path, 40.0, [(1, 2), (12, 14), (17, 18), (30, 31)])


@pytest.fixture(scope="module")
def long_event(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 s, bright from 1 s on."""
    return write_video(tmp_path_factory.mktemp("video") / "long.webm", 30.0, [(1, 30)])


def clip_length_s(state: Path, report: AlertReport) -> float:
    """Length of an alert's clip, which begins with the keyframe before; its digest is checked on the way."""
    clip = state / "clips" / f"{report.alert_id}.webm"
    assert hashlib.sha256(clip.read_bytes()).hexdigest() == report.clip_digest
    return decoded_times(clip)[-1]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def options(state: Path) -> dict[str, object]:
    return {"state_dir": str(state), "learn_for_s": 0.0, "start": START.isoformat()}


def test_events_become_alerts_with_clips_from_five_seconds_before_to_five_after(
    eventful: Path, state: Path, options: dict[str, object]
) -> None:
    changes = {"source": str(eventful), "is_fast": True, "learn_for_s": 5.0}
    status, summary, log = run_to_end(bright_client({**options, **changes}))
    assert status == 0, log
    assert (summary["frames"], summary["analysed"], summary["dropped"]) == (400, 400, 0)
    assert (summary["alerts"], summary["clips"], summary["decode_warnings"]) == (2, 2, 0)
    assert (summary["model_digest"], summary["learning_s"]) == (DEFAULT_DIGEST, pytest.approx(4.9, abs=0.2))
    merged, last = alerts_in(state)
    assert after_start(merged) == pytest.approx((12.0, 17.9), abs=0.15)
    assert after_start(last) == pytest.approx((30.0, 30.9), abs=0.15)
    assert 5 + 6 + 5 - 0.4 <= clip_length_s(state, merged) <= 5 + 6 + 5 + 2.4
    assert 5 + 1 + 5 - 0.4 <= clip_length_s(state, last) <= 5 + 1 + 5 + 2.4


def test_file_cut_off_is_watched_as_far_as_it_decodes(
    eventful: Path, tmp_path: Path, state: Path, options: dict[str, object]
) -> None:
    cut = tmp_path / "cut.webm"
    cut.write_bytes(eventful.read_bytes()[: eventful.stat().st_size * 7 // 10])
    status, summary, log = run_to_end(
        bright_client({**options, "source": str(cut), "is_fast": True, "learn_for_s": 5.0})
    )
    assert status == 0, log
    assert summary["decode_warnings"] == 1
    assert "source is damaged; watched as far as it decodes" in log
    assert after_start(alerts_in(state)[0]) == pytest.approx((12.0, 17.9), abs=0.15)


def test_sigterm_finishes_the_open_clip_and_ends_well(
    long_event: Path, state: Path, options: dict[str, object]
) -> None:
    process = bright_client({**options, "source": str(long_event)})
    wait_until(lambda: num_stored_alerts(state) == 1, "alert")
    time.sleep(1.0)
    process.send_signal(signal.SIGTERM)
    status, summary, log = run_to_end(process)
    assert status == 0, log
    assert (summary["alerts"], summary["clips"]) == (1, 1)
    (report,) = alerts_in(state)
    assert clip_length_s(state, report) == pytest.approx(after_start(report)[1], abs=0.5)
    assert sorted(path.suffix for path in (state / "clips").iterdir()) == [".webm"]


def test_alert_of_a_killed_client_is_completed_by_the_next(
    long_event: Path, eventful: Path, state: Path, options: dict[str, object]
) -> None:
    process = bright_client({**options, "source": str(long_event)})
    wait_until(lambda: num_stored_alerts(state) == 1, "alert")
    time.sleep(2.5)  # past a keyframe: what is in a clip before its second one was not written yet
    process.kill()
    process.communicate()
    assert alerts_in(state) == []
    status, summary, log = run_to_end(
        bright_client({**options, "source": str(eventful), "is_fast": True, "learn_for_s": 90.0})
    )
    assert (status, summary["alerts"]) == (0, 0), log
    (report,) = alerts_in(state)
    assert after_start(report)[0] == pytest.approx(1.0, abs=0.15)
    assert clip_length_s(state, report) > 0.5  # what was written of it
    assert [path.suffix for path in (state / "clips").iterdir()] == [".webm"]


def test_decoder_that_dies_of_sigsegv_ends_the_client_with_one_line_and_keeps_its_alerts(
    long_event: Path, state: Path, options: dict[str, object]
) -> None:
    process = bright_client({**options, "source": str(long_event)})
    wait_until(lambda: num_stored_alerts(state) == 1, "alert")
    time.sleep(2.5)
    program_of(process, "fl_client.capture.camera_program").send_signal(signal.SIGSEGV)
    status, summary, log = run_to_end(process)
    assert (status, summary) == (2, {})
    errors = [line for line in log.splitlines() if not line.startswith("{")]
    assert errors == [f"error: {long_event}: the decoder died of SIGSEGV"]
    (report,) = alerts_in(state)
    assert clip_length_s(state, report) > 0.0


def test_two_clients_never_share_a_state_folder(long_event: Path, state: Path, options: dict[str, object]) -> None:
    with open_state_folder(state):
        status, _, log = run_to_end(bright_client({**options, "source": str(long_event)}))
    assert (status, log) == (2, f"error: {state}: state folder is in use by another client\n")


def test_damaged_model_is_not_used_after_a_restart(eventful: Path, state: Path, options: dict[str, object]) -> None:
    digest = hashlib.sha256(b"good model").hexdigest()
    (state / "models").mkdir(parents=True)
    (state / "models" / "current").write_text(digest)
    (state / "models" / f"{digest}.onnx").write_bytes(b"good model")
    changes = {"source": str(eventful), "is_fast": True, "learn_for_s": 90.0}
    _, summary, _ = run_to_end(bright_client({**options, **changes}))
    assert summary["model_digest"] == digest
    (state / "models" / f"{digest}.onnx").write_bytes(b"good mod")
    status, summary, log = run_to_end(bright_client({**options, **changes}))
    assert (status, summary["model_digest"]) == (0, DEFAULT_DIGEST)
    assert "stored model is damaged; using the shipped default" in log


def test_stored_model_that_kills_whoever_loads_it_is_given_up(
    eventful: Path, state: Path, options: dict[str, object]
) -> None:
    digest = hashlib.sha256(DEADLY).hexdigest()
    (state / "models").mkdir(parents=True)
    (state / "models" / "current").write_text(digest)
    (state / "models" / f"{digest}.onnx").write_bytes(DEADLY)
    changes = {"source": str(eventful), "is_fast": True, "learn_for_s": 5.0}
    status, summary, log = run_to_end(bright_client({**options, **changes}))
    assert (status, summary["alerts"], summary["model_digest"]) == (0, 2, DEFAULT_DIGEST), log
    assert "stored model is refused; using the shipped default" in log
    assert "3 programs died of it" in log


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("missing.mp4", "no such file or folder"),
        ("empty", "no pictures in this folder"),
        ("notes.mp4", "cannot be opened as video"),
        ("ftp://host/file", "expected a path or a URL"),
    ],
)
def test_bad_source_is_one_line_and_leaves_nothing(tmp_path: Path, source: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.mp4").write_text("just some words\n" * 50)
    before = sorted(tmp_path.rglob("*"))
    address = source if "://" in source else str(tmp_path / source)
    command = [sys.executable, "-m", "fl_client", "--site", "demo", "--source", address, "--state", str(tmp_path / "s")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert result.returncode == 2
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    assert result.stderr.startswith("error: ")
    assert words in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("option", ["--detector", "--pose"])
def test_what_is_no_model_is_refused_before_anything_is_written(eventful: Path, tmp_path: Path, option: str) -> None:
    text, state = tmp_path / "text.onnx", tmp_path / "s"
    text.write_text("just some words")
    command = [sys.executable, "-m", "fl_client", "--site", "demo", "--source", str(eventful), "--state", str(state)]
    result = subprocess.run(
        [*command, option, str(text)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"error: {text}: not an ONNX model, or damaged\n"
    assert not state.exists()


def test_camera_that_freezes_raises_an_alert_with_its_clip(tmp_path: Path) -> None:
    video = write_video(tmp_path / "door.webm", 80.0, still_from_s=30.0)
    options = {"source": str(video), "state_dir": str(tmp_path / "state"), "is_fast": True, "learn_for_s": 600.0}
    status, summary, log = run_to_end(bright_client(options | {"start": START.isoformat()}))
    assert (status, summary["alerts"]) == (0, 1), log
    (alert,) = alerts_in(tmp_path / "state")
    assert alert.why == "Camera frozen: it repeats the same picture."
    assert 55.0 <= (alert.started_utc - START).total_seconds() <= 62.0
    assert alert.clip_digest is not None
