"""What every request must pass before its body is read, and the headers every response carries.

Rules:

1. ``Host`` is one of the coordinator's own names. A page of another site cannot reach a coordinator on loopback by
   pointing its own name there (DNS rebinding).
2. A request that changes something and comes from a browser comes from our own page: ``Sec-Fetch-Site`` is
   ``same-origin`` or ``none``; where a browser sends none, ``Origin`` has the host of ``Host``. A request with neither
   is not from a browser. Source: the algorithm of Go's ``http.CrossOriginProtection``,
   https://words.filippo.io/csrf/
3. A body announces its length, and stays within ``MAX_BODY_BYTES`` unless it is a clip, whose handler bounds it.
4. Responses forbid scripts, frames and foreign resources, and are not kept by caches unless the handler says so.
"""

import urllib.parse
from collections.abc import Set as AbstractSet

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fl_protocol.messages import MAX_BODY_BYTES
from fl_server.api.error_responses import refusal
from fl_server.errors import ForeignHostError, ForeignOriginError, LengthMissingError, RequestError, TooLargeError

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_RESPONSE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class RequestGuard:
    """ASGI middleware that holds the rules above.

    Args:
        app: What runs behind it.
        host_names: The coordinator's own names, lower case, without port.
    """

    def __init__(self, app: ASGIApp, host_names: AbstractSet[str]) -> None:
        self._app = app
        self._host_names = host_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the request through or answers it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            check_request(scope["method"], scope["path"], Headers(scope=scope), self._host_names)
        except RequestError as error:
            await refusal(error)(scope, receive, _with_headers(send))
        else:
            await self._app(scope, receive, _with_headers(send))


def check_request(method: str, path: str, headers: Headers, host_names: AbstractSet[str]) -> None:
    """Holds one request against the rules.

    Raises:
        ForeignHostError: Rule 1.
        ForeignOriginError: Rule 2.
        LengthMissingError: Rule 3.
        TooLargeError: Rule 3.
    """
    if _host_name(headers.get("host", "")) not in host_names:
        raise ForeignHostError("expected a Host this coordinator is called by: see allowed_hosts in its configuration")
    if method not in _SAFE_METHODS:
        _check_origin(headers)
    if not (method == "PUT" and path.endswith("/clip")):
        _check_length(headers)


def _host_name(host: str) -> str:
    """The name in a Host header, without port and without the brackets of an IPv6 address."""
    try:
        return urllib.parse.urlsplit(f"//{host}").hostname or ""
    except ValueError:  # such as an open bracket
        return ""


def _check_origin(headers: Headers) -> None:
    fetch_site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if fetch_site is not None:
        is_own = fetch_site in ("same-origin", "none")
    else:
        is_own = origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower()
    if not is_own:
        raise ForeignOriginError("expected a request from the coordinator's own page")


def _check_length(headers: Headers) -> None:
    if "transfer-encoding" in headers:
        raise LengthMissingError("expected a body with Content-Length")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise TooLargeError(f"expected a body of at most {MAX_BODY_BYTES} bytes, got {length[:20]}")


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _RESPONSE_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
