"""The box: keeps the programs of one site running and turns what they observe into alerts.

One program watches each camera (``capture.camera_program``), one looks at the pictures of all
(``inference.inference_program``), and this one owns the database. Each may die at any instant; the others go on, and
the one that died is started again.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import logging
import selectors
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from context.event import Observation
from context.severity import Severity, least_score
from fl_client.capture.dialogue import Beat, ClipFinished, Report, TamperSeen
from fl_client.capture.stream_keeper import STOP_GRACE_S, StreamKeeper
from fl_client.capture.tamper import Tamper
from fl_client.inference.dialogue import ApplyFeedback, FeedbackApplied, Observed, Ready, Unscored
from fl_client.inference.inference_keeper import InferenceKeeper
from fl_client.program import Program
from fl_client.recording.clip_files import remove_parts
from fl_client.recording.continuous import ContinuousRecording
from fl_client.recording.event_recorder import EventRecorder
from fl_client.recording.mending import mended_clip
from fl_client.storage.events import AlertStore
from fl_client.storage.outbox import FeedbackCursor
from fl_client.uplink.courier import Courier
from fl_protocol.messages import FeedbackEntry
from fl_runtime.shutdown import StopFlag

logger = logging.getLogger(__name__)

_TICK_S = 0.2
_SILENCE_S = 5.0
"""Seconds after the end of all files without a word of the inference program: what it has not said by then is lost."""
_WHY_BY_TAMPER = {
    Tamper.FROZEN: "Camera frozen: it repeats the same picture.",
    Tamper.COVERED: "Camera covered or out of focus: the detail it usually shows is gone.",
    Tamper.MOVED: "Camera moved: it no longer shows what it usually does.",
}


@dataclasses.dataclass(frozen=True)
class FeedbackLine:
    """Where the operator's feedback comes from, and where it is noted once applied."""

    courier: Courier
    cursor: FeedbackCursor


@dataclasses.dataclass
class Watched:
    """One camera as the box sees it.

    Attributes:
        recorder: Its events.
        recording: The keeper whose program cuts its clips.
        analysing: The keeper whose program hands over its pictures; the same where the camera has one stream.
        state: The site's operational state at its last frame.
        num_analysed: Frames looked at.
        num_digested: Frames that were looked at, or cannot be.
        severity: Of the last frame.
        is_learning: Whether that was still one to learn from.
        learning_s: Seconds of video that went into learning.
        last_s: Instant of the last frame; None before.
    """

    recorder: EventRecorder
    recording: StreamKeeper
    analysing: StreamKeeper
    state: str
    num_analysed: int = 0
    num_digested: int = 0
    severity: float = 0.0
    is_learning: bool = True
    learning_s: float = 0.0
    last_s: float | None = None

    def note(self, seen: Observed) -> None:
        """Takes in what was observed of one frame."""
        self.num_analysed += 1
        self.severity, self.is_learning = seen.observation.severity, seen.is_learning
        instant_s = seen.observation.instant_s
        if seen.is_learning and self.last_s is not None:
            self.learning_s += max(0.0, instant_s - self.last_s)
        self.last_s = instant_s


@dataclasses.dataclass(frozen=True)
class Totals:
    """What the cameras of a site have come to together; ``severity`` and ``is_learning`` are of the last frame."""

    counts: Beat
    num_analysed: int
    num_alerts: int
    num_restarts: int
    learning_s: float
    slowest_s: float
    watched_s: float
    severity: float
    is_learning: bool

    @property
    def frames_per_s(self) -> float:
        """Frames decoded a second of wall time, from the first that was looked at to the last."""
        return self.counts.num_decoded / self.watched_s if self.watched_s else 0.0


@dataclasses.dataclass(frozen=True)
class _Mending:
    """A clip that is being made whole, and who is to be told."""

    alert_id: str
    complete: Callable[[str, str | None], None]
    digest: "concurrent.futures.Future[str | None]"


class Box:
    """The running programs of one site, and what comes of them.

    Args:
        watched: The cameras by name.
        inference: Looks at their pictures.
        alerts: Where alerts are stored.
        clips: Folder of their clips.

    Attributes:
        num_clips: Clips that were finished.
        num_unstored: Times that something could not be stored: the disk is full or broken.
        first_frame_s: ``time.monotonic()`` when the first frame was looked at; None before.
        last_frame_s: When the last was.
        feedback: Where the operator's word comes from; None without a coordinator.
        recording: The continuous recording; None where there is none.
    """

    def __init__(
        self, watched: Mapping[str, Watched], inference: InferenceKeeper, alerts: AlertStore, clips: Path
    ) -> None:
        self.num_clips = self.num_unstored = 0
        self.first_frame_s: float | None = None
        self.last_frame_s: float | None = None
        self.feedback: FeedbackLine | None = None
        self.recording: ContinuousRecording | None = None
        self._watched, self._inference, self._alerts, self._clips = watched, inference, alerts, clips
        both = [one for camera in watched.values() for one in (camera.recording, camera.analysing)]
        self.keepers = list(dict.fromkeys(both))
        self._selector = selectors.DefaultSelector()
        self._registered: dict[StreamKeeper | InferenceKeeper, Program] = {}
        self._mender = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="mender")
        self._mending: list[_Mending] = []
        self._model_digest = ""
        self._said: dict[int, FeedbackEntry] = {}
        self._early_word: FeedbackEntry | None = None

    @property
    def totals(self) -> "Totals":
        """What all cameras together have come to."""
        cameras = list(self._watched.values())
        counts = [dataclasses.astuple(keeper.counts) for keeper in self.keepers if keeper.watch.is_analysed]
        latest = max(cameras, key=lambda one: one.last_s or 0.0)
        return Totals(
            Beat(*map(sum, zip(*counts, strict=True))),
            sum(one.num_analysed for one in cameras),
            sum(one.recorder.num_alerts for one in cameras),
            sum(keeper.num_restarts for keeper in self.keepers),
            max(one.learning_s for one in cameras),
            max(one.recorder.slowest_s for one in cameras),
            (self.last_frame_s or 0.0) - (self.first_frame_s or 0.0),
            latest.severity,
            latest.is_learning,
        )

    def record_continuously(self, recording: ContinuousRecording) -> None:
        """Notes what the cameras' programs record all the time, and first what a killed client left."""
        self.recording = recording
        recording.close_left()
        for camera, one in self._watched.items():
            one.recorder.on_ended = functools.partial(recording.mark, camera)

    def mend_interrupted(self) -> None:
        """Completes the alerts that a killed client left, each with what was written of its clip."""
        interrupted = self._alerts.interrupted()
        remove_parts(self._clips, but=set(interrupted))
        for alert_id in interrupted:
            logger.warning("completing an interrupted alert", extra={"alert_id": alert_id})
            self._mend(alert_id, self._alerts.complete)

    def run(self, stop: StopFlag) -> None:
        """Watches until all sources have ended or a stop is requested, and ends what is open in good order.

        Raises:
            SourceError: A file's program died; what came before it was watched.
            ModelFileError: The inference program cannot start with what it is given.
        """
        try:
            while not (stop.stop_requested or self._has_no_more()):
                self._turn(_TICK_S)
            self._close_events()
        finally:
            for keeper in self.keepers:
                keeper.kill()
            self._inference.kill()
            self._mender.shutdown(wait=True)
        failure = next((keeper.failure for keeper in self.keepers if keeper.failure), None)
        if failure is not None:
            raise failure

    def _turn(self, timeout_s: float) -> None:
        """Takes what has been reported, and looks after the programs."""
        self._register()
        for key, _ in self._selector.select(timeout_s):
            keeper = key.data
            if keeper.program is None:
                continue
            with self._storing():
                if isinstance(keeper, InferenceKeeper):
                    self._take_inference_report(keeper)
                else:
                    self._take_camera_report(keeper, keeper.receive())
        for keeper in self.keepers:
            keeper.tick()
        self._inference.tick()
        for one in self._watched.values():
            with self._storing():
                one.recorder.tick()
        self._take_mended()
        if self.recording is not None:
            self.recording.look_after_disk(self._mender)
        with self._storing():
            self._apply_feedback()

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        """A full or broken disk ends no watch: what could not be completed is, at the next start."""
        try:
            yield
        except (sqlite3.Error, OSError):
            self.num_unstored += 1
            logger.exception("something could not be stored", extra={"num_unstored": self.num_unstored})

    def _register(self) -> None:
        """Listens to the programs of now, and no longer to those of before."""
        keepers: list[StreamKeeper | InferenceKeeper] = [*self.keepers, self._inference]
        changed = [one for one in keepers if one.program is not self._registered.get(one)]
        for keeper in changed:  # all of them first: a new channel may have the number of one that was closed
            before = self._registered.pop(keeper, None)
            if before is not None:
                self._selector.unregister(before.channel)
        for keeper in changed:
            if keeper.program is not None:
                self._selector.register(keeper.program.channel, selectors.EVENT_READ, keeper)
                self._registered[keeper] = keeper.program

    def _take_camera_report(self, keeper: StreamKeeper, report: Report | None) -> None:
        recorder = self._watched[keeper.camera].recorder
        if self.recording is not None and report is not None:
            self.recording.take(keeper.camera, report, keeper.last_failure)
        match report:
            case None:
                if self.recording is not None:
                    self.recording.close_left(keeper.camera)
                for alert_id in keeper.take_unfinished_clips():
                    self._mend(alert_id, recorder.clip_finished)
            case TamperSeen(tamper, is_wrong, instant_s):
                facts = {"camera": keeper.camera, "tamper": tamper.value, "is_wrong": is_wrong}
                logger.warning("camera's picture", extra=facts)
                if is_wrong:
                    recorder.observe(tampered(tamper, instant_s, self._watched[keeper.camera].state))
            case ClipFinished(alert_id, digest, _, problem):
                if digest is None:
                    logger.error("clip could not be written", extra={"alert_id": alert_id, "reason": problem})
                self.num_clips += int(digest is not None)
                recorder.clip_finished(alert_id, digest)

    def _take_inference_report(self, keeper: InferenceKeeper) -> None:
        match keeper.receive():
            case Ready():
                for one in self._watched.values():
                    one.analysing.relink()
            case Observed() as seen:
                self._observe(seen)
            case Unscored(camera):
                self._digest(self._watched[camera])
            case FeedbackApplied(sequence, is_known):
                self._note_feedback(sequence, is_known=is_known)

    def _observe(self, seen: Observed) -> None:
        one = self._watched[seen.camera]
        self.last_frame_s = time.monotonic()
        self.first_frame_s = self.last_frame_s if self.first_frame_s is None else self.first_frame_s
        self._note_model(seen, one.last_s)
        if seen.observation.operational_state != one.state:
            one.state = seen.observation.operational_state
            one.analysing.tell_state(one.state)
        one.note(seen)
        self._digest(one)
        one.recorder.observe(seen.observation, seen.captured_s)

    def _digest(self, one: Watched) -> None:
        one.num_digested += 1
        if one.analysing.watch.source.is_lossless:
            one.analysing.tell_digested()

    def _note_model(self, seen: Observed, last_s: float | None) -> None:
        """Says when another model has taken over, and how far its first frame is from the one before."""
        if self._model_digest not in {"", seen.model_digest} and last_s is not None:
            gap_s = round(seen.observation.instant_s - last_s, 3)
            facts = {"model_digest": seen.model_digest, "since_last_frame_s": gap_s, "camera": seen.camera}
            logger.info("scoring with another model", extra=facts)
        self._model_digest = seen.model_digest

    def _apply_feedback(self) -> None:
        """Hands on what the operator said, in order; it is noted as applied only after it was."""
        if self.feedback is None:
            return
        inbox = self.feedback.courier.feedback
        while self._early_word is not None or not inbox.empty():
            entry = self._early_word or inbox.get_nowait()
            self._early_word = entry if self._alerts.is_open(entry.alert_id) else None
            if self._early_word is not None:  # nothing of it is kept to learn from before it is over
                return
            self._said[entry.sequence] = entry
            camera = self._alerts.camera_of(entry.alert_id) or ""
            self._inference.apply_feedback(ApplyFeedback(entry.sequence, camera, entry.alert_id, entry.label))

    def _note_feedback(self, sequence: int, *, is_known: bool) -> None:
        entry = self._said.pop(sequence, None)
        if self.feedback is None or entry is None:
            return
        self.feedback.cursor.advance(sequence)
        self.feedback.courier.feedback.task_done()
        facts = {"alert_id": entry.alert_id, "label": entry.label, "is_known": is_known}
        logger.info("feedback applied", extra=facts)

    def _has_no_more(self) -> bool:
        """Whether all sources have ended and all they handed over was looked at."""
        if not all(keeper.has_ended for keeper in self.keepers):
            return False
        if all(one.num_digested >= one.analysing.counts.num_sampled for one in self._watched.values()):
            return True
        return self._inference.is_ready and time.monotonic() - (self.last_frame_s or 0.0) > _SILENCE_S

    def _close_events(self) -> None:
        """Ends what is open, lets the cameras' programs make their clips whole, and has saved what was learned."""
        for one in self._watched.values():
            with self._storing():
                one.recorder.end_event()
        for keeper in self.keepers:
            keeper.stop()
        give_up_s = time.monotonic() + STOP_GRACE_S
        while any(keeper.program for keeper in self.keepers):
            if time.monotonic() > give_up_s:
                for keeper in self.keepers:
                    keeper.kill()
            self._turn(_TICK_S)
        for keeper in self.keepers:
            self._take_camera_report(keeper, None)
        concurrent.futures.wait([one.digest for one in self._mending])
        self._take_mended()
        self._inference.finish()

    def _mend(self, alert_id: str, complete: Callable[[str, str | None], None]) -> None:
        """Has made whole what was written of a clip, beside everything else."""
        self._mending.append(_Mending(alert_id, complete, self._mender.submit(mended_clip, self._clips, alert_id)))

    def _take_mended(self) -> None:
        done = [one for one in self._mending if one.digest.done()]
        self._mending = [one for one in self._mending if one not in done]
        for one in done:
            digest = one.digest.result()
            self.num_clips += int(digest is not None)
            with self._storing():
                one.complete(one.alert_id, digest)


def tampered(tamper: Tamper, instant_s: float, state: str) -> Observation:
    """What a person is told of a camera that no longer shows what it should."""
    severity, why = least_score(Severity.HIGH), _WHY_BY_TAMPER[tamper]
    return Observation(instant_s, severity, 0.0, why=why, operational_state=state, is_told=True)
