"""The continuous recording of all cameras: its segments, and the gaps between them with their causes."""

import datetime as dt
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from fl_client.recording.retention import Segment, Tier
from fl_client.storage.database import Database

logger = logging.getLogger(__name__)

LEAST_GAP_S = 1.0
"""Seconds without a picture that are a gap: slower cameras than one picture a second are not recorded without one."""
_COLUMNS = "camera, name, began_s, ended_s, num_bytes, tier"


class Gap(NamedTuple):
    """Seconds of a camera that nobody can play, and why."""

    camera: str
    began_s: float
    ended_s: float
    cause: str


class RecordingStore:
    """What was recorded.

    Args:
        database: Of the client.
        folder: Of the recordings; one folder for each camera.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self.folder = database, folder

    def open_segment(self, camera: str, name: str, began_s: float, cause: str) -> None:
        """Notes that a segment begins, and the gap before it if there is one.

        Args:
            camera: Whose.
            name: Of the file.
            began_s: Instant of its first picture.
            cause: Of a gap.
        """
        with self._database.transaction() as connection:
            (last_s,) = connection.execute("SELECT MAX(ended_s) FROM segments WHERE camera = ?", (camera,)).fetchone()
            if last_s is not None and began_s - last_s > LEAST_GAP_S:
                connection.execute("INSERT INTO gaps VALUES (?, ?, ?, ?)", (camera, last_s, began_s, cause))
            connection.execute(
                f"INSERT OR IGNORE INTO segments ({_COLUMNS}) VALUES (?, ?, ?, NULL, 0, ?)",  # noqa: S608 - constant
                (camera, name, began_s, int(Tier.CONTINUOUS)),
            )

    def close_segment(self, camera: str, name: str, ended_s: float, tier: Tier) -> None:
        """Notes that a segment is whole, and of how much interest it is at least."""
        try:
            num_bytes = (self.folder / camera / name).stat().st_size
        except OSError:
            num_bytes = 0
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE segments SET ended_s = ?, num_bytes = ?, tier = MAX(tier, ?) WHERE camera = ? AND name = ?",
                (ended_s, num_bytes, int(tier), camera, name),
            )

    def mark(self, camera: str, began_s: float, ended_s: float, tier: Tier) -> None:
        """Says that an interval is of interest: the segments it touches are kept for longer."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE segments SET tier = MAX(tier, ?) WHERE camera = ? AND began_s <= ?"
                " AND COALESCE(ended_s, ?) >= ?",
                (int(tier), camera, ended_s, ended_s, began_s),
            )

    def adopt_unknown(self) -> None:
        """Takes in files that a killed client had no time to note."""
        for path in sorted(self.folder.glob("*/*")):
            camera, began_s = path.parent.name, _began_s(path)
            if began_s is not None:
                with self._database.transaction() as connection:
                    connection.execute(
                        f"INSERT OR IGNORE INTO segments ({_COLUMNS}) VALUES (?, ?, ?, NULL, 0, ?)",  # noqa: S608
                        (camera, path.name, began_s, int(Tier.CONTINUOUS)),
                    )

    def left_open(self) -> list[Segment]:
        """Segments that nobody has closed: of a client that was killed."""
        return [one for one in self.segments() if one.ended_s is None]

    def segments(self, camera: str | None = None) -> list[Segment]:
        """All segments, or those of a camera, in order of time."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM segments WHERE camera = COALESCE(?, camera) ORDER BY began_s",  # noqa: S608
                (camera,),
            ).fetchall()
        return [Segment(*row)._replace(tier=Tier(row[-1])) for row in rows]

    def gaps(self, camera: str | None = None) -> list[Gap]:
        """All gaps, or those of a camera, in order of time."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT camera, began_s, ended_s, cause FROM gaps WHERE camera = COALESCE(?, camera) ORDER BY began_s",
                (camera,),
            ).fetchall()
        return [Gap(*row) for row in rows]

    def remove(self, segments: Iterable[Segment]) -> None:
        """Removes segments, file by file: a row without its file would be a promise that cannot be kept."""
        for one in segments:
            try:
                (self.folder / one.camera / one.name).unlink(missing_ok=True)
            except OSError:
                logger.exception("segment could not be removed", extra={"camera": one.camera, "segment": one.name})
                continue
            with self._database.transaction() as connection:
                connection.execute("DELETE FROM segments WHERE camera = ? AND name = ?", (one.camera, one.name))
                oldest = "SELECT MIN(began_s) FROM segments WHERE camera = ?"
                connection.execute(
                    f"DELETE FROM gaps WHERE camera = ? AND ended_s <= COALESCE(({oldest}), ended_s)",  # noqa: S608
                    (one.camera, one.camera),
                )


def _began_s(path: Path) -> float | None:
    """The instant in a segment's name; None for a file that is none."""
    try:
        stamp = path.name[: len("20260302T100000.000")]
        return dt.datetime.strptime(stamp, "%Y%m%dT%H%M%S.%f").replace(tzinfo=dt.UTC).timestamp()
    except ValueError:
        return None
