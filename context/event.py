"""Events: from the severity of each frame to intervals worth a person's attention.

An event opens when the severity stays at or above the alert threshold for some frames in a row, goes on while it
stays above the lower release threshold, and ends when it has been below that for ``quiet_s``. What starts within the
quiet time belongs to the same event. A long event is cut into parts, so that it is told of before it is over.
"""

import dataclasses
import functools

from context.behaviour.finding import Finding, strongest

MOST_TOLD = 8
"""Reasons of rules that an event keeps."""


@dataclasses.dataclass(frozen=True)
class EventRules:
    """When an event opens and ends.

    Attributes:
        alert_threshold: Severity that opens an event, in ``(0, 1]``.
        release_threshold: Severity that keeps one open; at most ``alert_threshold``.
        open_frames: Frames in a row at or above ``alert_threshold`` that open an event; at least 1.
        quiet_s: Seconds below ``release_threshold`` that end it; the clip goes on for as long.
        longest_s: Seconds after which an event is cut and continued as its next part.
    """

    alert_threshold: float = 0.5
    release_threshold: float = 0.4
    open_frames: int = 3
    quiet_s: float = 5.0
    longest_s: float = 60.0

    def __post_init__(self) -> None:
        if not 0.0 < self.release_threshold <= self.alert_threshold <= 1.0:
            raise ValueError("expected 0 < release_threshold <= alert_threshold <= 1")
        if self.open_frames < 1 or self.quiet_s < 0.0 or self.longest_s <= 0.0:
            raise ValueError("expected open_frames >= 1, quiet_s >= 0 and longest_s > 0")


@dataclasses.dataclass(frozen=True)
class Observation:
    """What one frame says.

    Attributes:
        instant_s: Seconds since 1970 UTC; later than that of the observation before.
        severity: Of the most severe object, in ``[0, 1]``.
        score: Anomaly score of the frame, unbounded.
        box: The most severe object, xyxy as fractions of the frame.
        zone: Zone that object is in; "" outside every zone.
        why: One sentence for the operator.
        operational_state: What the site is doing.
        behaviours: What its unusual objects showed, beyond the limits.
        is_told: Whether a rule says that a person is to be told, at once and whatever the severity.
    """

    instant_s: float
    severity: float
    score: float = 0.0
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    zone: str = ""
    why: str = ""
    operational_state: str = ""
    behaviours: tuple[Finding, ...] = ()
    is_told: bool = False


@dataclasses.dataclass(frozen=True)
class Event:
    """An interval above the alert threshold, or one part of a long one.

    Attributes:
        first: The observation it began with.
        peak: The most severe observation so far, the first of equals.
        ended_s: Instant of the last observation at or above the release threshold.
        part: 1, or the number of the part of a long event.
        behaviours: The strongest finding of each behaviour in each zone, over all its observations.
        told: What rules said of it, oldest first.
    """

    first: Observation
    peak: Observation
    ended_s: float
    part: int = 1
    behaviours: tuple[Finding, ...] = ()
    told: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class EventState:
    """Where one camera stands: ``rising`` counts towards an event, ``open_event`` is the one going on, if any."""

    rising: tuple[Observation, ...] = ()
    open_event: Event | None = None


DEFAULT_RULES = EventRules()


def step(
    state: EventState, observation: Observation, rules: EventRules = DEFAULT_RULES
) -> tuple[EventState, Event | None]:
    """Takes in one observation.

    Returns:
        The new state, and the event or part that this observation ended. ``new_state.open_event`` may be the next
        part of the very event that was cut.
    """
    event = state.open_event
    if event is not None and observation.instant_s - event.ended_s >= rules.quiet_s:
        after, _ = step(EventState(), observation, rules)
        return after, event
    if event is None:
        return _rise(state, observation, rules), None
    if observation.is_told or observation.severity >= rules.release_threshold:
        return _go_on(event, observation, rules)
    return state, None


def _rise(state: EventState, observation: Observation, rules: EventRules) -> EventState:
    """Counts frames in a row at or above the alert threshold; the event began with the first of them."""
    if observation.severity < rules.alert_threshold and not observation.is_told:
        return EventState()
    rising = (*state.rising, observation)
    if len(rising) < rules.open_frames and not observation.is_told:
        return EventState(rising=rising)
    peak = max(rising, key=_rank)
    shown = functools.reduce(strongest, [one.behaviours for one in rising])
    return EventState(open_event=Event(rising[0], peak, observation.instant_s, 1, shown, _told((), observation)))


def _go_on(event: Event, observation: Observation, rules: EventRules) -> tuple[EventState, Event | None]:
    """Extends the event, or cuts it and starts its next part with this observation."""
    if observation.instant_s - event.first.instant_s > rules.longest_s:
        shown = observation.behaviours
        told = _told((), observation)
        part = Event(observation, observation, observation.instant_s, event.part + 1, shown, told)
        return EventState(open_event=part), event
    peak = max((event.peak, observation), key=_rank)
    shown = strongest(event.behaviours, observation.behaviours)
    told = _told(event.told, observation)
    return EventState(open_event=Event(event.first, peak, observation.instant_s, event.part, shown, told)), None


def _rank(one: Observation) -> tuple[float, bool]:
    """Of equals one that a rule speaks of goes before, and of those the first."""
    return one.severity, one.is_told


def _told(before: tuple[str, ...], observation: Observation) -> tuple[str, ...]:
    """What rules said, each once, the newest ``MOST_TOLD``."""
    if not observation.is_told or observation.why in before:
        return before
    return (*before, observation.why)[-MOST_TOLD:]
