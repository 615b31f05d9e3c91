"""Tables of the coordinator's database, for SQLite and PostgreSQL alike."""

import datetime as dt
from typing import Any

import pydantic
import sqlalchemy as sa
from sqlalchemy import orm

SCHEMA_VERSION = 7
"""Raised with every change of a table, together with a step in ``upgrades``."""


class UtcDateTime(sa.TypeDecorator[dt.datetime]):
    """An aware UTC instant; SQLite keeps no offset, so it is taken off on the way in and put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Refuses naive instants, which would be read back as something else."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("expected a timezone-aware instant")
        return None if value is None else value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Returns the instant in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Table(orm.DeclarativeBase):
    """Base of the tables."""

    type_annotation_map = {  # noqa: RUF012  declared as a class variable by SQLAlchemy
        dt.datetime: UtcDateTime,
        int: sa.BigInteger().with_variant(sa.Integer(), "sqlite"),  # SQLite numbers rows only in plain INTEGER
        dict[str, Any]: sa.JSON,
        list[float]: sa.JSON,
        list[dict[str, Any]]: sa.JSON,
        list[str]: sa.JSON,
    }


class SchemaVersionRow(Table):
    """One row: the version of all tables."""

    __tablename__ = "schema_version"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    version: orm.Mapped[int]


class SiteRow(Table):
    """A registered site. Its row is locked by whoever changes what belongs to it.

    ``identity_key`` is the key, in hexadecimal, that proved the registration; null where no roster was asked.
    """

    __tablename__ = "sites"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(64), unique=True)
    token_digest: orm.Mapped[str] = orm.mapped_column(sa.String(64), unique=True)
    registered_utc: orm.Mapped[dt.datetime]
    last_feedback_sequence: orm.Mapped[int]
    identity_key: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))


class AlertRow(Table):
    """An alert. ``feedback_sequence`` names its latest feedback; ``clip_media_type`` is set once the clip is stored."""

    __tablename__ = "alerts"
    __table_args__ = (sa.Index("alerts_newest", "started_utc", "alert_id"),)
    alert_id: orm.Mapped[str] = orm.mapped_column(sa.String(36), primary_key=True)
    site_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("sites.id"), index=True)
    received_utc: orm.Mapped[dt.datetime]
    camera: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    started_utc: orm.Mapped[dt.datetime]
    ended_utc: orm.Mapped[dt.datetime]
    operational_state: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    zone: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    severity_score: orm.Mapped[float]
    score: orm.Mapped[float]
    why: orm.Mapped[str] = orm.mapped_column(sa.String(500))
    model_digest: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    peak_box: orm.Mapped[list[float]]
    behaviours: orm.Mapped[list[dict[str, Any]]]
    is_final: orm.Mapped[bool]
    clip_digest: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    clip_media_type: orm.Mapped[str | None] = orm.mapped_column(sa.String(32))
    feedback_sequence: orm.Mapped[int | None]


class FeedbackRow(Table):
    """One step of an alert's feedback; never changed."""

    __tablename__ = "feedback"
    __table_args__ = (sa.UniqueConstraint("site_id", "sequence"),)
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    site_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("sites.id"))
    sequence: orm.Mapped[int]
    alert_id: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("alerts.alert_id"), index=True)
    label: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    kind: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    note: orm.Mapped[str | None] = orm.mapped_column(sa.String(500))
    at_utc: orm.Mapped[dt.datetime]


class ModelRow(Table):
    """One publication of a model; the last row is the model in force, so an older one can be published again."""

    __tablename__ = "models"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    digest: orm.Mapped[str] = orm.mapped_column(sa.String(64), index=True)
    size_bytes: orm.Mapped[int]
    round_number: orm.Mapped[int]
    created_utc: orm.Mapped[dt.datetime]
    card: orm.Mapped[dict[str, Any]]


class RoundRow(Table):
    """One closed round of one training run."""

    __tablename__ = "rounds"
    __table_args__ = (sa.UniqueConstraint("training_id", "round_number"),)
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    training_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    round_number: orm.Mapped[int]
    closed_utc: orm.Mapped[dt.datetime] = orm.mapped_column(index=True)
    num_sites: orm.Mapped[int]
    loss: orm.Mapped[float]
    auc: orm.Mapped[float | None]
    auc_by_state: orm.Mapped[dict[str, Any]]
    bytes_up: orm.Mapped[int]
    model_digest: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))


class TrainingRow(Table):
    """A training: rounds that are wanted. ``options`` are those of the run, as JSON values."""

    __tablename__ = "trainings"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    training_id: orm.Mapped[str] = orm.mapped_column(sa.String(32), unique=True)
    num_rounds: orm.Mapped[int]
    options: orm.Mapped[dict[str, Any]]
    is_supervised: orm.Mapped[bool]
    status: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    reason: orm.Mapped[str | None] = orm.mapped_column(sa.String(500))
    lease_epoch: orm.Mapped[int]
    wanted_utc: orm.Mapped[dt.datetime]


class TrainingStateRow(Table):
    """What one round of a training left behind; ``arrays`` of all but the newest few are dropped."""

    __tablename__ = "training_states"
    __table_args__ = (sa.UniqueConstraint("training_id", "round_number"),)
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    training_id: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("trainings.training_id"))
    round_number: orm.Mapped[int]
    lease_epoch: orm.Mapped[int]
    arrays: orm.Mapped[bytes | None] = orm.mapped_column(sa.LargeBinary, deferred=True)
    accountant: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(sa.JSON(none_as_null=True))
    cohort: orm.Mapped[list[str]]
    secure_epoch: orm.Mapped[int | None]
    committed_utc: orm.Mapped[dt.datetime]


class TrainingStartRow(Table):
    """One attempt to start a run. ``run_id`` is Flower's; without it the attempt failed or was cut short."""

    __tablename__ = "training_starts"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    training_id: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey("trainings.training_id"), index=True)
    num_committed: orm.Mapped[int]
    started_utc: orm.Mapped[dt.datetime]
    run_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(20))
    problem: orm.Mapped[str | None] = orm.mapped_column(sa.String(500))


class TrainingLeaseRow(Table):
    """One row: who may commit, the newest epoch of a secure sum and its roster's digest, and what privacy is spent.

    Numbers only ever rise, but for epochs, which begin anew with a roster.
    """

    __tablename__ = "training_lease"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    epoch: orm.Mapped[int]
    secure_epoch: orm.Mapped[int]
    secure_roster: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    accountant: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(sa.JSON(none_as_null=True))


def fields_of(row: Table, message_type: type[pydantic.BaseModel]) -> dict[str, Any]:
    """The columns of ``row`` that ``message_type`` has a field for, by name."""
    return {name: getattr(row, name) for name in message_type.model_fields if hasattr(row, name)}
