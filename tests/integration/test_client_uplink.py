"""A real client and a real coordinator: alerts and clips up, feedback and models down, outages in between."""

import contextlib
import datetime as dt
import hashlib
import json
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from fl_client.storage.database import open_database
from fl_client.storage.outbox import FeedbackCursor, Outbox
from fl_server.storage.database import open_storage
from fl_server.storage.models import publish_model
from tests.fakes.brightness_pipeline import DEADLY
from tests.fakes.videos import write_video

PATIENCE_S = 30.0
TIMEOUT_S = 90.0
NOBODY_LISTENS = "http://127.0.0.1:9"


@contextlib.contextmanager
def coordinator(folder: Path) -> Iterator[httpx.Client]:
    """``python -m fl_server`` on a free port, and a client to it."""
    command = [sys.executable, "-m", "fl_server", "--port", "0", "--state", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        with httpx.Client(base_url=address, timeout=30.0) as client:
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)


def bright_client(options: dict[str, object]) -> subprocess.Popen[str]:
    """Starts the client around the brightness pipeline."""
    command = [sys.executable, "-m", "tests.fakes.bright_client", json.dumps({"site": "store42", **options})]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_to_end(options: dict[str, object]) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Summary and log lines of a client that must end well."""
    process = bright_client(options)
    output, log = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, log
    return json.loads(output), [json.loads(line) for line in log.splitlines()]


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {PATIENCE_S} s")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 s, bright at 6 and 20 s."""
    return write_video(tmp_path_factory.mktemp("video") / "eventful.webm", 30.0, [(6, 7), (20, 21)])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def options(eventful: Path, state: Path) -> dict[str, object]:
    return {"source": str(eventful), "state_dir": str(state), "is_fast": True, "learn_for_s": 0.0}


def test_unreachable_coordinator_costs_nothing_and_gets_everything_later(
    tmp_path: Path, state: Path, options: dict[str, object]
) -> None:
    summary, log = run_to_end({**options, "coordinator": NOBODY_LISTENS})
    assert (summary["alerts"], summary["clips"]) == (2, 2)
    outages = [line for line in log if line["message"] == "coordinator does not take deliveries; queueing"]
    assert len(outages) == 1
    with contextlib.closing(open_database(state / "client.sqlite")) as database:
        assert len(Outbox(database)) == 6
    with coordinator(tmp_path / "server") as client:
        run_to_end({**options, "learn_for_s": 90.0, "coordinator": str(client.base_url)})
        stored = client.get("/v1/alerts").raise_for_status().json()["alerts"]
        assert [alert["has_clip"] for alert in stored] == [True, True]
        for alert in stored:
            report = json.loads((state / "alerts" / f"{alert['report']['alert_id']}.json").read_text())
            assert alert["report"] == report
            clip = client.get(f"/v1/alerts/{report['alert_id']}/clip").raise_for_status().content
            assert hashlib.sha256(clip).hexdigest() == report["clip_digest"]
    with contextlib.closing(open_database(state / "client.sqlite")) as database:
        assert Outbox(database).first() is None
    assert stat.S_IMODE((state / "token").stat().st_mode) == 0o600


def test_name_taken_by_another_site_is_said_once_and_everything_stays_queued(
    tmp_path: Path, state: Path, options: dict[str, object]
) -> None:
    with coordinator(tmp_path / "server") as client:
        client.post("/v1/sites", json={"name": "store42"}).raise_for_status()
        summary, log = run_to_end({**options, "coordinator": str(client.base_url)})
    assert summary["alerts"] == 2
    assert len([line for line in log if line["level"] == "error"]) == 1
    with contextlib.closing(open_database(state / "client.sqlite")) as database:
        assert len(Outbox(database)) == 6


@pytest.mark.parametrize(("bad", "most_dropped"), [(b"bad model", 0), (DEADLY, 40)])
def test_feedback_and_models_reach_a_client_while_it_watches(
    tmp_path: Path, state: Path, options: dict[str, object], bad: bytes, most_dropped: int
) -> None:
    """A model that is refused costs no picture; one that kills whoever loads it costs those until the next is there."""
    with coordinator(tmp_path / "server") as client:
        address = str(client.base_url)
        run_to_end({**options, "coordinator": address})
        first, second = (alert["report"]["alert_id"] for alert in client.get("/v1/alerts").json()["alerts"])
        client.post(f"/v1/alerts/{first}/feedback", json={"label": "false"}).raise_for_status()
        client.post(f"/v1/alerts/{second}/feedback", json={"label": "confirmed"}).raise_for_status()
        good = b"good model"
        _publish(tmp_path / "server", bad)
        process = bright_client({**options, "coordinator": address, "is_fast": False, "learn_for_s": 90.0})
        good_path = state / "models" / f"{hashlib.sha256(good).hexdigest()}.onnx"
        time.sleep(3.0)
        _publish(tmp_path / "server", good)
        wait_until(good_path.exists, "new model")
        time.sleep(0.5)
        process.terminate()
        output, log = process.communicate(timeout=TIMEOUT_S)
    lines = [json.loads(line) for line in log.splitlines()]
    applied = [(line["alert_id"], line["label"]) for line in lines if line["message"] == "feedback applied"]
    assert applied == [(first, "false"), (second, "confirmed")]
    (refused,) = [line for line in lines if line["message"] == "new model refused; the previous one stays"]
    assert refused["model_digest"] == hashlib.sha256(bad).hexdigest()
    summary = json.loads(output)
    assert summary["model_digest"] == hashlib.sha256(good).hexdigest()
    assert isinstance(summary["dropped"], int)
    assert summary["dropped"] <= most_dropped
    assert [path.name for path in (state / "models").glob("*.onnx")] == [good_path.name]
    with contextlib.closing(open_database(state / "client.sqlite")) as database:
        assert FeedbackCursor(database).position == 2


def _publish(server_state: Path, content: bytes) -> None:
    storage = open_storage(None, server_state)
    publish_model(storage, content, {"made": dt.datetime.now(dt.UTC).isoformat()}, round_number=1)
    storage.close()
