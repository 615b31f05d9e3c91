"""The operator's page as HTML."""

import datetime as dt

import pydantic
import pytest

from fl_protocol.messages import (
    AlertPage,
    BehaviourName,
    ClosedRound,
    FeedbackEntry,
    PublishedModel,
    ShownBehaviour,
    StoredAlert,
)
from fl_server.dashboard.alert_page import Clock, Overview, Selection, alert_card, render_alert_page
from tests.unit.fl_server.memory_storage import START, report

CLOCK = Clock(START + dt.timedelta(minutes=5), "Europe/Berlin")
ADDRESS = "http://127.0.0.1:8080"


def _stored(why: str = "Person after closing.", label: bool = False, has_clip: bool = False) -> StoredAlert:
    sent = report().model_copy(update={"why": why})
    feedback = FeedbackEntry(sequence=1, alert_id=sent.alert_id, label="false", kind="cat", at_utc=START)
    return StoredAlert(
        site="store42", report=sent, received_utc=START, has_clip=has_clip, feedback=feedback if label else None
    )


def _page(*alerts: StoredAlert, selection: Selection | None = None, next_before: str | None = None) -> str:
    overview = Overview(AlertPage(alerts=alerts, next_before=next_before), len(alerts), None, None)
    return render_alert_page(overview, selection or Selection(), CLOCK, ADDRESS)


def test_card_says_when_in_local_time() -> None:
    card = alert_card(_stored(), CLOCK)
    assert (card.when, card.age, card.duration_s) == ("Sun 1 Mar 23:00:00 CET", "5 min ago", 9)
    assert (card.severity, card.verdict) == ("critical", None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3600, "clock ahead"),
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (90000, "1 d ago"),
    ],
)
def test_age_is_in_the_largest_unit(seconds: int, words: str) -> None:
    assert CLOCK.age(CLOCK.now - dt.timedelta(seconds=seconds)) == words


def test_year_is_shown_when_it_is_another() -> None:
    assert CLOCK.day_and_time(START.replace(year=2025)) == "Sat 1 Mar 2025 23:00:00 CET"


def test_text_of_a_site_cannot_become_markup() -> None:
    html = _page(_stored(why="<script>alert(1)</script>"))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    ("behaviour", "value", "zone", "metres_s", "words"),
    [
        ("speed", 2.345, None, None, "fast, 2.3 heights/s"),
        ("speed", 2.0, "hall", 3.4, "fast, 2.0 heights/s (3.4 m/s) in zone hall"),
        ("against_flow", -0.9, "aisle", None, "against the permitted direction at 0.9 heights/s in zone aisle"),
        ("dwell", 74.2, "till", None, "dwell 74 s in zone till"),
        ("dwell", 3600.0, "till", None, "dwell 60 min in zone till"),
        ("stopped", 12.0, None, None, "moved, then stood still 12 s"),
        ("crowd", 9.0, "hall", None, "9 people together in zone hall"),
        ("left_object", 40.0, "doors", None, "object left unattended 40 s in zone doors"),
        ("fall", 8.0, "<b>", None, "fell and lay still 8 s in zone &lt;b&gt;"),
    ],
)
def test_behaviours_are_told_in_words(
    behaviour: BehaviourName, value: float, zone: str | None, metres_s: float | None, words: str
) -> None:
    shown = ShownBehaviour(behaviour=behaviour, value=value, zone=zone, metres_s=metres_s)
    stored = _stored()
    report_with = stored.report.model_copy(update={"behaviours": (shown,)})
    assert f"<li>{words}</li>" in _page(stored.model_copy(update={"report": report_with}))
    assert "<li>" not in _page(stored)


def test_page_needs_no_script_and_no_other_machine() -> None:
    html = _page(_stored(has_clip=True))
    assert "<script" not in html
    assert "style=" not in html  # the content security policy forbids both
    assert "//" not in html.replace("<!doctype html>", "").replace(ADDRESS, "")


def test_clip_is_offered_once_it_is_there() -> None:
    with_clip, without = _stored(has_clip=True), _stored()
    assert f'src="/v1/alerts/{with_clip.report.alert_id}/clip"' in _page(with_clip)
    assert 'preload="none"' in _page(with_clip)
    assert "<video" not in _page(without)
    assert "No clip" in _page(without)


def test_current_label_is_marked() -> None:
    html = _page(_stored(label=True))
    assert '<button name="label" value="false" aria-pressed="true">False alarm</button>' in html
    assert "Labelled false alarm 5 min ago as cat" in html
    assert 'aria-pressed="true"' not in _page(_stored())


def test_older_page_keeps_the_filter() -> None:
    selection = Selection(label="none", site="store42")
    html = _page(_stored(), selection=selection, next_before="2026-03-01T22:00:00.000000Z~x")
    assert 'href="/?label=none&amp;site=store42&amp;before=2026-03-01T22%3A00%3A00.000000Z~x">Older</a>' in html


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection(), "No alerts yet"),
        (Selection(label="none"), "Nothing waits for you"),
        (Selection(label="confirmed"), "No such alerts"),
        (Selection(before="x"), "No older alerts"),
    ],
)
def test_empty_page_says_what_is_empty(selection: Selection, words: str) -> None:
    assert words in _page(selection=selection)


def test_newcomer_is_told_the_next_step() -> None:
    assert ADDRESS in _page()
    assert "python -m fl_client --help" in _page()


@pytest.mark.parametrize(("card", "is_told"), [({}, True), ({"is_masked": False}, True), ({"is_masked": True}, False)])
def test_reader_is_told_when_updates_were_not_masked(card: dict[str, pydantic.JsonValue], is_told: bool) -> None:
    notice = "The model in force was trained without masks: this coordinator could read each site's update."
    model = PublishedModel(digest="ab" * 32, size_bytes=9, round_number=3, created_utc=START, card=card)
    html = render_alert_page(Overview(AlertPage(alerts=()), 0, model, None), Selection(), CLOCK, ADDRESS)
    assert (notice in html) == is_told
    assert notice not in _page()  # before the first model there is nothing to say


def test_header_shows_model_and_round() -> None:
    model = PublishedModel(digest="ab" * 32, size_bytes=9, round_number=3, created_utc=START, card={})
    closed = ClosedRound(
        training_id="run-1", round_number=3, closed_utc=START, num_sites=1, loss=0.4321, auc=None, bytes_up=1
    )
    html = render_alert_page(Overview(AlertPage(alerts=()), 0, model, closed), Selection(), CLOCK, ADDRESS)
    text = " ".join(html.split())
    assert "abababab</code> round 3, 5 min ago" in text
    assert "3 of run-1: 1 site, loss 0.432, 5 min ago" in text
