"""Clips and alerts on a real disk: what is written, and what a failure leaves."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from context.event import Event, Observation
from fl_client.errors import StateError
from fl_client.recording.alert_report import report_of
from fl_client.recording.clip_writer import ClipWriter, FinishedClip
from fl_client.recording.jpeg_ring import JpegFrame, compress
from fl_client.storage.database import open_database
from fl_client.storage.events import AlertStore
from fl_client.storage.outbox import Delivery, Outbox
from fl_client.storage.state_folder import open_state_folder
from tests.fakes.videos import decoded_times

ALERT_ID = "3e576314-0673-4c7c-9556-81e98620480b"
PEAK = Observation(10.0, 0.8, operational_state="open")
REPORT = report_of(Event(PEAK, PEAK, 11.0), ALERT_ID, "door", "a" * 64)


def frames(count: int, height: int = 120, first_s: float = 100.0) -> list[JpegFrame]:
    picture = np.full((height, 160, 3), 90, np.uint8)
    return [compress(picture, first_s + index / 10) for index in range(count)]


def test_clip_keeps_the_times_of_its_frames_and_announces_its_digest(tmp_path: Path) -> None:
    finished: list[FinishedClip] = []
    writer = ClipWriter(tmp_path, 10.0, finished.append)
    writer.open("a", frames(10))
    for frame in frames(5, first_s=103.0):
        writer.add(frame)
    writer.finish()
    writer.close()
    digest = hashlib.sha256((tmp_path / "a.webm").read_bytes()).hexdigest()
    assert finished == [FinishedClip("a", digest, 15)]
    assert decoded_times(tmp_path / "a.webm") == pytest.approx(
        [*np.arange(10) / 10, *(3 + np.arange(5) / 10)], abs=0.002
    )


def test_camera_that_changes_its_resolution_within_a_clip_is_fitted(tmp_path: Path) -> None:
    finished: list[FinishedClip] = []
    writer = ClipWriter(tmp_path, 10.0, finished.append)
    writer.open("a", [*frames(5), *frames(5, height=90, first_s=101.0)])
    writer.close()
    assert finished[0].num_frames == 10
    assert len(decoded_times(tmp_path / "a.webm")) == 10


def test_clip_that_cannot_be_written_is_said_and_the_next_one_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    finished: list[FinishedClip] = []
    folder = tmp_path / "clips"
    writer = ClipWriter(folder, 10.0, finished.append)
    writer.open("a", frames(200))  # more than the queue holds: a failed clip must not stop the frame loop
    writer.finish()
    folder.mkdir()
    writer.open("b", frames(3))
    writer.close()
    assert finished[0] == FinishedClip("a", None, 0)
    assert [clip.alert_id for clip in finished] == ["a", "b"]
    assert [path.name for path in folder.iterdir()] == ["b.webm"]
    assert "clip could not be written" in caplog.text


def test_alert_is_complete_once_and_queued_with_its_clip(tmp_path: Path) -> None:
    database = open_database(tmp_path / "client.sqlite")
    alerts, outbox = AlertStore(database, tmp_path), Outbox(database)
    alerts.keep(REPORT)
    assert outbox.first() is None
    alerts.complete(ALERT_ID, "c" * 64)
    alerts.complete(ALERT_ID, "c" * 64)
    alerts.keep(REPORT)  # too late: a complete alert stays as it was sent
    assert alerts.complete_interrupted() == 0
    assert alerts.get(ALERT_ID).clip_digest == "c" * 64
    assert outbox.first() == Delivery(1, "alert", ALERT_ID)
    assert len(outbox) == 2
    database.close()


def test_unknown_alert_is_an_error(tmp_path: Path) -> None:
    database = open_database(None)
    with pytest.raises(KeyError, match=ALERT_ID):
        AlertStore(database, tmp_path).complete(ALERT_ID, None)
    database.close()


def test_half_written_clips_of_a_killed_client_are_cleared(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / ".a.webm.part").write_bytes(b"half")
    (tmp_path / "clips" / "b.webm").write_bytes(b"whole")
    with open_state_folder(tmp_path) as folder:
        assert [path.name for path in folder.clips.iterdir()] == ["b.webm"]


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
    with pytest.raises(StateError, match=r"client\.sqlite: (cannot be used|expected schema version 1, got 99)"):
        open_database(path)


def test_file_in_the_place_of_the_state_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StateError, match="cannot be used as state folder"):
        open_state_folder(tmp_path / "state")
