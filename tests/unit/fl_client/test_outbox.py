"""Deliveries in order, and a cursor that never goes back."""

import pytest

from fl_client.storage.database import Database, open_database
from fl_client.storage.outbox import Delivery, FeedbackCursor, Outbox


def database_with(*alert_ids: str) -> Database:
    database = open_database(None)
    with database.transaction() as connection:
        connection.executemany("INSERT INTO alerts VALUES (?, '{}', 1)", [(one,) for one in alert_ids])
        connection.executemany("INSERT INTO outbox (kind, alert_id) VALUES ('alert', ?)", [(one,) for one in alert_ids])
    return database


def test_deliveries_leave_in_order_and_only_once_taken() -> None:
    outbox = Outbox(database_with("a", "b"))
    assert outbox.first() == outbox.first() == Delivery(1, "alert", "a")
    outbox.mark_taken(Delivery(1, "alert", "a"))
    assert outbox.first() == Delivery(2, "alert", "b")
    assert len(outbox) == 1


def test_refused_delivery_does_not_hold_up_the_others() -> None:
    outbox = Outbox(database_with("a", "b"))
    outbox.mark_refused(Delivery(1, "alert", "a"), "too odd")
    assert outbox.first() == Delivery(2, "alert", "b")
    outbox.mark_taken(Delivery(2, "alert", "b"))
    assert outbox.first() is None


def test_cursor_starts_at_zero_and_never_goes_back() -> None:
    cursor = FeedbackCursor(open_database(None))
    assert cursor.position == 0
    cursor.advance(7)
    cursor.advance(3)
    assert cursor.position == 7


def empty_outbox_and_fail(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("DELETE FROM outbox")
        raise RuntimeError("killed here")


def test_failed_transaction_changes_nothing() -> None:
    database = database_with("a")
    with pytest.raises(RuntimeError, match="killed here"):
        empty_outbox_and_fail(database)
    assert Outbox(database).first() == Delivery(1, "alert", "a")
