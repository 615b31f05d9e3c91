"""What is refused before a body is read."""

import pytest
from starlette.datastructures import Headers

from fl_protocol.messages import MAX_BODY_BYTES
from fl_server.api.request_guard import check_request
from fl_server.errors import RequestError

NAMES = frozenset({"127.0.0.1", "::1", "coordinator.example"})


def _refusal(method: str, path: str = "/v1/alerts", **headers: str) -> str | None:
    """Name of the error a request is refused with and its message; ``None`` for a request that passes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        check_request(method, path, Headers({"host": "127.0.0.1:8080", **named}), NAMES)
    except RequestError as error:
        return f"{type(error).__name__}: {error}"
    return None


def _is_refused(refusal: str | None, error: str, expected: str) -> bool:
    return refusal is not None and refusal.startswith(f"{error}: ") and f"expected {expected}" in refusal


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "Coordinator.Example:443"])
def test_own_names_pass(host: str) -> None:
    assert _refusal("GET", host=host) is None


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example", "evil.example:127.0.0.1", "[::1", "[::2]"]
)
def test_rebound_name_is_refused(host: str) -> None:
    assert _is_refused(_refusal("GET", host=host), "ForeignHostError", "a Host this coordinator is called by")


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
    assert _refusal("POST", **headers) is None


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
    refusal = _refusal(method, **headers)
    assert _is_refused(refusal, "ForeignOriginError", "a request from the coordinator's own page")


def test_following_a_link_from_elsewhere_is_fine() -> None:
    assert _refusal("GET", sec_fetch_site="cross-site") is None


def test_body_is_bounded_before_it_is_read() -> None:
    assert _refusal("POST", content_length=str(MAX_BODY_BYTES)) is None
    for length in (str(MAX_BODY_BYTES + 1), "-1", "9" * 30, "x"):
        refusal = _refusal("POST", content_length=length)
        assert _is_refused(refusal, "TooLargeError", f"a body of at most {MAX_BODY_BYTES} bytes")


def test_body_without_length_is_refused_except_a_clip() -> None:
    assert _is_refused(
        _refusal("POST", transfer_encoding="chunked"), "LengthMissingError", "a body with Content-Length"
    )
    assert _refusal("PUT", path="/v1/alerts/x/clip", transfer_encoding="chunked") is None
    assert _refusal("PUT", path="/v1/alerts/x/clip", content_length=str(MAX_BODY_BYTES + 1)) is None
