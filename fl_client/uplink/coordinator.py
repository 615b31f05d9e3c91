"""The coordinator's API as a site sees it.

Rules:

1. Only a clear no to what was sent is final. No answer, a server error, "too many", "who are you" and a wrong address
   mean: keep it and try again; a mistake in the configuration must not cost an alert.
2. Every answer is bounded before it is read, and checked as a message before it is believed.
3. The token travels in a header and is never logged.
4. "Who are you" is answered by registering anew: the coordinator may have lost its database.
"""

import logging
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import httpx

from fl_client.errors import CoordinatorError, RefusedError, UnreachableError
from fl_protocol.errors import MessageError
from fl_protocol.messages import (
    AlertReport,
    ClipMediaType,
    FeedbackPage,
    Message,
    PublishedModel,
    RegisteredSite,
    SiteRegistration,
    parse_message,
)
from fl_protocol.registration import SiteCredential

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024
_CLEAR_NO = frozenset({400, 409, 413, 415, 422})  # rule 1
_NOT_FOUND, _WHO_ARE_YOU = 404, 401
_JSON = {"Content-Type": "application/json"}
_Answer = TypeVar("_Answer", bound=Message)
Content = bytes | None


class Coordinator:
    """One site's view of its coordinator; may be used from several threads once the site is registered."""

    def __init__(self, client: httpx.Client, site: str, credential: SiteCredential) -> None:
        self._client = client
        self._registration = SiteRegistration(name=site, proof=credential.proof)
        self._headers = {"Authorization": f"Bearer {credential.token}"}
        self._is_registered = False

    def close(self) -> None:
        """Closes all connections."""
        self._client.close()

    @property
    def is_registered(self) -> bool:
        """Whether the coordinator has confirmed the site since this client started, and still knows it."""
        return self._is_registered

    def register(self) -> None:
        """Asks for the site's place; does nothing once it is confirmed.

        Raises:
            UnreachableError: Try again later; also where its roster does not name this box as the site (yet).
            RefusedError: The name is taken by a site with another token.
        """
        if not self._is_registered:
            body = self._registration.model_dump_json().encode()
            _parsed(RegisteredSite, self._send("POST", "/v1/sites", body, self._headers | _JSON))
            self._is_registered = True
            logger.info("site registered", extra={"site": self._registration.name})

    def send_alert(self, report: AlertReport) -> None:
        """Delivers one alert. Sending it again counts once."""
        self._send("POST", "/v1/alerts", report.model_dump_json().encode(), self._headers | _JSON)

    def send_clip(self, alert_id: str, clip: bytes, media_type: ClipMediaType) -> None:
        """Delivers the clip of an alert that was delivered before."""
        headers = self._headers | {"Content-Type": media_type}
        if self._receive("PUT", f"/v1/alerts/{alert_id}/clip", clip, headers, MAX_ANSWER_BYTES) is None:
            raise RefusedError("the coordinator no longer has the alert this clip belongs to")

    def feedback_after(self, position: int) -> FeedbackPage:
        """The operator's feedback after sequence number ``position``, oldest first."""
        return _parsed(FeedbackPage, self._send("GET", f"/v1/feedback?after={position}", None, self._headers))

    def latest_model(self) -> PublishedModel | None:
        """The model sites should use, or None while there is none."""
        answer = self._receive("GET", "/v1/models/latest", None, self._headers, MAX_ANSWER_BYTES)
        return None if answer is None else _parsed(PublishedModel, answer)

    def model(self, digest: str, max_bytes: int) -> bytes:
        """The bytes of a published model, not yet checked against ``digest``.

        Raises:
            UnreachableError: Try again later.
            RefusedError: No such model, or more than ``max_bytes``.
        """
        answer = self._receive("GET", f"/v1/models/{digest}", None, self._headers, max_bytes)
        if answer is None:
            raise RefusedError("the coordinator does not have the model it announced")
        return answer

    def _send(self, method: str, path: str, content: Content, headers: Mapping[str, str]) -> bytes:
        answer = self._receive(method, path, content, headers, MAX_ANSWER_BYTES)
        if answer is None:
            raise UnreachableError(f"{method} {path}: not found; is this the coordinator's address?")
        return answer

    def _receive(
        self, method: str, path: str, content: Content, headers: Mapping[str, str], max_bytes: int
    ) -> bytes | None:
        """The body of a good answer; None for 404."""
        try:
            with self._client.stream(method, path, content=content, headers=dict(headers)) as response:
                body = _bounded_body(response, max_bytes)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise UnreachableError(f"{method} {path}: {type(error).__name__}") from error
        if response.status_code == _NOT_FOUND:
            return None
        if response.is_success:
            return body
        if response.status_code == _WHO_ARE_YOU:
            self._is_registered = False  # rule 4
        raise _error_of(f"{method} {path}", response.status_code, body)


def open_client(address: str, root_certificates: Path | None) -> httpx.Client:
    """An HTTP client for the coordinator at ``address``; redirects are not followed.

    Args:
        address: Such as ``https://coordinator.example:8443``.
        root_certificates: PEM file of authorities to trust instead of the system's.
    """
    verify = ssl.create_default_context(cafile=str(root_certificates)) if root_certificates else True
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    return httpx.Client(base_url=address, verify=verify, timeout=timeout)


def _bounded_body(response: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > max_bytes:
            raise RefusedError(f"the coordinator's answer is larger than {max_bytes} bytes")
    return bytes(body)


def _error_of(request: str, status: int, body: bytes) -> CoordinatorError:
    words = " ".join(body[:200].decode(errors="replace").split())
    kind = RefusedError if status in _CLEAR_NO else UnreachableError
    return kind(f"{request}: status {status}: {words}")


def _parsed(message_type: type[_Answer], body: bytes) -> _Answer:
    try:
        return parse_message(message_type, body)
    except MessageError as error:  # a proxy's page, or a newer coordinator: no verdict on what was sent
        raise UnreachableError(str(error)) from error
