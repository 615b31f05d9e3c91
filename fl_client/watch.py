"""The frame loop: one frame at a time from the camera through the pipeline to the recorder."""

import dataclasses
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from context.alarm import Outcome
from context.severity import Severity, least_score
from fl_client.capture.camera_feed import CameraFeed
from fl_client.capture.tamper import Change, Tamper, TamperWatch
from fl_client.capture.wire import CapturedFrame, Picture
from fl_client.recording.event_recorder import EventRecorder
from fl_client.recording.scored import ScoredFrameView
from fl_client.rules import WHOLE_FRAME, Told
from fl_client.storage.outbox import FeedbackCursor
from fl_client.uplink.courier import Courier
from fl_runtime.shutdown import StopFlag

logger = logging.getLogger(__name__)

_IDLE_S = 0.5
_WHY_BY_TAMPER = {
    Tamper.FROZEN: "Camera frozen: it repeats the same picture.",
    Tamper.COVERED: "Camera covered or out of focus: the detail it usually shows is gone.",
    Tamper.MOVED: "Camera moved: it no longer shows what it usually does.",
}


class Pipeline(Protocol):
    """Everything the client asks of what scores its frames."""

    @property
    def model_digest(self) -> str:
        """SHA-256 of the model in use."""

    def process(self, frame: Picture, instant_s: float) -> ScoredFrameView:
        """Scores the next frame, ``(H, W, 3)`` BGR."""

    def swap_model(self, model_path: Path) -> str:
        """Loads and checks a model, then uses it from the next frame on; returns its digest. From any thread."""

    def keep_event_tubelets(self, alert_id: str, started_s: float, ended_s: float) -> None:
        """Keeps what was seen in the interval until the operator says what it was."""

    def apply_feedback(self, alert_id: str, label: str) -> bool:
        """Learns what the operator said; False if nothing was kept for that alert."""

    def close(self) -> None:
        """Saves what was learned."""


@dataclasses.dataclass
class Progress:
    """How far watching has come.

    Attributes:
        num_analysed: Frames scored.
        learning_s: Seconds of video that went into learning before alerts were allowed.
        severity: Of the last frame.
        is_learning: Whether the last frame was still one to learn from.
        watched_s: Wall time from the first frame to the last, in seconds.
        last_instant_s: Instant of the last frame scored; None before the first.
        model_digest: Of the model that scored it; "" before the first.
    """

    num_analysed: int = 0
    learning_s: float = 0.0
    severity: float = 0.0
    is_learning: bool = True
    watched_s: float = 0.0
    last_instant_s: float | None = None
    model_digest: str = ""
    _began: float | None = None

    def begin(self) -> None:
        """Starts the clock when the first frame is there."""
        self._began = time.monotonic() if self._began is None else self._began

    def note(self, scored: ScoredFrameView) -> None:
        """Takes in one scored frame."""
        self.num_analysed += 1
        self.severity, self.is_learning = scored.severity, scored.is_learning
        if scored.is_learning and self.last_instant_s is not None:
            self.learning_s += max(0.0, scored.instant_s - self.last_instant_s)
        self.last_instant_s = scored.instant_s
        self.watched_s = time.monotonic() - (self._began or 0.0)


@dataclasses.dataclass(frozen=True)
class FeedbackLine:
    """Where the operator's feedback comes from, and where it is noted once applied."""

    courier: Courier
    cursor: FeedbackCursor


@dataclasses.dataclass(frozen=True)
class Watch:
    """One camera being watched."""

    feed: CameraFeed
    pipeline: Pipeline
    recorder: EventRecorder
    progress: Progress
    feedback: FeedbackLine | None = None
    tamper: TamperWatch = dataclasses.field(default_factory=TamperWatch)

    def run(self, stop: StopFlag) -> None:
        """Watches until the source ends or a stop is requested.

        Raises:
            SourceError: A file's decoder died; what came before it was watched.
        """
        while not (stop.stop_requested or self.feed.is_finished):
            frame = self.feed.next_frame(_IDLE_S)
            if self.feedback:
                apply_feedback(self.feedback, self.pipeline)
            if frame is not None:
                self._watch_frame(frame)

    def _watch_frame(self, frame: CapturedFrame) -> None:
        self.progress.begin()
        scored = self.pipeline.process(frame.picture, frame.instant_s)
        self._note_model(frame.instant_s)
        changes = self.tamper.look(frame.picture, frame.instant_s, scored.operational_state)
        self.recorder.observe(frame, scored, told_of(changes))
        self.progress.note(scored)

    def _note_model(self, instant_s: float) -> None:
        """Says when another model has taken over, and how far its first frame is from the one before."""
        digest, progress = self.pipeline.model_digest, self.progress
        if progress.model_digest not in {"", digest}:
            gap_s = round(instant_s - (progress.last_instant_s or instant_s), 3)
            facts = {"model_digest": digest, "since_last_frame_s": gap_s, "dropped": self.feed.num_dropped}
            logger.info("scoring with another model", extra=facts)
        progress.model_digest = digest


def told_of(changes: Sequence[Change]) -> tuple[Told, ...]:
    """What a person is told of a camera that no longer shows what it should; that it is well again is logged."""
    for change in changes:
        logger.warning("camera's picture", extra={"tamper": change.tamper.value, "is_wrong": change.is_wrong})
    return tuple(
        Told("camera", Outcome.RAISED, least_score(Severity.HIGH), "", WHOLE_FRAME, _WHY_BY_TAMPER[change.tamper])
        for change in changes
        if change.is_wrong
    )


def apply_feedback(line: FeedbackLine, pipeline: Pipeline) -> None:
    """Applies what the operator said since the last frame; noted as applied only after it was."""
    inbox = line.courier.feedback
    while not inbox.empty():
        entry = inbox.get_nowait()
        is_known = pipeline.apply_feedback(entry.alert_id, entry.label)
        line.cursor.advance(entry.sequence)
        inbox.task_done()
        facts = {"alert_id": entry.alert_id, "label": entry.label, "is_known": is_known}
        logger.info("feedback applied", extra=facts)
