"""What brings the tables from one version to the next.

Rules:

1. A step says what it makes in full. It never looks at the tables' present definitions: those go on changing, what a
   step made does not.
2. Steps run in the transaction that also writes the new version: all or none, on SQLite and PostgreSQL alike.
3. A step that has been released is never edited.

``alembic``'s operations write the statements, each in its database's own words; its revisions, environment and version
table are not used (ADR 15).
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def _behaviours(to: Operations) -> None:
    """2: alerts say what their objects did."""
    to.add_column("alerts", sa.Column("behaviours", sa.JSON, nullable=False, server_default="[]"))


def _trainings(to: Operations) -> None:
    """3: trainings that are wanted, their committed states, and who may commit."""
    to.create_table(
        "trainings",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("training_id", sa.String(32), nullable=False, unique=True),
        sa.Column("num_rounds", BIG, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("is_supervised", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(500)),
        sa.Column("lease_epoch", BIG, nullable=False),
        sa.Column("wanted_utc", INSTANT, nullable=False),
    )
    to.create_table(
        "training_states",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("training_id", sa.String(32), sa.ForeignKey("trainings.training_id"), nullable=False),
        sa.Column("round_number", BIG, nullable=False),
        sa.Column("lease_epoch", BIG, nullable=False),
        sa.Column("arrays", sa.LargeBinary),
        sa.Column("accountant", sa.JSON),
        sa.Column("cohort", sa.JSON, nullable=False),
        sa.Column("secure_epoch", BIG),
        sa.Column("committed_utc", INSTANT, nullable=False),
        sa.UniqueConstraint("training_id", "round_number"),
    )
    lease = to.create_table(
        "training_lease",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("secure_epoch", BIG, nullable=False),
        sa.Column("accountant", sa.JSON),
    )
    to.bulk_insert(lease, [{"id": 1, "epoch": 0, "secure_epoch": 0}])


def _training_starts(to: Operations) -> None:
    """4: when runs of a training were started, and what became of them."""
    to.create_table(
        "training_starts",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("training_id", sa.String(32), sa.ForeignKey("trainings.training_id"), nullable=False),
        sa.Column("num_committed", BIG, nullable=False),
        sa.Column("started_utc", INSTANT, nullable=False),
        sa.Column("run_id", sa.String(20)),
        sa.Column("problem", sa.String(500)),
    )
    to.create_index("ix_training_starts_training_id", "training_starts", ["training_id"])


def _identity_keys(to: Operations) -> None:
    """5: which identity key proved a site's registration."""
    to.add_column("sites", sa.Column("identity_key", sa.String(64)))


def _states_and_rosters(to: Operations) -> None:
    """6: how good a round's model is by operational state; which roster the newest epoch is of."""
    to.add_column("rounds", sa.Column("auc_by_state", sa.JSON, nullable=False, server_default="{}"))
    to.add_column("training_lease", sa.Column("secure_roster", sa.String(64)))


def _final_alerts(to: Operations) -> None:
    """7: alerts are told of while their event goes on."""
    to.add_column("alerts", sa.Column("is_final", sa.Boolean, nullable=False, server_default=sa.true()))


UPGRADES: dict[int, Callable[[Operations], None]] = {
    1: _behaviours,
    2: _trainings,
    3: _training_starts,
    4: _identity_keys,
    5: _states_and_rosters,
    6: _final_alerts,
}
"""By the version that is found."""


def upgrade_step(connection: sa.Connection, found: int) -> None:
    """Brings the tables from version ``found`` to the next, in the caller's transaction."""
    UPGRADES[found](Operations(MigrationContext.configure(connection)))
