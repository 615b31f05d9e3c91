"""A real coordinator process: what it accepts survives a kill, what it refuses leaves nothing behind."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

ROOT = Path(__file__).parents[2]
CLIP = bytes(range(256)) * 40
CLIP_DIGEST = hashlib.sha256(CLIP).hexdigest()
WEBM = {"Content-Type": "video/webm"}


class CoordinatorProcess:
    """``python -m fl_server`` on a free port, and a client to it. A context manager."""

    def __init__(self, state: Path, *options: str) -> None:
        command = [sys.executable, "-m", "fl_server", "--port", "0", "--state", str(state), *options]
        with (state.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
        if self._process.stdout is None:
            raise RuntimeError("expected a pipe")
        self.address = str(json.loads(self._process.stdout.readline())["address"])
        self.client = httpx.Client(base_url=self.address, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop(signal.SIGKILL)

    def stop(self, number: signal.Signals) -> int:
        """Sends a signal and returns the exit status."""
        self.client.close()
        if self._process.poll() is None:
            self._process.send_signal(number)
        status = self._process.wait(timeout=30)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status

    def register(self, name: str = "store42") -> dict[str, str]:
        """Registers a site; returns the headers of its calls."""
        token = self.client.post("/v1/sites", json={"name": name}).raise_for_status().json()["token"]
        return {"Authorization": f"Bearer {token}"}

    def send_alert(self, site: dict[str, str], clip_digest: str | None = None) -> str:
        """Sends a new alert and returns its ``alert_id``."""
        body = _report(clip_digest)
        self.client.post("/v1/alerts", json=body, headers=site).raise_for_status()
        return str(body["alert_id"])

    def alert_ids(self) -> set[str]:
        """Every alert the coordinator lists."""
        page = self.client.get("/v1/alerts", params={"limit": 500}).raise_for_status().json()
        ids = [str(alert["report"]["alert_id"]) for alert in page["alerts"]]
        assert len(ids) == len(set(ids))
        return set(ids)


def _report(clip_digest: str | None = None) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "alert_id": str(uuid.uuid4()),
        "camera": "till-2",
        "started_utc": "2026-03-01T22:00:00Z",
        "ended_utc": "2026-03-01T22:00:09Z",
        "operational_state": "closed",
        "zone": "Staff door",
        "severity_score": 0.81,
        "score": 4.25,
        "why": "Person after closing.",
        "model_digest": "a" * 64,
        "peak_box": [0.1, 0.2, 0.3, 0.9],
        "clip_digest": clip_digest,
    }


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[CoordinatorProcess, Path]]:
    """One coordinator for the tests that do not stop it, on either database."""
    config = tmp_path_factory.mktemp("config") / "server.yaml"
    settings = "max_clip_bytes: 20000\ntime_zone: Europe/Berlin\n"
    if request.param == "postgresql":
        settings += f"database: {request.getfixturevalue('postgres').new_database()}\n"
    config.write_text(settings)
    state = tmp_path_factory.mktemp("coordinator") / "state"
    with CoordinatorProcess(state, "--config", str(config)) as coordinator:
        yield coordinator, state


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _error(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["message"]


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fl_server", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_what_was_accepted_survives_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state"
    accepted: set[str] = set()
    with CoordinatorProcess(state) as coordinator:
        site = coordinator.register()

        def send_until_killed() -> None:
            with contextlib.suppress(httpx.TransportError), httpx.Client(base_url=coordinator.address) as client:
                while True:
                    body = _report()
                    client.post("/v1/alerts", json=body, headers=site).raise_for_status()
                    accepted.add(body["alert_id"])
                    if len(accepted) == 30:
                        os.kill(coordinator._process.pid, signal.SIGKILL)

        with ThreadPoolExecutor(4) as senders:
            for sender in [senders.submit(send_until_killed) for _ in range(4)]:
                sender.result()
    assert len(accepted) >= 30
    with CoordinatorProcess(state) as again:
        assert accepted <= again.alert_ids()
        repeated = accepted.pop()
        again.client.post(f"/v1/alerts/{repeated}/feedback", json={"label": "false"}).raise_for_status()
        news = again.client.get("/v1/feedback", headers=site).raise_for_status().json()
        assert [entry["alert_id"] for entry in news["items"]] == [repeated]
        assert again.stop(signal.SIGTERM) == 0


def test_kill_during_an_upload_leaves_no_part_behind(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with CoordinatorProcess(state) as coordinator:
        site = coordinator.register()
        alert_id = coordinator.send_alert(site, CLIP_DIGEST)

        def clip_that_is_cut_short() -> Iterator[bytes]:
            yield CLIP[:5000]
            while not _files(state / "incoming"):
                pass
            coordinator._process.send_signal(signal.SIGKILL)
            coordinator._process.wait()
            yield CLIP[5000:]

        with pytest.raises(httpx.TransportError):
            coordinator.client.put(f"/v1/alerts/{alert_id}/clip", content=clip_that_is_cut_short(), headers=site | WEBM)
    assert len(_files(state / "incoming")) == 1
    with CoordinatorProcess(state) as again:
        assert not again.client.get(f"/v1/alerts/{alert_id}").json()["has_clip"]
        assert _files(state / "incoming") == []  # cleared before the first request is answered
        again.client.put(f"/v1/alerts/{alert_id}/clip", content=CLIP, headers=site | WEBM).raise_for_status()
        assert again.client.get(f"/v1/alerts/{alert_id}/clip").content == CLIP


def test_alert_sent_at_once_by_many_counts_once(shared: tuple[CoordinatorProcess, Path]) -> None:
    coordinator, _ = shared
    site, body = coordinator.register("at-once"), _report()

    def send(_: int) -> int:
        return coordinator.client.post("/v1/alerts", json=body, headers=site).status_code

    with ThreadPoolExecutor(8) as senders:
        statuses = sorted(senders.map(send, range(16)))
    assert statuses == [200] * 15 + [201]
    listed = coordinator.client.get("/v1/alerts", params={"site": "at-once"}).json()["alerts"]
    assert [alert["report"] for alert in listed] == [body]


def test_feedback_given_at_once_is_numbered_without_gaps(shared: tuple[CoordinatorProcess, Path]) -> None:
    coordinator, _ = shared
    site = coordinator.register("numbered")
    alert_ids = [coordinator.send_alert(site) for _ in range(12)]

    def label(alert_id: str) -> None:
        coordinator.client.post(f"/v1/alerts/{alert_id}/feedback", json={"label": "false"}).raise_for_status()

    with ThreadPoolExecutor(6) as operators:
        list(operators.map(label, alert_ids))
    entries = coordinator.client.get("/v1/feedback", headers=site).json()["items"]
    assert [entry["sequence"] for entry in entries] == list(range(1, 13))
    assert {entry["alert_id"] for entry in entries} == set(alert_ids)


def test_clip_comes_back_whole_and_by_range(shared: tuple[CoordinatorProcess, Path]) -> None:
    coordinator, state = shared
    site = coordinator.register("ranges")
    alert_id = coordinator.send_alert(site, CLIP_DIGEST)
    path = f"/v1/alerts/{alert_id}/clip"
    assert _error(coordinator.client.get(path)) == (404, "not_found", f"there is no clip of alert {alert_id}")
    for _ in range(2):
        stored = coordinator.client.put(path, content=CLIP, headers=site | WEBM)
        assert (stored.status_code, stored.json()["has_clip"]) == (200, True)
    whole = coordinator.client.get(path)
    assert (whole.content, whole.headers["content-type"]) == (CLIP, "video/webm")
    part = coordinator.client.get(path, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, CLIP[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(CLIP)}"
    assert CLIP_DIGEST in _files(state / "clips")
    assert (state / "clips").stat().st_mode & 0o077 == 0


def _chunks() -> Iterator[bytes]:
    for _ in range(30):
        yield bytes(1000)


@pytest.mark.parametrize(
    ("content", "status", "code", "message"),
    [
        (bytes(20001), 413, "too_large", "expected a clip of at most 20000 bytes, got 20001"),
        (_chunks, 413, "too_large", "expected a clip of at most 20000 bytes, got more"),
        (CLIP[:-1] + b"x", 422, "wrong_digest", f"expected a clip with SHA-256 {CLIP_DIGEST}, got "),
        (CLIP[:-1], 422, "wrong_digest", f"expected a clip with SHA-256 {CLIP_DIGEST}, got "),
    ],
)
def test_refused_clip_leaves_nothing_behind(
    shared: tuple[CoordinatorProcess, Path],
    content: bytes | Callable[[], Iterator[bytes]],
    status: int,
    code: str,
    message: str,
) -> None:
    coordinator, state = shared
    site = coordinator.register(f"refused-{uuid.uuid4()}")
    alert_id = coordinator.send_alert(site, CLIP_DIGEST)
    before = _files(state / "clips")
    response = coordinator.client.put(
        f"/v1/alerts/{alert_id}/clip", content=content() if callable(content) else content, headers=site | WEBM
    )
    assert _error(response)[:2] == (status, code)
    assert _error(response)[2].startswith(message)
    assert _files(state / "clips") == before
    assert _files(state / "incoming") == []
    assert not coordinator.client.get(f"/v1/alerts/{alert_id}").json()["has_clip"]


def test_clip_of_another_site_or_kind_is_refused(shared: tuple[CoordinatorProcess, Path]) -> None:
    coordinator, _ = shared
    site, other = coordinator.register("owner"), coordinator.register("stranger")
    path = f"/v1/alerts/{coordinator.send_alert(site, CLIP_DIGEST)}/clip"
    assert _error(coordinator.client.put(path, content=CLIP, headers=other | WEBM))[:2] == (404, "not_found")
    assert _error(coordinator.client.put(path, content=CLIP, headers=WEBM))[:2] == (401, "unknown_token")
    html = coordinator.client.put(path, content=CLIP, headers=site | {"Content-Type": "text/html"})
    assert _error(html) == (415, "media_type", "expected a Content-Type of video/webm or video/mp4")


def test_operator_labels_through_the_page(shared: tuple[CoordinatorProcess, Path]) -> None:
    coordinator, _ = shared
    site = coordinator.register("labelled")
    alert_id = coordinator.send_alert(site)
    assert f'action="/alerts/{alert_id}/feedback"' in coordinator.client.get("/?site=labelled").text
    path, form = f"/alerts/{alert_id}/feedback", {"label": "false", "shown": "all", "site": "labelled", "before": ""}
    forged = coordinator.client.post(path, data=form, headers={"Origin": "http://evil.example"})
    assert _error(forged) == (403, "foreign_origin", "expected a request from the coordinator's own page")
    assert coordinator.client.get("/v1/feedback", headers=site).json()["items"] == []
    own = {"Origin": coordinator.address, "Sec-Fetch-Site": "same-origin"}
    done = coordinator.client.post(path, data=form, headers=own, follow_redirects=True)
    assert (done.status_code, [one.status_code for one in done.history]) == (200, [303])
    assert '<button name="label" value="false" aria-pressed="true">' in done.text
    assert [entry["label"] for entry in coordinator.client.get("/v1/feedback", headers=site).json()["items"]] == [
        "false"
    ]


def test_foreign_host_is_refused(shared: tuple[CoordinatorProcess, Path]) -> None:
    coordinator, _ = shared
    response = coordinator.client.get("/", headers={"Host": "evil.example"})
    assert _error(response)[:2] == (421, "foreign_host")


_PUBLISH = """
import datetime as dt, sys
from pathlib import Path
from fl_protocol.messages import ClosedRound
from fl_server.storage import open_storage, publish_model
from fl_server.storage.rounds import put_round
name = sys.argv[2]
storage = open_storage(None, Path(sys.argv[1]))
for number in range(1, 21):
    model = publish_model(storage, f"{name}-{number}".encode() * 1000, {"by": name}, number)
    with storage.writing() as session:
        put_round(session, ClosedRound(training_id=name, round_number=number, closed_utc=dt.datetime.now(dt.UTC),
            num_sites=2, loss=0.5, auc=None, bytes_up=10, model_digest=model.digest))
"""


def test_two_processes_publish_at_once_while_the_coordinator_serves(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    publishers = [
        subprocess.Popen([sys.executable, "-c", _PUBLISH, str(state), name], cwd=ROOT) for name in ("run-a", "run-b")
    ]
    with CoordinatorProcess(state) as coordinator:  # all three start on an empty folder
        assert [one.wait(timeout=60) for one in publishers] == [0, 0]
        rounds = coordinator.client.get("/v1/rounds").json()["rounds"]
        assert {(one["training_id"], one["round_number"]) for one in rounds} == {
            (name, number) for name in ("run-a", "run-b") for number in range(1, 21)
        }
        for one in rounds:
            model = coordinator.client.get(f"/v1/models/{one['model_digest']}")
            assert hashlib.sha256(model.content).hexdigest() == one["model_digest"]
            assert model.headers["etag"] == f'"{one["model_digest"]}"'
            assert "immutable" in model.headers["cache-control"]
        latest = coordinator.client.get("/v1/models/latest").json()
        assert latest["round_number"] == 20
        assert latest["card"]["by"] in ("run-a", "run-b")
        path, etag = f"/v1/models/{latest['digest']}", {"If-None-Match": f'"{latest["digest"]}"'}
        assert coordinator.client.get(path, headers=etag).status_code == 304
        assert _error(coordinator.client.get(f"/v1/models/{'0' * 64}"))[:2] == (404, "not_found")


def test_port_in_use_ends_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _run("--port", str(port), "--state", str(tmp_path / "state"))
    assert done.returncode == 2
    assert done.stderr == f"error: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert done.stdout == ""
    assert not (tmp_path / "state").exists()


def test_unusable_state_or_database_ends_with_one_line(tmp_path: Path) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("no folder")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "edgeguard.db").write_text("this is no database" * 100)
    cases = [
        (["--state", str(occupied)], f"error: cannot use the state folder {occupied}: File exists\n"),
        (
            ["--state", str(tmp_path / "state")],
            f"error: cannot use the database sqlite:///{tmp_path}/state/edgeguard.db: file is not a database\n",
        ),
        (
            ["--state", str(tmp_path / "fresh"), "--database", "sqlite://"],
            "error: expected a SQLite file: a database in memory would lose every alert\n",
        ),
    ]
    for options, expected in cases:
        done = _run("--port", "0", *options)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


def test_listening_beyond_this_machine_needs_consent(tmp_path: Path) -> None:
    done = _run("--host", "0.0.0.0", "--port", "0", "--state", str(tmp_path / "state"))  # noqa: S104  refused
    assert done.returncode == 2
    assert done.stderr.startswith("error: host 0.0.0.0 can be reached from other machines and the operator's page has")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "state").exists()
