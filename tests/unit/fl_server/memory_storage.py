"""The coordinator's storage in memory, with a clock that the test sets."""

import datetime as dt
import uuid
from pathlib import Path

import sqlalchemy as sa

from fl_protocol.messages import AlertReport
from fl_server.storage.database import Storage, create_schema, listen_to_sqlite

START = dt.datetime(2026, 3, 1, 22, 0, tzinfo=dt.UTC)


def memory_storage() -> Storage:
    """An empty storage without disk; its clock stands at ``START``."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False})
    listen_to_sqlite(engine)
    create_schema(engine)
    return Storage(engine, Path("/nonexistent"), lambda: START)


def report(minute: int = 0, alert_id: str | None = None, clip_digest: str | None = None) -> AlertReport:
    """An alert that began ``minute`` minutes after ``START``."""
    started_utc = START + dt.timedelta(minutes=minute)
    return AlertReport(
        alert_id=alert_id or str(uuid.uuid4()),
        camera="till-2",
        started_utc=started_utc,
        ended_utc=started_utc + dt.timedelta(seconds=9),
        operational_state="closed",
        zone="Staff door",
        severity_score=0.81,
        score=4.25,
        why="Person after closing.",
        model_digest="a" * 64,
        peak_box=(0.1, 0.2, 0.3, 0.9),
        clip_digest=clip_digest,
    )
