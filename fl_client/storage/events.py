"""Alerts on their way to being complete: opened, ended, and complete once their clip is written or given up.

An alert is stored, and told to the coordinator, the moment its event opens; once more when it is complete. A client
killed before that completes it when it starts again: no event is forgotten. Storing and queueing are one commit.
"""

from pathlib import Path

from fl_client.storage.database import Database
from fl_protocol.messages import AlertReport
from fl_runtime.atomic_file import write_atomically


class AlertStore:
    """The alerts of one client, in its database and as one readable file for each complete one."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def keep(self, report: AlertReport) -> None:
        """Stores an alert that is not complete yet and queues it for delivery, or stores what is new of it."""
        text = report.model_copy(update={"is_final": False}).model_dump_json()
        with self._database.transaction() as connection:
            inserted = connection.execute("INSERT OR IGNORE INTO alerts VALUES (?, ?, 0)", (report.alert_id, text))
            if inserted.rowcount:
                connection.execute("INSERT INTO outbox (kind, alert_id) VALUES ('alert', ?)", (report.alert_id,))
            connection.execute(
                "UPDATE alerts SET report = ? WHERE alert_id = ? AND is_complete = 0", (text, report.alert_id)
            )

    def get(self, alert_id: str) -> AlertReport:
        """The alert as it stands.

        Raises:
            KeyError: No such alert.
        """
        with self._database.transaction() as connection:
            row = connection.execute("SELECT report FROM alerts WHERE alert_id = ?", (alert_id,)).fetchone()
        if row is None:
            raise KeyError(alert_id)
        return AlertReport.model_validate_json(row[0])

    def is_open(self, alert_id: str) -> bool:
        """Whether an alert is here and not complete yet."""
        return alert_id in self.interrupted()

    def camera_of(self, alert_id: str) -> str | None:
        """Name of the camera that an alert is of; None for an alert that is not here."""
        try:
            return self.get(alert_id).camera
        except KeyError:
            return None

    def complete(self, alert_id: str, clip_digest: str | None) -> None:
        """Writes the alert's file and queues its last word, and its clip if there is one. Again changes nothing.

        Raises:
            KeyError: No such alert.
        """
        report = self.get(alert_id).model_copy(update={"clip_digest": clip_digest, "is_final": True})
        text = report.model_dump_json(indent=2) + "\n"
        write_atomically(self._folder / f"{alert_id}.json", text.encode())
        kinds = ["alert"] if clip_digest is None else ["alert", "clip"]
        with self._database.transaction() as connection:
            changed = connection.execute(
                "UPDATE alerts SET report = ?, is_complete = 1 WHERE alert_id = ? AND is_complete = 0",
                (report.model_dump_json(), alert_id),
            )
            if changed.rowcount:
                rows = [(kind, alert_id) for kind in kinds]
                connection.executemany("INSERT INTO outbox (kind, alert_id) VALUES (?, ?)", rows)

    def interrupted(self) -> list[str]:
        """The alerts that a killed client left incomplete, oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT alert_id FROM alerts WHERE is_complete = 0 ORDER BY rowid").fetchall()
        return [alert_id for (alert_id,) in rows]
