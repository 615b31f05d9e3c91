"""What is refused before a body is read."""

import pytest
from starlette.datastructures import Headers

from fl_protocol.messages import MAX_BODY_BYTES
from fl_server.api.request_guard import check_request
from fl_server.errors import ForeignHostError, ForeignOriginError, LengthMissingError, TooLargeError

NAMES = frozenset({"127.0.0.1", "::1", "coordinator.example"})


def _check(method: str, path: str = "/v1/alerts", **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    check_request(method, path, Headers({"host": "127.0.0.1:8080", **named}), NAMES)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "Coordinator.Example:443"])
def test_own_names_pass(host: str) -> None:
    _check("GET", host=host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example", "evil.example:127.0.0.1", "[::1", "[::2]"]
)
def test_rebound_name_is_refused(host: str) -> None:
    with pytest.raises(ForeignHostError, match="expected a Host this coordinator is called by"):
        _check("GET", host=host)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin", "origin": "null"},
        {"origin": "http://127.0.0.1:8080"},
    ],
)
def test_own_page_and_programs_may_post(headers: dict[str, str]) -> None:
    _check("POST", **headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": "http://127.0.0.1:8080"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"origin": ""},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_forged_post_of_another_site_is_refused(method: str, headers: dict[str, str]) -> None:
    with pytest.raises(ForeignOriginError, match="expected a request from the coordinator's own page"):
        _check(method, **headers)


def test_following_a_link_from_elsewhere_is_fine() -> None:
    _check("GET", sec_fetch_site="cross-site")


def test_body_is_bounded_before_it_is_read() -> None:
    _check("POST", content_length=str(MAX_BODY_BYTES))
    for length in (str(MAX_BODY_BYTES + 1), "-1", "9" * 30, "x"):
        with pytest.raises(TooLargeError, match=f"expected a body of at most {MAX_BODY_BYTES} bytes"):
            _check("POST", content_length=length)


def test_body_without_length_is_refused_except_a_clip() -> None:
    with pytest.raises(LengthMissingError, match="expected a body with Content-Length"):
        _check("POST", transfer_encoding="chunked")
    _check("PUT", path="/v1/alerts/x/clip", transfer_encoding="chunked")
    _check("PUT", path="/v1/alerts/x/clip", content_length=str(MAX_BODY_BYTES + 1))
