"""The alerts page as HTML: a pure function of what the storage holds and of the instant."""

import dataclasses
import datetime as dt
import urllib.parse
import zoneinfo
from typing import Literal

import jinja2

from context.severity import severity_word
from fl_protocol.messages import AlertPage, ClosedRound, PublishedModel, StoredAlert
from fl_server.dashboard.behaviour_words import behaviour_words

PageFilter = Literal["all", "none", "false", "confirmed"]
FILTER_TITLES: dict[PageFilter, str] = {
    "all": "All",
    "none": "Unlabelled",
    "false": "False alarms",
    "confirmed": "Confirmed",
}
LABEL_WORDS = {"false": "false alarm", "confirmed": "confirmed"}

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("fl_server.dashboard", "."),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which alerts the operator looks at; the page's own address says so."""

    label: PageFilter = "all"
    site: str | None = None
    before: str | None = None

    def address(self, **changes: str | None) -> str:
        """Address of the page for this selection with ``changes``."""
        chosen = {**dataclasses.asdict(self), **changes}
        query = {name: value for name, value in chosen.items() if value and value != "all"}
        return "/?" + urllib.parse.urlencode(query) if query else "/"


@dataclasses.dataclass(frozen=True)
class Overview:
    """What the coordinator holds, as far as the page shows it."""

    alerts: AlertPage
    num_unlabelled: int
    model: PublishedModel | None
    last_round: ClosedRound | None


@dataclasses.dataclass(frozen=True)
class Clock:
    """The instant the page is made, and the time zone it is read in (``None``: this machine's)."""

    now: dt.datetime
    time_zone: str | None

    def local(self, instant: dt.datetime) -> dt.datetime:
        """The instant as wall-clock time."""
        return instant.astimezone(None if self.time_zone is None else zoneinfo.ZoneInfo(self.time_zone))

    def day_and_time(self, instant: dt.datetime) -> str:
        """Such as ``Sun 22 Nov 02:13:05 CET``, with the year when it is not the present one."""
        local = self.local(instant)
        year = "" if local.year == self.local(self.now).year else f" {local.year}"
        return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M:%S %Z}"

    def age(self, instant: dt.datetime) -> str:
        """How long ago, in the largest fitting unit; an instant ahead of ours is a clock that runs fast."""
        seconds = (self.now - instant).total_seconds()
        if seconds < -60:
            return "clock ahead"
        for unit, unit_s in (("d", 86400), ("h", 3600), ("min", 60)):
            if seconds >= unit_s:
                return f"{int(seconds // unit_s)} {unit} ago"
        return "just now"


@dataclasses.dataclass(frozen=True)
class AlertCard:
    """One alert in words."""

    stored: StoredAlert
    severity: str
    when: str
    age: str
    duration_s: int
    verdict: str | None
    behaviours: tuple[str, ...]

    @property
    def label(self) -> str | None:
        """The current label."""
        return None if self.stored.feedback is None else self.stored.feedback.label


def alert_card(stored: StoredAlert, clock: Clock) -> AlertCard:
    """Puts an alert into the words of the page."""
    report, feedback = stored.report, stored.feedback
    verdict = None
    if feedback is not None:
        verdict = f"Labelled {LABEL_WORDS[feedback.label]} {clock.age(feedback.at_utc)}"
    return AlertCard(
        stored=stored,
        severity=severity_word(report.severity_score).value,
        when=clock.day_and_time(report.started_utc),
        age=clock.age(report.started_utc),
        duration_s=max(1, round((report.ended_utc - report.started_utc).total_seconds())),
        verdict=verdict,
        behaviours=tuple(behaviour_words(shown) for shown in report.behaviours),
    )


def render_alert_page(overview: Overview, selection: Selection, clock: Clock, address: str) -> str:
    """The page as HTML.

    Args:
        overview: What to show.
        selection: What the operator chose to see.
        clock: Now, and where the reader is.
        address: Address of this coordinator, for the hint to a newcomer.
    """
    cards = [alert_card(stored, clock) for stored in overview.alerts.alerts]
    return _templates.get_template("alert_page.html.jinja").render(
        overview=overview, cards=cards, selection=selection, clock=clock, address=address, filters=FILTER_TITLES
    )


def render_reference(schema: dict[str, object]) -> str:
    """The API reference as HTML, from the OpenAPI schema; needs no script and no other machine."""
    return _templates.get_template("reference.html.jinja").render(schema=schema)
