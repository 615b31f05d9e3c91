"""The API over a storage in memory, without sockets."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from fl_server.api.application import app_on
from fl_server.config import ServerConfig
from fl_server.storage import Storage
from tests.unit.fl_server.memory_storage import memory_storage, report

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Coordinator:
    """An application that answers calls made in this process."""

    def __init__(self, storage: Storage | None = None, config: ServerConfig | None = None) -> None:
        self._app = app_on(storage or memory_storage(), config or ServerConfig())

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:  # noqa: ANN401
        """One request and its response."""
        return asyncio.run(self._call(method, path, token, more))

    async def _call(self, method: str, path: str, token: str | None, more: dict[str, Any]) -> httpx.Response:
        more["headers"] = {**more.get("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **more)

    def register(self, name: str = "store42") -> str:
        """Registers a site and returns its token."""
        return str(self.call("POST", "/v1/sites", json={"name": name}).json()["token"])


@pytest.fixture
def coordinator() -> Coordinator:
    return Coordinator()


def _error(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["message"]


def test_registration_is_answered_once_or_to_the_holder(coordinator: Coordinator) -> None:
    first = coordinator.call("POST", "/v1/sites", json={"name": "store42"})
    assert first.status_code == 201
    again = coordinator.call("POST", "/v1/sites", first.json()["token"], json={"name": "store42"})
    assert (again.status_code, again.json()) == (200, first.json())
    stranger = coordinator.call("POST", "/v1/sites", json={"name": "store42"})
    assert _error(stranger) == (409, "conflict", "site store42 is already registered: present its token to use it")


@pytest.mark.parametrize("token", [None, "x" * 43])
def test_site_call_without_a_known_token_is_refused(coordinator: Coordinator, token: str | None) -> None:
    response = coordinator.call("POST", "/v1/alerts", token, json=report().model_dump(mode="json"))
    assert _error(response) == (401, "unknown_token", "expected the bearer token of a registered site")
    assert response.headers["www-authenticate"] == "Bearer"


def test_token_of_the_wrong_form_is_refused(coordinator: Coordinator) -> None:
    response = coordinator.call("GET", "/v1/feedback", "short")
    assert _error(response) == (
        422,
        "malformed",
        "expected a bearer token of 43 to 128 letters, digits, - and _",
    )


def test_repeated_alert_is_answered_200(coordinator: Coordinator) -> None:
    token, body = coordinator.register(), report().model_dump(mode="json")
    assert [coordinator.call("POST", "/v1/alerts", token, json=body).status_code for _ in range(2)] == [201, 200]
    assert len(coordinator.call("GET", "/v1/alerts").json()["alerts"]) == 1
    assert coordinator.call("GET", f"/v1/alerts/{body['alert_id']}").json()["report"] == body


def test_bad_body_is_refused_with_its_place_and_without_its_text(coordinator: Coordinator) -> None:
    token, body = coordinator.register(), report().model_dump(mode="json")
    response = coordinator.call("POST", "/v1/alerts", token, json={**body, "severity_score": 7.125, "extra": 1})
    status, code, message = _error(response)
    assert (status, code) == (422, "invalid")
    assert "body.severity_score: Input should be less than or equal to 1" in message
    assert "body.extra: Extra inputs are not permitted" in message
    assert "7.125" not in message


def test_feedback_reaches_the_site_that_raised_the_alert(coordinator: Coordinator) -> None:
    token, other, body = coordinator.register(), coordinator.register("store7"), report().model_dump(mode="json")
    coordinator.call("POST", "/v1/alerts", token, json=body)
    path = f"/v1/alerts/{body['alert_id']}/feedback"
    said = coordinator.call("POST", path, json={"label": "false", "kind": "shadow"}).json()
    assert coordinator.call("GET", "/v1/feedback?after=0", token).json()["items"] == [said]
    assert coordinator.call("GET", "/v1/feedback", other).json()["items"] == []
    assert coordinator.call("GET", "/v1/alerts?label=none").json()["alerts"] == []
    assert len(coordinator.call("GET", "/v1/alerts?label=false").json()["alerts"]) == 1


def test_form_labels_an_alert_and_leads_back_to_it(coordinator: Coordinator) -> None:
    token, body = coordinator.register(), report().model_dump(mode="json")
    coordinator.call("POST", "/v1/alerts", token, json=body)
    path = f"/alerts/{body['alert_id']}/feedback"
    form = {"label": "confirmed", "shown": "none", "site": "store42", "before": ""}
    response = coordinator.call("POST", path, data=form, headers={"Origin": "http://127.0.0.1"})
    assert response.status_code == 303
    assert response.headers["location"] == f"/?label=none&site=store42#alert-{body['alert_id']}"
    page = coordinator.call("GET", "/")
    assert 'value="confirmed" aria-pressed="true"' in page.text


@pytest.mark.parametrize("content", [b"", b"label=perhaps", b"label=false&shown=some", b"\xff", b"label=false&x=1"])
def test_form_that_is_not_ours_is_refused(coordinator: Coordinator, content: bytes) -> None:
    response = coordinator.call("POST", f"/alerts/{report().alert_id}/feedback", content=content, headers=FORM)
    assert _error(response)[:2] == (422, "malformed")


def test_forged_form_changes_nothing(coordinator: Coordinator) -> None:
    token, body = coordinator.register(), report().model_dump(mode="json")
    coordinator.call("POST", "/v1/alerts", token, json=body)
    path, headers = f"/alerts/{body['alert_id']}/feedback", {"Origin": "http://evil.example"}
    response = coordinator.call("POST", path, data={"label": "false"}, headers=headers)
    assert _error(response) == (403, "foreign_origin", "expected a request from the coordinator's own page")
    assert len(coordinator.call("GET", "/v1/alerts?label=none").json()["alerts"]) == 1


@pytest.mark.parametrize(("path", "host"), [("/", "127.0.0.1"), ("/nowhere", "127.0.0.1"), ("/", "evil.example")])
def test_every_response_forbids_scripts_and_frames(coordinator: Coordinator, path: str, host: str) -> None:
    response = coordinator.call("GET", path, headers={"Host": host})
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"


def test_unknown_paths_and_methods_have_the_same_error_form(coordinator: Coordinator) -> None:
    assert _error(coordinator.call("GET", "/nowhere")) == (404, "not_found", "Not Found")
    assert _error(coordinator.call("PUT", "/v1/sites")) == (405, "method_not_allowed", "Method Not Allowed")
    assert _error(coordinator.call("GET", "/v1/models/latest")) == (404, "not_found", "no model is published yet")


def test_health_names_version_and_database(coordinator: Coordinator) -> None:
    health = coordinator.call("GET", "/v1/health").json()
    assert (health["status"], health["database"]) == ("ok", "ok")


def test_database_that_does_not_answer_is_said_so() -> None:
    coordinator = Coordinator(Storage(sa.create_engine("sqlite:////nonexistent/edgeguard.db"), Path("/nonexistent")))
    health = coordinator.call("GET", "/v1/health")
    assert (health.status_code, health.json()["status"], health.json()["database"]) == (503, "degraded", "unreachable")
    response = coordinator.call("GET", "/v1/alerts")
    message = "the database does not answer: try again in a few seconds"
    assert _error(response) == (503, "database_unavailable", message)
    assert response.headers["retry-after"] == "5"


def test_failure_nobody_expected_tells_the_caller_nothing_of_it() -> None:
    def broken_clock() -> dt.datetime:
        raise RuntimeError("the battery is at fault")

    storage = memory_storage()
    coordinator = Coordinator(Storage(storage.engine, storage.folder, broken_clock))
    assert _error(coordinator.call("GET", "/")) == (500, "internal", "the coordinator failed; its log says why")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content-Type": "image/png"}, 415), ({"Content-Type": "video/mp4", "Content-Length": "99999999"}, 413)],
)
def test_clip_is_refused_before_it_is_read(coordinator: Coordinator, headers: dict[str, str], status: int) -> None:
    token, body = coordinator.register(), report(clip_digest="b" * 64).model_dump(mode="json")
    coordinator.call("POST", "/v1/alerts", token, json=body)
    path = f"/v1/alerts/{body['alert_id']}/clip"
    assert coordinator.call("PUT", path, token, content=b"x", headers=headers).status_code == status


def test_reference_names_every_path_and_needs_no_script(coordinator: Coordinator) -> None:
    schema, page = coordinator.call("GET", "/openapi.json").json(), coordinator.call("GET", "/docs").text
    assert len(schema["paths"]) == 13
    assert all(path in page for path in schema["paths"])
    assert all(f'id="{name}"' in page for name in schema["components"]["schemas"])
    assert "<script" not in page
