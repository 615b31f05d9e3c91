"""Alerts on a real disk: what is written, and what a failure leaves."""

import contextlib
from pathlib import Path

import pytest

from context.event import Event, Observation
from fl_client.errors import StateError
from fl_client.recording.alert_report import report_of
from fl_client.recording.clip_files import remove_parts
from fl_client.storage.database import open_database
from fl_client.storage.events import AlertStore
from fl_client.storage.outbox import Delivery, Outbox
from fl_client.storage.recordings import RecordingStore
from fl_client.storage.state_folder import open_state_folder

ALERT_ID = "3e576314-0673-4c7c-9556-81e98620480b"
PEAK = Observation(10.0, 0.8, operational_state="open")
REPORT = report_of(Event(PEAK, PEAK, 11.0), ALERT_ID, "door", "a" * 64)


def test_alert_is_complete_once_and_queued_with_its_clip(tmp_path: Path) -> None:
    database = open_database(tmp_path / "client.sqlite")
    alerts, outbox = AlertStore(database, tmp_path), Outbox(database)
    alerts.keep(REPORT)
    assert (outbox.first(), alerts.interrupted()) == (Delivery(1, "alert", ALERT_ID), [ALERT_ID])
    assert not alerts.get(ALERT_ID).is_final
    alerts.keep(REPORT.model_copy(update={"why": "Ran."}))
    assert (alerts.get(ALERT_ID).why, len(outbox)) == ("Ran.", 1)
    alerts.complete(ALERT_ID, "c" * 64)
    alerts.complete(ALERT_ID, "c" * 64)
    alerts.keep(REPORT)  # too late: a complete alert stays as it was sent
    assert alerts.interrupted() == []
    assert alerts.get(ALERT_ID).clip_digest == "c" * 64
    assert outbox.first() == Delivery(1, "alert", ALERT_ID)
    assert alerts.get(ALERT_ID).is_final
    assert len(outbox) == 3
    database.close()


def test_unknown_alert_is_an_error(tmp_path: Path) -> None:
    database = open_database(None)
    with pytest.raises(KeyError, match=ALERT_ID):
        AlertStore(database, tmp_path).complete(ALERT_ID, None)
    database.close()


def test_copies_of_clips_that_a_killed_client_was_making_are_cleared(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    for name in (".a.webm.part", ".a.webm.whole", "b.webm"):
        (tmp_path / "clips" / name).write_bytes(b"content")
    with open_state_folder(tmp_path) as folder:
        assert sorted(path.name for path in folder.clips.iterdir()) == [".a.webm.part", "b.webm"]


def test_parts_of_clips_that_nobody_waits_for_are_removed(tmp_path: Path) -> None:
    for name in (".a.webm.part", ".b.mp4.part", "c.mp4"):
        (tmp_path / name).write_bytes(b"content")
    remove_parts(tmp_path, but={"b"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.mp4.part", "c.mp4"]


@pytest.mark.parametrize("content", [b"no database at all" * 100, None])
def test_database_that_cannot_be_used_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "client.sqlite"
    if content is None:
        database = open_database(path)
        with database.transaction() as connection:
            connection.execute("PRAGMA user_version = 99")
        database.close()
    else:
        path.write_bytes(content)
    with pytest.raises(StateError, match=r"client\.sqlite: (cannot be used|expected schema version 2, got 99)"):
        open_database(path)


def test_database_of_the_first_version_is_upgraded_and_keeps_its_alerts(tmp_path: Path) -> None:
    path = tmp_path / "client.sqlite"
    with contextlib.closing(open_database(path)) as database:
        AlertStore(database, tmp_path).keep(REPORT)
        with database.transaction() as connection:
            for table in ("segments", "gaps"):
                connection.execute(f"DROP TABLE {table}")
            connection.execute("PRAGMA user_version = 1")
    with contextlib.closing(open_database(path)) as database:
        assert AlertStore(database, tmp_path).interrupted() == [ALERT_ID]
        assert RecordingStore(database, tmp_path).segments() == []


def test_file_in_the_place_of_the_state_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StateError, match="cannot be used as state folder"):
        open_state_folder(tmp_path / "state")
