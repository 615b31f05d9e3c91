"""What operators say of alerts: history kept, the latest wins, handed to each site in order."""

import logging

import sqlalchemy as sa
from sqlalchemy import orm

from fl_protocol.messages import Feedback, FeedbackEntry, FeedbackPage
from fl_server.errors import NotFoundError
from fl_server.storage.database import Storage
from fl_server.storage.sites import KnownSite, lock_site
from fl_server.storage.tables import AlertRow, FeedbackRow, SiteRow, fields_of

logger = logging.getLogger(__name__)


def add_feedback(storage: Storage, alert_id: str, feedback: Feedback) -> FeedbackEntry:
    """Takes an operator's word; repeating what was said last changes nothing.

    Raises:
        NotFoundError: There is no such alert.
    """
    with storage.writing() as session:
        site_id = session.scalar(sa.select(AlertRow.site_id).where(AlertRow.alert_id == alert_id))
        if site_id is None:
            raise NotFoundError(f"there is no alert {alert_id}")
        site = lock_site(session, site_id)  # before the alert is read: its latest feedback may be changing
        alert = session.get_one(AlertRow, alert_id)
        row = _latest(session, alert)
        if row is None or (row.label, row.kind, row.note) != (feedback.label, feedback.kind, feedback.note):
            row = _append(storage, session, site, alert, feedback)
        return FeedbackEntry(**fields_of(row, FeedbackEntry))


def feedback_after(storage: Storage, site: KnownSite, after: int, limit: int) -> FeedbackPage:
    """Feedback on the site's own alerts with a sequence number above ``after``, in order.

    Should the coordinator know less than ``after`` (its database was restored from an older copy), ``next_after``
    goes back to what it knows, so that the site misses nothing said since.
    """
    with storage.reading() as session:
        last = session.scalar(sa.select(SiteRow.last_feedback_sequence).where(SiteRow.id == site.site_id)) or 0
        news = sa.select(FeedbackRow).where(FeedbackRow.site_id == site.site_id, FeedbackRow.sequence > after)
        rows = session.scalars(news.order_by(FeedbackRow.sequence).limit(limit)).all()
        entries = tuple(FeedbackEntry(**fields_of(row, FeedbackEntry)) for row in rows)
    return FeedbackPage(items=entries, next_after=entries[-1].sequence if entries else min(after, last))


def _latest(session: orm.Session, alert: AlertRow) -> FeedbackRow | None:
    return session.scalar(
        sa.select(FeedbackRow).where(
            FeedbackRow.site_id == alert.site_id, FeedbackRow.sequence == alert.feedback_sequence
        )
    )


def _append(storage: Storage, session: orm.Session, site: SiteRow, alert: AlertRow, feedback: Feedback) -> FeedbackRow:
    site.last_feedback_sequence += 1
    alert.feedback_sequence = site.last_feedback_sequence
    said = feedback.model_dump(exclude={"schema_version"})
    row = FeedbackRow(
        site_id=site.id, alert_id=alert.alert_id, sequence=alert.feedback_sequence, at_utc=storage.clock(), **said
    )
    session.add(row)
    logger.info("feedback taken", extra={"site": site.name, "alert_id": alert.alert_id, "label": feedback.label})
    return row
