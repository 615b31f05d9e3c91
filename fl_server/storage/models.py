"""Published models: bytes in the state folder, named by digest; the last publication is in force."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from fl_protocol.messages import MAX_BODY_BYTES, PublishedModel
from fl_runtime.atomic_file import write_atomically
from fl_server.errors import NotFoundError
from fl_server.storage.database import Storage
from fl_server.storage.tables import ModelRow, fields_of

logger = logging.getLogger(__name__)

_NEWEST_FIRST = sa.select(ModelRow).order_by(ModelRow.id.desc()).limit(1)


def publish_model(
    storage: Storage,
    model_bytes: bytes,
    card: Mapping[str, Any],
    round_number: int,
    check: Callable[[orm.Session], object] = lambda _: None,
) -> PublishedModel:
    """Offers a model to all sites; any process that opened the storage may do so.

    Publishing what is already in force changes nothing; publishing an older model again puts it back in force.

    Args:
        storage: The open storage.
        model_bytes: The model file, ONNX. Not empty.
        card: What is known of the model, as JSON values, at most ``MAX_BODY_BYTES`` as JSON.
        round_number: Round that produced it; 0 before the first.
        check: Called in the transaction; what it raises leaves everything as it was.

    Raises:
        ValueError: ``model_bytes`` is empty, or ``card`` is no JSON or too large.
        OSError: The state folder cannot be written; nothing is published then.
    """
    _check_card(card)
    if not model_bytes:
        raise ValueError("expected the bytes of a model, got none")
    digest = hashlib.sha256(model_bytes).hexdigest()
    write_atomically(_path(storage, digest), model_bytes)
    with storage.writing() as session:
        check(session)
        row = session.scalar(_NEWEST_FIRST)
        if row is None or (row.digest, row.round_number, row.card) != (digest, round_number, dict(card)):
            row = ModelRow(
                digest=digest,
                size_bytes=len(model_bytes),
                round_number=round_number,
                created_utc=storage.clock(),
                card=dict(card),
            )
            session.add(row)
        published = _published(row)
    logger.info("model published", extra={"digest": digest, "round_number": round_number})
    return published


def latest_model(storage: Storage) -> PublishedModel | None:
    """The model in force; ``None`` before the first is published."""
    with storage.reading() as session:
        row = session.scalar(_NEWEST_FIRST)
        return None if row is None else _published(row)


def model_file(storage: Storage, digest: str) -> Path:
    """The file of a published model.

    Raises:
        NotFoundError: No such model was published, or its file is gone.
    """
    with storage.reading() as session:
        is_published = session.scalar(sa.select(ModelRow.id).where(ModelRow.digest == digest).limit(1)) is not None
    path = _path(storage, digest)
    if not (is_published and path.is_file()):
        raise NotFoundError(f"there is no model {digest}")
    return path


def _path(storage: Storage, digest: str) -> Path:
    return storage.model_folder / f"{digest}.onnx"


def _published(row: ModelRow) -> PublishedModel:
    return PublishedModel(**fields_of(row, PublishedModel))


def _check_card(card: Mapping[str, Any]) -> None:
    try:
        size_bytes = len(json.dumps(dict(card), allow_nan=False).encode())
    except TypeError as error:
        raise ValueError(f"expected a model card of JSON values: {error}") from error
    if size_bytes > MAX_BODY_BYTES:
        raise ValueError(f"expected a model card of at most {MAX_BODY_BYTES} bytes, got {size_bytes}")
