"""What is still to be delivered to the coordinator, in order, and how far its feedback was applied."""

import dataclasses

from fl_client.storage.database import Database

_FEEDBACK = "feedback"


@dataclasses.dataclass(frozen=True)
class Delivery:
    """One thing to deliver: ``kind`` is "alert" or "clip"."""

    sequence: int
    kind: str
    alert_id: str


class Outbox:
    """Deliveries, first in first out. A delivery leaves only after the coordinator took it, or refused it for good."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first(self) -> Delivery | None:
        """The oldest delivery that is neither taken nor refused, or None when all are."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT sequence, kind, alert_id FROM outbox WHERE refusal IS NULL ORDER BY sequence LIMIT 1"
            ).fetchone()
        return Delivery(*row) if row else None

    def __len__(self) -> int:
        with self._database.transaction() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM outbox WHERE refusal IS NULL").fetchone()[0])

    def mark_taken(self, delivery: Delivery) -> None:
        """The coordinator has it."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM outbox WHERE sequence = ?", (delivery.sequence,))

    def mark_refused(self, delivery: Delivery, reason: str) -> None:
        """The coordinator will never take it: kept with the reason, and no longer in the way of the others."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE outbox SET refusal = ? WHERE sequence = ?", (reason, delivery.sequence))


class FeedbackCursor:
    """Sequence number of the last feedback that was applied; 0 before the first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def position(self) -> int:
        """The last sequence number applied."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT position FROM cursors WHERE name = ?", (_FEEDBACK,)).fetchone()
        return int(row[0]) if row else 0

    def advance(self, position: int) -> None:
        """Moves on to ``position``; never back."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO cursors VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET"
                " position = max(position, excluded.position)",
                (_FEEDBACK, position),
            )
