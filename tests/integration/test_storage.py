"""What the coordinator keeps, on SQLite and on PostgreSQL."""

import datetime as dt

import pytest
import sqlalchemy as sa

from fl_protocol.messages import ClosedRound, Feedback, ShownBehaviour
from fl_server.errors import ConflictError, MalformedError, NotFoundError, StartError, UnknownTokenError
from fl_server.storage.alerts import AlertQuery, LabelFilter, add_alert, count_unlabelled, get_alert, list_alerts
from fl_server.storage.clips import announced_digest, attach_clip
from fl_server.storage.database import Storage, create_schema
from fl_server.storage.feedback import add_feedback, feedback_after
from fl_server.storage.models import latest_model, model_file
from fl_server.storage.rounds import list_rounds, put_round
from fl_server.storage.sites import KnownSite, register_site, site_of_token
from fl_server.storage.trainings import take_lease, want_training
from tests.unit.fl_server.memory_storage import START, report

_UNIQUE_BY_TABLE = {
    "sites": [["name"], ["token_digest"]],
    "trainings": [["training_id"]],
    "training_states": [["training_id", "round_number"]],
    "rounds": [["training_id", "round_number"]],
}
SHOWN = (ShownBehaviour(behaviour="dwell", value=74.0, zone="till"),)


def _site(storage: Storage, name: str = "store42") -> KnownSite:
    return site_of_token(storage, register_site(storage, name, None).token)


def test_token_leads_back_to_its_site_and_is_not_stored(storage: Storage) -> None:
    registration = register_site(storage, "store42", None)
    assert registration.is_new
    assert site_of_token(storage, registration.token).name == "store42"
    with storage.reading() as session:
        stored = session.execute(sa.text("SELECT * FROM sites")).one()
    assert registration.token not in str(stored)


def test_name_is_held_by_its_token(storage: Storage) -> None:
    token = register_site(storage, "store42", None).token
    again = register_site(storage, "store42", token)
    assert (again.token, again.is_new) == (token, False)
    for other in (None, "x" * 43):
        with pytest.raises(ConflictError, match="site store42 is already registered: present its token to use it"):
            register_site(storage, "store42", other)


def test_token_that_the_site_made_is_kept(storage: Storage) -> None:
    token = "t" * 43
    assert register_site(storage, "store42", token).is_new
    assert not register_site(storage, "store42", token).is_new
    with pytest.raises(ConflictError, match="site store7 cannot be registered with this token"):
        register_site(storage, "store7", token)


def test_unknown_token_is_refused(storage: Storage) -> None:
    with pytest.raises(UnknownTokenError, match="expected the bearer token of a registered site"):
        site_of_token(storage, "x" * 43)


def test_repeated_alert_counts_once(storage: Storage) -> None:
    site, sent = _site(storage), report()
    assert [add_alert(storage, site, sent)[1] for _ in range(3)] == [True, False, False]
    page = list_alerts(storage, AlertQuery())
    assert [alert.report for alert in page.alerts] == [sent]
    assert page.next_before is None


def test_alert_id_names_one_alert(storage: Storage) -> None:
    site, sent = _site(storage), report()
    add_alert(storage, site, sent)
    with pytest.raises(ConflictError, match=f"alert_id {sent.alert_id} is already used by a different alert"):
        add_alert(storage, site, sent.model_copy(update={"score": 5.0}))
    with pytest.raises(ConflictError, match="already used"):
        add_alert(storage, _site(storage, "store7"), sent)


def test_alert_is_told_again_until_its_last_word_and_counts_once(storage: Storage) -> None:
    site = _site(storage)
    last = report(clip_digest="b" * 64)
    first = last.model_copy(update={"is_final": False, "clip_digest": None, "why": "Enters.", "severity_score": 0.5})
    assert add_alert(storage, site, first)[1]
    assert get_alert(storage, last.alert_id).report == first
    stored, is_new = add_alert(storage, site, last)
    assert (stored.report, is_new) == (last, False)
    assert add_alert(storage, site, first)[0].report == last  # late: it was said before the last word
    with pytest.raises(ConflictError, match="already used"):
        add_alert(storage, _site(storage, "store43"), first)
    assert len(list_alerts(storage, AlertQuery()).alerts) == 1


def test_pages_are_newest_first_without_gaps_or_repeats(storage: Storage) -> None:
    site = _site(storage)
    sent = [report(minute) for minute in (3, 1, 2, 2, 2, 0)]
    for one in sent:
        add_alert(storage, site, one)
    seen, before = [], None
    while True:
        page = list_alerts(storage, AlertQuery(before=before, limit=2))
        seen += [alert.report for alert in page.alerts]
        before = page.next_before
        if before is None:
            break
    assert seen == sorted(sent, key=lambda one: (one.started_utc, one.alert_id), reverse=True)


def test_mark_that_no_page_gave_is_refused(storage: Storage) -> None:
    with pytest.raises(MalformedError, match="expected 'before' as an earlier page gave it in next_before"):
        list_alerts(storage, AlertQuery(before="yesterday"))


def test_alerts_are_filtered_by_site_and_latest_label(storage: Storage) -> None:
    site, other = _site(storage), _site(storage, "store7")
    unlabelled, wrong, right = report(1), report(2), report(3)
    for owner, one in ((site, unlabelled), (site, wrong), (other, right)):
        add_alert(storage, owner, one)
    add_feedback(storage, wrong.alert_id, Feedback(label="confirmed"))
    add_feedback(storage, wrong.alert_id, Feedback(label="false"))
    add_feedback(storage, right.alert_id, Feedback(label="confirmed"))

    def found(label: LabelFilter | None, name: str | None = None) -> list[str]:
        return [a.report.alert_id for a in list_alerts(storage, AlertQuery(site=name, label=label)).alerts]

    assert found("none") == [unlabelled.alert_id]
    assert found("false") == [wrong.alert_id]
    assert found("confirmed") == [right.alert_id]
    assert found(None, "store42") == [wrong.alert_id, unlabelled.alert_id]
    assert found(None, "nowhere") == []
    assert (count_unlabelled(storage), count_unlabelled(storage, "store7")) == (1, 0)


def test_latest_feedback_wins_and_history_reaches_the_site_in_order(storage: Storage) -> None:
    site, sent = _site(storage), report()
    add_alert(storage, site, sent)
    first = add_feedback(storage, sent.alert_id, Feedback(label="false"))
    assert add_feedback(storage, sent.alert_id, Feedback(label="false")) == first
    second = add_feedback(storage, sent.alert_id, Feedback(label="confirmed", kind="loitering", note="seen twice"))
    assert get_alert(storage, sent.alert_id).feedback == second
    page = feedback_after(storage, site, 0, 100)
    assert page.items == (first, second)
    assert [entry.sequence for entry in page.items] == [1, 2]
    assert feedback_after(storage, site, page.next_after, 100).items == ()
    assert feedback_after(storage, site, 0, 1).next_after == 1


def test_each_site_pulls_only_its_own_feedback(storage: Storage) -> None:
    site, other, sent = _site(storage), _site(storage, "store7"), report()
    add_alert(storage, site, sent)
    add_feedback(storage, sent.alert_id, Feedback(label="false"))
    assert feedback_after(storage, other, 0, 100).items == ()
    assert len(feedback_after(storage, site, 0, 100).items) == 1


def test_site_ahead_of_a_restored_coordinator_is_led_back(storage: Storage) -> None:
    site, sent = _site(storage), report()
    add_alert(storage, site, sent)
    add_feedback(storage, sent.alert_id, Feedback(label="false"))
    assert feedback_after(storage, site, 40, 100).next_after == 1


def test_feedback_on_no_alert_is_refused(storage: Storage) -> None:
    missing = report().alert_id
    with pytest.raises(NotFoundError, match=f"there is no alert {missing}"):
        add_feedback(storage, missing, Feedback(label="false"))


def test_clip_belongs_to_the_alert_of_its_site(storage: Storage) -> None:
    site, other = _site(storage), _site(storage, "store7")
    with_clip, without = report(clip_digest="b" * 64), report()
    add_alert(storage, site, with_clip)
    add_alert(storage, site, without)
    assert announced_digest(storage, site, with_clip.alert_id) == "b" * 64
    with pytest.raises(NotFoundError, match=f"site store7 has no alert {with_clip.alert_id}"):
        announced_digest(storage, other, with_clip.alert_id)
    with pytest.raises(ConflictError, match=f"alert {without.alert_id} announced no clip"):
        announced_digest(storage, site, without.alert_id)
    attach_clip(storage, site, with_clip.alert_id, "video/webm")
    assert get_alert(storage, with_clip.alert_id).has_clip


def test_no_model_is_published_at_first(storage: Storage) -> None:
    assert latest_model(storage) is None
    with pytest.raises(NotFoundError, match="there is no model"):
        model_file(storage, "a" * 64)


def _closed(training_id: str, round_number: int, loss: float = 0.5) -> ClosedRound:
    return ClosedRound(
        training_id=training_id,
        round_number=round_number,
        closed_utc=START + dt.timedelta(minutes=round_number),
        num_sites=20,
        loss=loss,
        auc=0.75,
        auc_by_state={"open": 0.8, "closed": 0.7},
        bytes_up=1000,
        model_digest=None,
    )


def test_resumed_round_replaces_its_record(storage: Storage) -> None:
    for closed in (_closed("run-1", 1), _closed("run-1", 2), _closed("run-2", 1), _closed("run-1", 2, loss=0.25)):
        with storage.writing() as session:
            put_round(session, closed)
    kept = list_rounds(storage, limit=10)
    assert [(one.training_id, one.round_number, one.loss) for one in kept] == [
        ("run-1", 2, 0.25),
        ("run-2", 1, 0.5),
        ("run-1", 1, 0.5),
    ]
    assert list_rounds(storage, limit=1) == kept[:1] == (_closed("run-1", 2, loss=0.25),)


def test_naive_instant_is_refused(storage: Storage) -> None:
    naive = Storage(storage.engine, storage.folder, lambda: START.replace(tzinfo=None))
    with pytest.raises(sa.exc.StatementError, match="expected a timezone-aware instant"):
        register_site(naive, "store42", None)


def test_database_of_a_newer_version_is_refused(storage: Storage) -> None:
    create_schema(storage.engine)  # again: harmless
    with storage.writing() as session:
        session.execute(sa.text("UPDATE schema_version SET version = 8"))
    with pytest.raises(StartError, match="expected a database of schema version 7 or older, got version 8"):
        create_schema(storage.engine)


def test_database_of_the_first_version_is_upgraded_and_keeps_its_alerts(storage: Storage) -> None:
    site, old = _site(storage), report()
    add_alert(storage, site, old)
    with storage.writing() as session:
        session.execute(sa.text("ALTER TABLE alerts DROP COLUMN behaviours"))
        session.execute(sa.text("ALTER TABLE alerts DROP COLUMN is_final"))
        session.execute(sa.text("ALTER TABLE sites DROP COLUMN identity_key"))
        session.execute(sa.text("ALTER TABLE rounds DROP COLUMN auc_by_state"))
        for table in ("training_starts", "training_states", "training_lease", "trainings"):
            session.execute(sa.text(f"DROP TABLE {table}"))
        session.execute(sa.text("UPDATE schema_version SET version = 1"))
    create_schema(storage.engine)
    assert get_alert(storage, old.alert_id).report == old
    new = report(1).model_copy(update={"behaviours": SHOWN})
    assert add_alert(storage, site, new)[0].report == new


def test_upgraded_database_has_the_tables_of_a_new_one(storage: Storage) -> None:
    tables = ("training_starts", "training_states", "training_lease", "trainings")
    new = {name: sorted(_columns(storage, name)) for name in ("sites", "rounds", *tables)}
    with storage.writing() as session:
        session.execute(sa.text("ALTER TABLE alerts DROP COLUMN is_final"))
        session.execute(sa.text("ALTER TABLE sites DROP COLUMN identity_key"))
        session.execute(sa.text("ALTER TABLE rounds DROP COLUMN auc_by_state"))
        for name in tables:
            session.execute(sa.text(f"DROP TABLE {name}"))
        session.execute(sa.text("UPDATE schema_version SET version = 2"))
    create_schema(storage.engine)
    assert {name: sorted(_columns(storage, name)) for name in ("sites", "rounds", *tables)} == new
    assert take_lease(storage, want_training(storage, 1, {}).training_id).epoch == 1


def _columns(storage: Storage, table: str) -> list[tuple[str, str, bool]]:
    with storage.engine.connect() as connection:
        found = sa.inspect(connection)
        assert found.get_pk_constraint(table)["constrained_columns"] == ["id"]
        unique = [one["column_names"] for one in found.get_unique_constraints(table)]
        assert unique == _UNIQUE_BY_TABLE.get(table, [])
        return [(one["name"], str(one["type"]), one["nullable"]) for one in found.get_columns(table)]


def test_alert_with_behaviours_is_kept_whole_and_taken_once(storage: Storage) -> None:
    site, sent = _site(storage), report().model_copy(update={"behaviours": SHOWN})
    assert [add_alert(storage, site, sent) for _ in range(2)] == [
        (get_alert(storage, sent.alert_id), True),
        (get_alert(storage, sent.alert_id), False),
    ]
    assert get_alert(storage, sent.alert_id).report.behaviours == SHOWN
