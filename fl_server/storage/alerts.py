"""Alerts: taken once each, listed newest first."""

import dataclasses
import datetime as dt
import logging
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import orm

from fl_protocol.messages import AlertPage, AlertReport, FeedbackEntry, StoredAlert
from fl_server.errors import ConflictError, MalformedError, NotFoundError
from fl_server.storage.database import Storage
from fl_server.storage.sites import KnownSite, lock_site
from fl_server.storage.tables import AlertRow, FeedbackRow, SiteRow, fields_of

logger = logging.getLogger(__name__)

LabelFilter = Literal["none", "false", "confirmed"]
_INSTANT_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_JoinedRow = sa.Row[AlertRow, str, FeedbackRow]


@dataclasses.dataclass(frozen=True)
class AlertQuery:
    """Which alerts to list: those of ``site``, with ``label`` ("none": without), older than the ``before`` mark."""

    site: str | None = None
    label: LabelFilter | None = None
    before: str | None = None
    limit: int = 50


def add_alert(storage: Storage, site: KnownSite, report: AlertReport) -> tuple[StoredAlert, bool]:
    """Takes an alert; one that is already there is not taken twice, and changes until its site has said the last word.

    Returns:
        The stored alert, and whether it is new.

    Raises:
        ConflictError: Another alert has this ``alert_id``.
    """
    try:
        with storage.writing() as session:
            lock_site(session, site.site_id)
            row = session.get(AlertRow, report.alert_id)
            is_new = row is None
            if row is None:
                session.add(_new_row(storage, site, report))
            elif row.site_id != site.site_id or (row.is_final and report.is_final and _report(row) != report):
                raise _already_used(report.alert_id)
            elif not row.is_final:  # what was told before the last word, and arrives after it, changes nothing
                for name, column in _columns(report).items():
                    setattr(row, name, column)
    except sa.exc.IntegrityError as error:  # another site took the same alert_id at the same moment
        raise _already_used(report.alert_id) from error
    if is_new:
        logger.info("alert stored", extra={"site": site.name, "alert_id": report.alert_id})
    return get_alert(storage, report.alert_id), is_new


def get_alert(storage: Storage, alert_id: str) -> StoredAlert:
    """One alert.

    Raises:
        NotFoundError: There is no such alert.
    """
    with storage.reading() as session:
        row = session.execute(_joined().where(AlertRow.alert_id == alert_id)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no alert {alert_id}")
        return _stored_alert(row)


def list_alerts(storage: Storage, query: AlertQuery) -> AlertPage:
    """Alerts by the time their event began, the newest first.

    Raises:
        MalformedError: ``query.before`` is not a mark that an earlier page gave.
    """
    newest_first = _joined().order_by(AlertRow.started_utc.desc(), AlertRow.alert_id.desc())
    with storage.reading() as session:
        found = session.execute(newest_first.where(*_conditions(query)).limit(query.limit + 1)).all()
        alerts = [_stored_alert(row) for row in found[: query.limit]]
    has_more = len(found) > query.limit
    return AlertPage(alerts=tuple(alerts), next_before=_mark(alerts[-1].report) if has_more else None)


def count_unlabelled(storage: Storage, site: str | None = None) -> int:
    """How many alerts, of one site or of all, wait for an operator."""
    waiting = sa.select(sa.func.count()).select_from(AlertRow).join(SiteRow, SiteRow.id == AlertRow.site_id)
    with storage.reading() as session:
        return session.scalar(waiting.where(*_conditions(AlertQuery(site=site, label="none")))) or 0


def own_alert(session: orm.Session, site: KnownSite, alert_id: str) -> AlertRow:
    """The row of an alert of ``site``.

    Raises:
        NotFoundError: There is no such alert, or another site raised it.
    """
    row = session.get(AlertRow, alert_id)
    if row is None or row.site_id != site.site_id:
        raise NotFoundError(f"site {site.name} has no alert {alert_id}")
    return row


def _new_row(storage: Storage, site: KnownSite, report: AlertReport) -> AlertRow:
    return AlertRow(site_id=site.site_id, received_utc=storage.clock(), **_columns(report))


def _columns(report: AlertReport) -> dict[str, Any]:
    """An alert's columns by name."""
    columns = report.model_dump(exclude={"schema_version", "peak_box", "behaviours"})
    behaviours = [one.model_dump() for one in report.behaviours]
    return columns | {"peak_box": list(report.peak_box), "behaviours": behaviours, "is_final": report.is_final}


def _joined() -> sa.Select[AlertRow, str, FeedbackRow]:
    latest = (FeedbackRow.site_id == AlertRow.site_id) & (FeedbackRow.sequence == AlertRow.feedback_sequence)
    return (
        sa.select(AlertRow, SiteRow.name, FeedbackRow)
        .join(SiteRow, SiteRow.id == AlertRow.site_id)
        .outerjoin(FeedbackRow, latest)
    )


def _conditions(query: AlertQuery) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if query.site is not None:
        conditions.append(SiteRow.name == query.site)
    if query.label == "none":
        conditions.append(AlertRow.feedback_sequence.is_(None))
    elif query.label is not None:
        conditions.append(FeedbackRow.label == query.label)
    if query.before is not None:
        started_utc, alert_id = _read_mark(query.before)
        same_instant = (AlertRow.started_utc == started_utc) & (AlertRow.alert_id < alert_id)
        conditions.append((AlertRow.started_utc < started_utc) | same_instant)
    return conditions


def _mark(report: AlertReport) -> str:
    return f"{report.started_utc.strftime(_INSTANT_FORMAT)}~{report.alert_id}"


def _read_mark(before: str) -> tuple[dt.datetime, str]:
    instant, _, alert_id = before.partition("~")
    try:
        return dt.datetime.strptime(instant, _INSTANT_FORMAT).replace(tzinfo=dt.UTC), alert_id
    except ValueError as error:
        raise MalformedError("expected 'before' as an earlier page gave it in next_before") from error


def _stored_alert(row: _JoinedRow) -> StoredAlert:
    alert, site, feedback = row
    latest: FeedbackRow | None = feedback  # an outer join: SQLAlchemy's types do not know
    return StoredAlert(
        site=site,
        report=_report(alert),
        received_utc=alert.received_utc,
        has_clip=alert.clip_media_type is not None,
        feedback=None if latest is None else FeedbackEntry(**fields_of(latest, FeedbackEntry)),
    )


def _report(row: AlertRow) -> AlertReport:
    return AlertReport(**fields_of(row, AlertReport))


def _already_used(alert_id: str) -> ConflictError:
    return ConflictError(f"alert_id {alert_id} is already used by a different alert")
