"""Registered sites and their tokens; of a token only the SHA-256 is kept."""

import dataclasses
import hashlib
import hmac
import logging
import secrets

import sqlalchemy as sa
from sqlalchemy import orm

from fl_server.errors import ConflictError, NotFoundError, UnknownTokenError
from fl_server.storage.database import Storage
from fl_server.storage.tables import SiteRow

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class KnownSite:
    """A site that has shown its token."""

    site_id: int
    name: str
    identity_key: bytes | None
    """The key that proved its registration; None where no roster was asked."""


@dataclasses.dataclass(frozen=True)
class Registration:
    """The answer to a site that registers."""

    name: str
    token: str
    is_new: bool


def register_site(
    storage: Storage, name: str, presented_token: str | None, identity_key: bytes | None = None
) -> Registration:
    """Gives a site its place, or confirms it to the one that already holds it.

    A new site may present a token it made itself: when the answer is lost, it can then ask again. Where the roster says
    whose the name is, the place is theirs, and so are the alerts under it, whoever had it before.

    Args:
        storage: The open storage.
        name: Name of the site, a ``Name``.
        presented_token: What the site sent as bearer token, a ``Token``; ``None`` for none.
        identity_key: The key on the roster that proved name and token; ``None`` where no roster is asked.

    Raises:
        ConflictError: The name belongs to a site with another token, or the token to another site.
    """
    token = presented_token or secrets.token_urlsafe(32)
    try:
        with storage.writing() as session:
            row = session.scalar(sa.select(SiteRow).where(SiteRow.name == name))
            if row is None:
                session.add(_new_row(storage, name, token, identity_key))
            elif identity_key is not None:
                row.token_digest, row.identity_key = _digest(token), identity_key.hex()
    except sa.exc.IntegrityError as error:  # the token is another's, or somebody took the name at the same moment
        raise ConflictError(f"site {name} cannot be registered with this token") from error
    if row is not None and not hmac.compare_digest(row.token_digest, _digest(token)):
        raise ConflictError(f"site {name} is already registered: present its token to use it")
    if row is None:
        logger.info("site registered", extra={"site": name})
    return Registration(name, token, is_new=row is None)


def site_of_token(storage: Storage, token: str) -> KnownSite:
    """The site a token belongs to.

    Raises:
        UnknownTokenError: It belongs to none.
    """
    with storage.reading() as session:
        row = session.scalar(sa.select(SiteRow).where(SiteRow.token_digest == _digest(token)))
        if row is None:
            raise UnknownTokenError("expected the bearer token of a registered site")
        return KnownSite(row.id, row.name, None if row.identity_key is None else bytes.fromhex(row.identity_key))


def lock_site(session: orm.Session, site_id: int) -> SiteRow:
    """The site's row, kept from other writers until the transaction ends.

    Raises:
        NotFoundError: There is no such site.
    """
    row = session.get(SiteRow, site_id, with_for_update=True)
    if row is None:
        raise NotFoundError("there is no such site")
    return row


def _new_row(storage: Storage, name: str, token: str, identity_key: bytes | None) -> SiteRow:
    return SiteRow(
        name=name,
        token_digest=_digest(token),
        identity_key=None if identity_key is None else identity_key.hex(),
        registered_utc=storage.clock(),
        last_feedback_sequence=0,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
