"""What the client makes of the coordinator's answers."""

import json
from collections.abc import Callable

import httpx
import pytest

from context.event import Event, Observation
from fl_client.errors import RefusedError, UnreachableError
from fl_client.recording.alert_report import report_of
from fl_client.uplink.coordinator import Coordinator
from fl_protocol.registration import SiteCredential

TOKEN = "t" * 64
ALERT_ID = "3e576314-0673-4c7c-9556-81e98620480b"
PEAK = Observation(10.0, 0.8, operational_state="open")
REPORT = report_of(Event(PEAK, PEAK, 11.0), ALERT_ID, "door", "a" * 64)
Answer = Callable[[httpx.Request], httpx.Response]


def coordinator(answer: Answer) -> Coordinator:
    client = httpx.Client(base_url="https://coordinator.example/base", transport=httpx.MockTransport(answer))
    return Coordinator(client, "store42", SiteCredential(TOKEN))


def always(status: int, content: bytes = b"") -> Answer:
    return lambda _: httpx.Response(status, content=content)


def test_site_registers_once_with_its_own_token() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json={"schema_version": 1, "site": "store42", "token": TOKEN})

    site = coordinator(answer)
    site.register()
    site.register()
    assert site.is_registered
    assert len(requests) == 1
    assert requests[0].url.path == "/base/v1/sites"
    assert requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(requests[0].content) == {"schema_version": 1, "name": "store42"}


def test_box_on_a_roster_sends_its_proof() -> None:
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(201, json={"schema_version": 1, "site": "store42", "token": TOKEN})

    client = httpx.Client(base_url="https://coordinator.example", transport=httpx.MockTransport(answer))
    Coordinator(client, "store42", SiteCredential(TOKEN, "a" * 128)).register()
    assert [json.loads(body) for body in bodies] == [{"schema_version": 1, "name": "store42", "proof": "a" * 128}]


def test_coordinator_that_no_longer_knows_the_site_is_asked_for_its_place_again() -> None:
    known: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/sites"):
            known.append("store42")
            return httpx.Response(201, json={"schema_version": 1, "site": "store42", "token": TOKEN})
        return httpx.Response(200 if len(known) > 1 else 401)

    site = coordinator(answer)
    site.register()
    with pytest.raises(UnreachableError, match="status 401"):
        site.send_alert(REPORT)
    assert not site.is_registered
    site.register()
    site.send_alert(REPORT)
    assert known == ["store42"] * 2


@pytest.mark.parametrize("status", [401, 403, 404, 408, 421, 429, 500, 502, 503])
def test_only_a_clear_no_costs_an_alert(status: int) -> None:
    with pytest.raises(UnreachableError):
        coordinator(always(status)).send_alert(REPORT)


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_clear_no_is_final_and_says_why(status: int) -> None:
    with pytest.raises(RefusedError, match=f"POST /v1/alerts: status {status}: too odd"):
        coordinator(always(status, b"too\nodd")).send_alert(REPORT)


def test_redirect_is_not_followed() -> None:
    with pytest.raises(UnreachableError, match="302"):
        coordinator(always(302)).send_alert(REPORT)


def test_no_answer_is_to_be_tried_again_and_shows_no_address() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("coordinator.example refused", request=request)

    with pytest.raises(UnreachableError, match=r"^POST /v1/alerts: ConnectError$"):
        coordinator(answer).send_alert(REPORT)


def test_answer_that_is_no_message_is_not_believed() -> None:
    with pytest.raises(UnreachableError, match="expected FeedbackPage"):
        coordinator(always(200, b"<html>welcome to our proxy</html>")).feedback_after(0)


def test_clip_of_an_alert_the_coordinator_lost_is_given_up() -> None:
    with pytest.raises(RefusedError, match="no longer has the alert"):
        coordinator(always(404)).send_clip(ALERT_ID, b"clip", "video/mp4")


def test_no_model_yet_is_no_error() -> None:
    assert coordinator(always(404)).latest_model() is None


def test_model_larger_than_its_bound_is_not_read_to_the_end() -> None:
    with pytest.raises(RefusedError, match="larger than 10 bytes"):
        coordinator(always(200, b"x" * 11)).model("a" * 64, max_bytes=10)
