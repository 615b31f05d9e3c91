"""Clips: streamed into a file beside the others, put in place only when their digest is the announced one."""

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from fl_protocol.messages import ClipMediaType
from fl_server.errors import ConflictError, DigestError, NotFoundError, TooLargeError
from fl_server.storage.alerts import own_alert
from fl_server.storage.database import Storage
from fl_server.storage.sites import KnownSite
from fl_server.storage.tables import AlertRow

logger = logging.getLogger(__name__)


class IncomingClip:
    """A clip that is arriving. A context manager: whatever happens, no part is left behind.

    Args:
        storage: The open storage.
        max_bytes: Most bytes it may have.
    """

    def __init__(self, storage: Storage, max_bytes: int) -> None:
        self._folder = storage.clip_folder
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._hash = hashlib.sha256()
        # Deleted by __exit__, and not by the file object: keep() gives it another name.
        self._file = tempfile.NamedTemporaryFile(dir=storage.incoming_folder, delete=False)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Adds the next bytes.

        Raises:
            TooLargeError: There are more than ``max_bytes`` now; ``chunk`` was not written.
        """
        self._num_bytes += len(chunk)
        if self._num_bytes > self._max_bytes:
            raise TooLargeError(f"expected a clip of at most {self._max_bytes} bytes, got more")
        self._hash.update(chunk)
        self._file.write(chunk)

    def keep(self, digest: str) -> None:
        """Puts the complete clip in place.

        Raises:
            DigestError: The SHA-256 of the bytes is not ``digest``.
        """
        if self._hash.hexdigest() != digest:
            raise DigestError(f"expected a clip with SHA-256 {digest}, got {self._hash.hexdigest()}")
        self._file.flush()
        os.fsync(self._file.fileno())
        Path(self._file.name).replace(self._folder / digest)
        _flush_folder(self._folder)


def announced_digest(storage: Storage, site: KnownSite, alert_id: str) -> str:
    """The digest that the clip of a site's own alert must have.

    Raises:
        NotFoundError: The site has no such alert.
        ConflictError: The alert announced no clip.
    """
    with storage.reading() as session:
        digest = own_alert(session, site, alert_id).clip_digest
    if digest is None:
        raise ConflictError(f"alert {alert_id} announced no clip")
    return digest


def attach_clip(storage: Storage, site: KnownSite, alert_id: str, media_type: ClipMediaType) -> None:
    """Notes that the alert's clip is in place.

    Raises:
        NotFoundError: The site has no such alert.
    """
    with storage.writing() as session:
        own_alert(session, site, alert_id).clip_media_type = media_type
    logger.info("clip stored", extra={"site": site.name, "alert_id": alert_id})


def stored_clip(storage: Storage, alert_id: str) -> tuple[Path, str]:
    """File and media type of an alert's clip.

    Raises:
        NotFoundError: There is no such alert, or its clip has not arrived.
    """
    with storage.reading() as session:
        row = session.get(AlertRow, alert_id)
        if row is None or row.clip_digest is None or row.clip_media_type is None:
            raise NotFoundError(f"there is no clip of alert {alert_id}")
        path, media_type = storage.clip_folder / row.clip_digest, row.clip_media_type
    if not path.is_file():
        raise NotFoundError(f"the clip of alert {alert_id} was removed from the state folder")
    return path, media_type


def remove_interrupted(storage: Storage) -> None:
    """Removes what a killed coordinator was still receiving; its sites send it again."""
    for part in storage.incoming_folder.iterdir():
        part.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
