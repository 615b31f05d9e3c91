"""Fetches a published model file over HTTPS.

* Only HTTPS, also after every redirect.
* Nothing longer than the file is read, and nothing but the file, to the last bit, is handed on: whoever answers can
  refuse to send it, and no more.
* It is held in memory until its digest is right, so nothing else ever reaches the disk.
"""

import hashlib
from collections.abc import Callable

import httpx

from model_zoo.downloads import Download
from model_zoo.errors import FetchError

MAX_REDIRECTS = 5
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 30.0

Progress = Callable[[int], object]
"""Told how many bytes came."""


def fetch(download: Download, url: str, progress: Progress) -> bytes:
    """Reads a file from where it is published, or from a mirror.

    The environment's ``HTTPS_PROXY`` and ``SSL_CERT_FILE`` are heeded.

    Args:
        download: What the file must be.
        url: Where to read it.
        progress: Told of every part.

    Raises:
        FetchError: No HTTPS address, no connection, no such file there, or another file.
    """
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        with httpx.Client(timeout=timeout, headers={"Accept-Encoding": "identity"}) as client:
            return _checked(_followed(client, httpx.URL(url), download, progress), download, url)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise FetchError(f"{url}: cannot be read: {str(error) or type(error).__name__}") from error


def _followed(client: httpx.Client, url: httpx.URL, download: Download, progress: Progress) -> bytes:
    """The body behind the redirects."""
    for _ in range(MAX_REDIRECTS + 1):
        if url.scheme != "https" or not url.host:
            raise FetchError(f"{url}: expected an https address")
        with client.stream("GET", url) as response:
            if response.next_request is None:
                return _body(response, download, progress)
            url = response.next_request.url
    raise FetchError(f"{url}: expected at most {MAX_REDIRECTS} redirects")


def _body(response: httpx.Response, download: Download, progress: Progress) -> bytes:
    if response.status_code != httpx.codes.OK:
        raise FetchError(f"{response.url}: expected status 200, got {response.status_code} {response.reason_phrase}")
    body = bytearray()
    for part in response.iter_raw():
        body += part
        progress(len(part))
        if len(body) > download.num_bytes:
            raise FetchError(f"{response.url}: expected {download.num_bytes} bytes, got more")
    return bytes(body)


def _checked(content: bytes, download: Download, url: str) -> bytes:
    if len(content) != download.num_bytes:
        raise FetchError(f"{url}: expected {download.num_bytes} bytes, got {len(content)}")
    if not is_right(content, download):
        raise FetchError(f"{url}: expected SHA-256 {download.sha256}, got {hashlib.sha256(content).hexdigest()}")
    return content


def is_right(content: bytes, download: Download) -> bool:
    """Whether ``content`` is the file."""
    return hashlib.sha256(content).hexdigest() == download.sha256
