"""From an event to the report a coordinator takes."""

import datetime as dt
from typing import cast

from context.behaviour.finding import Finding
from context.event import Event
from fl_protocol.messages import MAX_BEHAVIOURS, AlertReport, ShownBehaviour, State

MAX_WHY_CHARACTERS = 500
_MOST = 1e9


def report_of(event: Event, alert_id: str, camera: str, model_digest: str) -> AlertReport:
    """The report of ``event``, still without a clip.

    Args:
        event: The event, or one part of a long one.
        alert_id: UUID version 4.
        camera: Name of the camera.
        model_digest: SHA-256 of the model that scored it.
    """
    peak = event.peak
    return AlertReport(
        alert_id=alert_id,
        camera=camera,
        started_utc=_instant(event.first.instant_s),
        ended_utc=_instant(max(event.ended_s, event.first.instant_s)),
        operational_state=cast("State", event.first.operational_state),  # the message checks it
        zone=_shown(peak.zone, 64) or None,
        severity_score=peak.severity,
        score=_bounded(peak.score),
        why=_why(event),
        model_digest=model_digest,
        peak_box=peak.box,
        behaviours=tuple(_told(finding) for finding in event.behaviours[:MAX_BEHAVIOURS]),
    )


def _told(finding: Finding) -> ShownBehaviour:
    zone, metres_s = _shown(finding.zone, 64) or None, finding.metres_s
    return ShownBehaviour(
        behaviour=finding.behaviour.value,
        value=round(_bounded(finding.value), 3),
        zone=zone,
        metres_s=None if metres_s is None else round(_bounded(metres_s), 3),
    )


def _why(event: Event) -> str:
    """What rules said, then why the model finds it unusual, where it does."""
    suffix = "" if event.part == 1 else f" (part {event.part} of a long event)"
    why = " ".join([*event.told, *([] if event.peak.is_told else [event.peak.why])])
    return (_shown(why, MAX_WHY_CHARACTERS - len(suffix)) or "Unusual for this camera.") + suffix


def _shown(text: str, max_characters: int) -> str:
    """Text as the message allows it: printable and bounded."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:max_characters]


def _bounded(number: float) -> float:
    return min(max(number, -_MOST), _MOST)


def _instant(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
