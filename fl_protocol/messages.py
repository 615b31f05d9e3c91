"""HTTP bodies that sites, operators and the coordinator exchange, version 1.

Rules:

1. Every message is frozen, carries ``schema_version`` and refuses fields it does not know.
2. Every string and number is bounded; text shown to people is printable, so that it cannot hide or reorder what
   stands beside it (control characters, bidirectional overrides).
3. Instants are ISO 8601 with offset zero. Identities that a site makes up are UUID version 4, lower case.
4. A site makes the ``alert_id``: sending an alert again is harmless, so a site repeats until it has the answer.
5. What is added to a message within a version is optional, and not sent where there is nothing to say: a coordinator
   that does not know it takes the rest. Coordinators are renewed before sites.
"""

import datetime as dt
import operator
from typing import Annotated, Literal, Self, TypeVar, get_args

import pydantic

from fl_protocol.errors import MessageError

SCHEMA_VERSION = 1
MAX_BODY_BYTES = 64 * 1024
"""Largest JSON or form body a coordinator reads, except a published model and a clip."""
MAX_CLIP_BYTES = 32 * 1024 * 1024
"""Largest clip a coordinator takes unless it is configured otherwise."""
MAX_PAGE = 500
MAX_BEHAVIOURS = 16
"""Most behaviours that one alert tells of."""

_EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LATEST = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_MAX_COUNT = 2**53  # beyond it JSON numbers lose digits in browsers


def _parse_instant(instant: object) -> object:
    return dt.datetime.fromisoformat(instant) if isinstance(instant, str) else instant


def _check_instant(instant: dt.datetime) -> dt.datetime:
    if instant.utcoffset() != dt.timedelta(0):
        raise ValueError("expected an instant with UTC offset zero")
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("expected an instant from 1970 to 2199")
    return instant.astimezone(dt.UTC)


def _check_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected printable text without line breaks")
    return text


def _check_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    if box[0] > box[2] or box[1] > box[3]:
        raise ValueError("expected x0 <= x1 and y0 <= y1")
    return box


_PRINTABLE = pydantic.AfterValidator(_check_printable)
Name = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Signature = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{128}$")]
"""Ed25519, in hexadecimal."""
Digest = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]
AlertId = Annotated[
    str, pydantic.Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
]
Token = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9_-]{43,128}$")]
UtcInstant = Annotated[dt.datetime, pydantic.BeforeValidator(_parse_instant), pydantic.AfterValidator(_check_instant)]
ShortText = Annotated[str, pydantic.Field(min_length=1, max_length=64), _PRINTABLE]
LongText = Annotated[str, pydantic.Field(min_length=1, max_length=500), _PRINTABLE]
Fraction = Annotated[float, pydantic.Field(ge=0.0, le=1.0)]
Count = Annotated[int, pydantic.Field(ge=0, le=_MAX_COUNT)]
FractionBox = Annotated[
    tuple[Fraction, Fraction, Fraction, Fraction], pydantic.Field(strict=False), pydantic.AfterValidator(_check_box)
]
Label = Literal["false", "confirmed"]
State = Literal["closed", "opening", "open", "closing", "special_event"]
BehaviourName = Literal["speed", "against_flow", "dwell", "stopped", "crowd", "left_object", "fall"]
ClipMediaType = Literal["video/webm", "video/mp4"]
CLIP_MEDIA_TYPES: tuple[ClipMediaType, ...] = get_args(ClipMediaType)


_STRICT = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Message(pydantic.BaseModel):
    """What all messages share: strict, frozen, finite, closed to unknown fields, versioned."""

    model_config = _STRICT

    schema_version: Literal[1] = pydantic.Field(default=1, description="Version of this message.")


class SiteRegistration(Message):
    """Asks for a place under a name."""

    name: Name = pydantic.Field(description="Name of the site, unique at the coordinator.")
    proof: Signature | None = pydantic.Field(
        default=None,
        repr=False,
        exclude_if=operator.not_,
        description="Where the coordinator has a roster: by the site's identity key, for the bearer token.",
    )


class RegisteredSite(Message):
    """Confirms a site's place."""

    site: Name = pydantic.Field(description="Name of the site.")
    token: Token = pydantic.Field(repr=False, description="Secret the site sends as bearer token; shown only here.")


class ShownBehaviour(pydantic.BaseModel):
    """What an object of an alert did, with its measured value."""

    model_config = _STRICT

    behaviour: BehaviourName = pydantic.Field(description="Which one; it decides the unit of the value.")
    value: float = pydantic.Field(
        ge=-1e9,
        le=1e9,
        description="Expected heights a second for 'speed' and 'against_flow' (negative: against the permitted "
        "direction), people for 'crowd', else seconds.",
    )
    zone: ShortText | None = pydantic.Field(default=None, description="Where; null outside every zone.")
    metres_s: float | None = pydantic.Field(
        default=None, ge=-1e9, le=1e9, description="A speed in metres a second; null where the site does not say."
    )


class AlertReport(Message):
    """One event that a site shows to a person."""

    alert_id: AlertId = pydantic.Field(description="Made by the site; it counts once, however often it is sent.")
    camera: Name = pydantic.Field(description="Camera that saw the event.")
    started_utc: UtcInstant = pydantic.Field(description="First frame above the alert threshold.")
    ended_utc: UtcInstant = pydantic.Field(description="Last frame above the alert threshold.")
    operational_state: State = pydantic.Field(description="What the site was doing when the event began.")
    zone: ShortText | None = pydantic.Field(default=None, description="Zone of the peak; null outside every zone.")
    severity_score: Fraction = pydantic.Field(description="How rare: 0.5 is one normal tubelet in a thousand.")
    score: float = pydantic.Field(ge=-1e9, le=1e9, description="Anomaly score at the peak, unbounded in meaning.")
    why: LongText = pydantic.Field(description="One plain sentence for the operator.")
    model_digest: Digest = pydantic.Field(description="SHA-256 of the model that scored it.")
    peak_box: FractionBox = pydantic.Field(description="Most unusual object: xyxy as fractions of the frame.")
    clip_digest: Digest | None = pydantic.Field(default=None, description="SHA-256 of the clip; null without one.")
    behaviours: tuple[ShownBehaviour, ...] = pydantic.Field(
        default=(),
        strict=False,
        max_length=MAX_BEHAVIOURS,
        exclude_if=operator.not_,
        description="What its objects did, the strongest of each kind in each zone.",
    )
    is_final: bool = pydantic.Field(
        default=True,
        exclude_if=operator.truth,
        description="False: the event may go on, its clip is still to come, and the site will report it once more.",
    )

    @pydantic.model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.ended_utc < self.started_utc:
            raise ValueError("ended_utc must not come before started_utc")
        return self


class Feedback(Message):
    """What an operator says of one alert."""

    label: Label = pydantic.Field(description="'false': nothing was wrong; 'confirmed': rightly raised.")
    kind: ShortText | None = pydantic.Field(default=None, description="What was seen, such as 'loitering'.")
    note: LongText | None = pydantic.Field(default=None, description="Free text for colleagues.")


class FeedbackEntry(Message):
    """One step of an alert's feedback history."""

    sequence: Count = pydantic.Field(description="Position in the site's feedback, from 1, without gaps.")
    alert_id: AlertId = pydantic.Field(description="The alert.")
    label: Label = pydantic.Field(description="The operator's verdict; a later entry replaces an earlier one.")
    kind: ShortText | None = pydantic.Field(default=None, description="What was seen.")
    note: LongText | None = pydantic.Field(default=None, description="Free text.")
    at_utc: UtcInstant = pydantic.Field(description="When the coordinator took it.")


class FeedbackPage(Message):
    """What is new for one site since ``after``."""

    items: tuple[FeedbackEntry, ...] = pydantic.Field(strict=False, max_length=MAX_PAGE, description="In sequence.")
    next_after: Count = pydantic.Field(description="Send this as 'after' next time.")


class StoredAlert(Message):
    """An alert as the coordinator holds it."""

    site: Name = pydantic.Field(description="Site that raised it.")
    report: AlertReport = pydantic.Field(description="The alert as the site sent it.")
    received_utc: UtcInstant = pydantic.Field(description="When the coordinator first had it.")
    has_clip: bool = pydantic.Field(description="Whether the clip has arrived.")
    feedback: FeedbackEntry | None = pydantic.Field(default=None, description="The latest feedback, if any.")


class AlertPage(Message):
    """Alerts, newest first."""

    alerts: tuple[StoredAlert, ...] = pydantic.Field(strict=False, max_length=MAX_PAGE, description="Newest first.")
    next_before: str | None = pydantic.Field(
        default=None, max_length=100, description="Send this as 'before' for older ones; null at the end."
    )


class PublishedModel(Message):
    """A global model that sites may fetch by its digest."""

    digest: Digest = pydantic.Field(description="SHA-256 of the model's bytes.")
    size_bytes: Count = pydantic.Field(description="Size of the model.")
    round_number: Count = pydantic.Field(description="Round that produced it; 0 before the first.")
    created_utc: UtcInstant = pydantic.Field(description="When it was published.")
    card: dict[str, pydantic.JsonValue] = pydantic.Field(description="Model card: how it was made, how well it does.")


class ClosedRound(Message):
    """What is kept of one federated round."""

    training_id: Name = pydantic.Field(description="The training run the round belongs to.")
    round_number: int = pydantic.Field(ge=1, le=_MAX_COUNT, description="From 1 within the training run.")
    closed_utc: UtcInstant = pydantic.Field(description="When the round was aggregated.")
    num_sites: Count = pydantic.Field(description="Sites whose update went in.")
    loss: float = pydantic.Field(ge=-1e12, le=1e12, description="Mean local training loss.")
    auc: Fraction | None = pydantic.Field(
        default=None, description="Held-out tubelets against pseudo-anomalies; null: none replied."
    )
    auc_by_state: dict[Name, Fraction] = pydantic.Field(
        default_factory=dict,
        max_length=16,
        description="The same by operational state; empty: only the whole is known.",
    )
    bytes_up: Count = pydantic.Field(description="Bytes all sites sent to the coordinator.")
    model_digest: Digest | None = pydantic.Field(default=None, description="Model published; null for none.")


class RoundPage(Message):
    """Rounds, newest first."""

    rounds: tuple[ClosedRound, ...] = pydantic.Field(strict=False, max_length=MAX_PAGE, description="Newest first.")


class Health(Message):
    """Whether the coordinator can do its work."""

    status: Literal["ok", "degraded"] = pydantic.Field(description="'degraded': the database does not answer.")
    version: ShortText = pydantic.Field(description="Version of the coordinator.")
    database: Literal["ok", "unreachable"] = pydantic.Field(description="Whether a query succeeded just now.")


class ErrorDetail(pydantic.BaseModel):
    """Why a request was refused."""

    model_config = _STRICT

    code: Name = pydantic.Field(description="Stable word for programs.")
    message: str = pydantic.Field(min_length=1, max_length=2000, description="What was expected and what came.")


class ErrorBody(Message):
    """Body of every refused request."""

    error: ErrorDetail = pydantic.Field(description="What went wrong.")


AnyMessage = TypeVar("AnyMessage", bound=Message)


def parse_message(message_type: type[AnyMessage], body: bytes) -> AnyMessage:
    """Reads one message from a JSON body.

    Args:
        message_type: The message that is expected.
        body: UTF-8 JSON. The caller has bounded its size.

    Raises:
        MessageError: ``body`` is not such a message; the first problem is named with its place.
    """
    try:
        return message_type.model_validate_json(body)
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in problem["loc"]) or "body"
        raise MessageError(f"expected {message_type.__name__}: {place}: {problem['msg']}") from error
