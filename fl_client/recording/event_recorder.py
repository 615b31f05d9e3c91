"""Follows one camera's scored frames: opens and ends events, each with its alert and clip."""

import logging
import time
import uuid
from typing import Protocol

from context.event import DEFAULT_RULES, Event, EventRules, EventState, step
from fl_client.capture.wire import CapturedFrame
from fl_client.recording.alert_report import report_of
from fl_client.recording.clip_writer import ClipWriter
from fl_client.recording.jpeg_ring import PRE_EVENT_S, JpegRing, compress
from fl_client.recording.scored import ScoredFrameView, observation_of
from fl_client.rules import Told
from fl_client.storage.events import AlertStore
from fl_protocol.messages import AlertReport

logger = logging.getLogger(__name__)


class EventSource(Protocol):
    """What the recorder asks of the pipeline that scores the frames."""

    @property
    def model_digest(self) -> str:
        """SHA-256 of the model in use."""

    def keep_event_tubelets(self, alert_id: str, started_s: float, ended_s: float) -> None:
        """Keeps what was seen in the interval until the operator says what it was."""


class EventRecorder:
    """Events of one camera.

    Attributes:
        num_alerts: Alerts opened so far.
        slowest_s: Longest time ``observe`` held up the frame loop, in seconds.
    """

    def __init__(
        self,
        camera: str,
        pipeline: EventSource,
        alerts: AlertStore,
        clips: ClipWriter,
        rules: EventRules = DEFAULT_RULES,
    ) -> None:
        self.num_alerts = 0
        self.slowest_s = 0.0
        self._camera = camera
        self._pipeline = pipeline
        self._alerts = alerts
        self._clips = clips
        self._rules = rules
        self._ring = JpegRing()
        self._state = EventState()
        self._alert_id = ""

    def observe(self, frame: CapturedFrame, scored: ScoredFrameView, told: tuple[Told, ...] = ()) -> None:
        """Takes in one frame, what the pipeline says of it, and what a person is to be told beside that."""
        began = time.monotonic()
        jpeg = compress(frame.picture, frame.instant_s)
        self._ring.add(jpeg)
        before = self._state.open_event
        self._state, finished = step(self._state, observation_of(scored, told), self._rules)
        event = self._state.open_event
        if finished:
            self._finish(finished)
        if event and (finished or before is None):
            pre_event_s = PRE_EVENT_S if event.part == 1 else 0.0
            self._open(event, event.first.instant_s - pre_event_s)
        elif event:
            self._clips.add(jpeg)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def close(self) -> None:
        """Ends an open event and waits until its clip is written."""
        if self._state.open_event:
            self._finish(self._state.open_event)
            self._state = EventState()
        self._clips.close()

    def _open(self, event: Event, clip_start_s: float) -> None:
        self._alert_id = str(uuid.uuid4())
        self.num_alerts += 1
        self._alerts.keep(self._report(event))
        self._clips.open(self._alert_id, self._ring.frames_since(clip_start_s))
        facts = {"alert_id": self._alert_id, "severity_score": round(event.peak.severity, 3), "zone": event.peak.zone}
        logger.info("event opened", extra=facts)

    def _finish(self, event: Event) -> None:
        self._alerts.keep(self._report(event))
        self._pipeline.keep_event_tubelets(self._alert_id, event.first.instant_s, event.ended_s)
        self._clips.finish()
        duration_s = round(event.ended_s - event.first.instant_s, 2)
        logger.info("event ended", extra={"alert_id": self._alert_id, "duration_s": duration_s})

    def _report(self, event: Event) -> AlertReport:
        return report_of(event, self._alert_id, self._camera, self._pipeline.model_digest)
