"""Follows what is observed at one camera: opens and ends events, each with its alert and clip."""

import logging
import time
import uuid
from collections.abc import Callable
from typing import Protocol

from context.event import DEFAULT_RULES, Event, EventRules, EventState, Observation, step
from fl_client.recording.alert_report import report_of
from fl_client.storage.events import AlertStore
from fl_protocol.messages import AlertReport

logger = logging.getLogger(__name__)

PRE_EVENT_S = 5.0
POST_EVENT_S = 5.0
SILENCE_S = 3.0
"""Seconds without an observation, beyond those that end an event, after which it is ended all the same."""


class ClipCutter(Protocol):
    """What the recorder asks of the camera's program."""

    def cut_clip(self, alert_id: str, from_s: float) -> None:
        """Begins a clip at the last keyframe at or before an instant."""

    def end_clip(self, alert_id: str, until_s: float) -> None:
        """Ends a clip with the last packet before an instant."""


class Learned(Protocol):
    """What the recorder asks of the inference program."""

    @property
    def model_digest(self) -> str:
        """SHA-256 of the model in use."""

    def keep_event_tubelets(self, camera: str, alert_id: str, started_s: float, ended_s: float) -> None:
        """Keeps what was seen in the interval until the operator says what it was."""


class EventRecorder:
    """Events of one camera.

    Args:
        camera: Its name.
        clips: Cuts the clips.
        learned: Keeps what was seen.
        alerts: Where alerts are stored.
        rules: When an event opens and ends.

    Attributes:
        num_alerts: Alerts opened so far.
        slowest_s: Longest time that one observation took here, in seconds.
        on_ended: Told of every event, or part of a long one, that has ended.
    """

    def __init__(
        self,
        camera: str,
        clips: ClipCutter,
        learned: Learned,
        alerts: AlertStore,
        rules: EventRules = DEFAULT_RULES,
    ) -> None:
        self.num_alerts = 0
        self.slowest_s = 0.0
        self._camera, self._clips, self._learned, self._alerts, self._rules = camera, clips, learned, alerts, rules
        self.on_ended: Callable[[Event], None] | None = None
        self._state = EventState()
        self._alert_id = ""
        self._early_clips: dict[str, str | None] = {}
        self._observed_s = 0.0

    def observe(self, observation: Observation, captured_s: float | None = None) -> None:
        """Takes in what one frame says, or what a person is to be told beside that.

        Args:
            observation: What is said.
            captured_s: ``time.monotonic()`` when the frame was decoded; None where there is none.
        """
        began = self._observed_s = time.monotonic()
        before = self._state.open_event
        self._state, finished = step(self._state, observation, self._rules)
        event = self._state.open_event
        if finished:
            self._finish(finished, observation.instant_s)
        if event and (finished or before is None):
            self._open(event)
            if captured_s is not None:
                waited_s = observation.instant_s - event.first.instant_s + time.monotonic() - captured_s
                facts = {"alert_id": self._alert_id, "since_first_frame_s": round(waited_s, 3)}
                logger.info("alert stored", extra=facts)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def tick(self) -> None:
        """Ends an event of which nothing was heard for long: the program that observes is gone."""
        silence_s = time.monotonic() - self._observed_s
        if self._state.open_event and silence_s > self._rules.quiet_s + SILENCE_S:
            self.end_event()

    def end_event(self) -> None:
        """Ends an open event as it is."""
        event = self._state.open_event
        if event:
            self._state = EventState()
            self._finish(event, event.ended_s + POST_EVENT_S)

    def clip_finished(self, alert_id: str, digest: str | None) -> None:
        """Completes an alert with its clip; one whose event goes on, when that has ended."""
        if alert_id == self._alert_id and self._state.open_event:
            self._early_clips[alert_id] = digest
        else:
            self._alerts.complete(alert_id, digest)

    def _open(self, event: Event) -> None:
        self._alert_id = str(uuid.uuid4())
        self.num_alerts += 1
        self._alerts.keep(self._report(event))
        pre_event_s = PRE_EVENT_S if event.part == 1 else 0.0
        self._clips.cut_clip(self._alert_id, event.first.instant_s - pre_event_s)
        facts = {"alert_id": self._alert_id, "severity_score": round(event.peak.severity, 3), "zone": event.peak.zone}
        logger.info("event opened", extra=facts)

    def _finish(self, event: Event, now_s: float) -> None:
        """``now_s`` bounds the clip: a part of a long event ends where the next begins."""
        self._alerts.keep(self._report(event))
        self._learned.keep_event_tubelets(self._camera, self._alert_id, event.first.instant_s, event.ended_s)
        self._clips.end_clip(self._alert_id, min(now_s, event.ended_s + POST_EVENT_S))
        if self.on_ended is not None:
            self.on_ended(event)
        duration_s = round(event.ended_s - event.first.instant_s, 2)
        logger.info("event ended", extra={"alert_id": self._alert_id, "duration_s": duration_s})
        if self._alert_id in self._early_clips:  # its program has died meanwhile
            self._alerts.complete(self._alert_id, self._early_clips.pop(self._alert_id))

    def _report(self, event: Event) -> AlertReport:
        return report_of(event, self._alert_id, self._camera, self._learned.model_digest)
