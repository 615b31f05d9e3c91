"""Keeps the program of one camera's stream running, whatever becomes of it: restarts, watchdog, counts.

A file ends or fails once. A live source is tried again for ever: after its program's death, an error, an end, or
``NO_FRAME_S`` seconds without a sign of life.
"""

import dataclasses
import logging
import os
import time
from collections.abc import Callable

from fl_client.capture.dialogue import (
    REPORTS,
    Beat,
    Begin,
    ClipFinished,
    CutClip,
    Digested,
    EndClip,
    Link,
    Opened,
    Report,
    SetState,
    SourceEnded,
    SourceFailed,
    Stop,
    Watch,
)
from fl_client.errors import SourceError
from fl_client.program import Program
from fl_runtime.backoff import Backoff

logger = logging.getLogger(__name__)

NO_FRAME_S = 20.0
FIRST_RESTART_S = 1.0
LONGEST_RESTART_S = 60.0
STOP_GRACE_S = 10.0
"""Seconds that a program may take to make its clips whole when it is told to stop."""
_MODULE = "fl_client.capture.camera_program"
_NOTHING = Beat(0, 0, 0, 0, 0)


class StreamKeeper:
    """Keeps one program running.

    Args:
        camera: Name of the camera.
        watch: What the program watches, and what for.
        link_fn: Makes a link to the inference program, and returns this side's descriptor; None where there is none.
        no_frame_s: Seconds without a sign of life after which a live source's program is started again.

    Attributes:
        num_restarts: Times the program of a live source was started again.
        failure: Why a file failed; None where it did not.
        last_failure: Why the last program of a live source ended; "" while it is the first.
        has_opened: Whether the first frame of the source was there.
        has_ended: Whether there is no more to come: a file's end, or its failure.
    """

    def __init__(
        self, camera: str, watch: Watch, link_fn: Callable[[], int | None], no_frame_s: float = NO_FRAME_S
    ) -> None:
        self.camera, self.watch = camera, watch
        self.num_restarts = 0
        self.failure: SourceError | None = None
        self.has_opened = self.has_ended = False
        self._link_fn, self._no_frame_s = link_fn, no_frame_s
        self._program: Program | None = None
        self._has_begun = False
        self._backoff, self._start_s = Backoff(FIRST_RESTART_S, LONGEST_RESTART_S), 0.0
        self._alive_s = 0.0
        self._before, self._beat = _NOTHING, _NOTHING
        self._open_clips: dict[str, None] = {}
        self._reason: str | None = None
        self.last_failure = ""

    @property
    def counts(self) -> Beat:
        """What all its programs together have done."""
        before, now = self._before, self._beat
        return Beat(
            before.num_decoded + now.num_decoded,
            before.num_sampled + now.num_sampled,
            before.num_dropped + now.num_dropped,
            before.num_warnings + now.num_warnings,
            before.num_bytes + now.num_bytes,
            max(before.moved_s, now.moved_s),
        )

    @property
    def program(self) -> Program | None:
        """The running program; None between two."""
        return self._program

    @property
    def is_live(self) -> bool:
        """Whether the source goes on without us."""
        return self.watch.source.is_live

    def start(self) -> None:
        """Starts a program; where none can be started it is tried again later."""
        try:
            self._program = program = Program(_MODULE)
        except OSError as error:
            self._ended(f"no program can be started ({error.strerror})")
            return
        self._alive_s, self._reason = time.monotonic(), None
        program.channel.send(self.watch)
        if self._has_begun:
            self._begin()

    def begin(self) -> None:
        """Lets the program go on after its first frame."""
        self._has_begun = True
        if self._program is not None:
            self._begin()

    def relink(self) -> None:
        """The inference program was started again."""
        if self._has_begun and self.watch.is_analysed:
            self._send_with_link(Link())

    def cut_clip(self, alert_id: str, from_s: float) -> None:
        """Begins a clip at the last keyframe at or before an instant."""
        self._open_clips[alert_id] = None
        self._send(CutClip(alert_id, from_s))

    def end_clip(self, alert_id: str, until_s: float) -> None:
        """Ends a clip with the last packet before an instant."""
        self._send(EndClip(alert_id, until_s))

    def take_unfinished_clips(self) -> list[str]:
        """Alerts whose clips a program that has ended was writing; each is told once."""
        if self._program is not None:
            return []
        left, self._open_clips = list(self._open_clips), {}
        return left

    def tell_state(self, state: str) -> None:
        """Tells the site's operational state, to the next program, too."""
        self.watch = dataclasses.replace(self.watch, state=state)
        self._send(SetState(state))

    def tell_digested(self) -> None:
        """Tells that one more frame of a file was scored."""
        self._send(Digested())

    def receive(self) -> Report | None:
        """Takes the next report, waiting for it; None where the program has ended, and then looks after that."""
        if self._program is None:
            raise RuntimeError("expected a running program")
        report = self._program.receive(REPORTS)
        if report is None:
            self._ended(self._program.problem)
        else:
            self._note(report)
        return report

    def tick(self) -> None:
        """Starts a program that is due, and ends one that gives no sign of life."""
        now_s = time.monotonic()
        if self._program is None:
            if not self.has_ended and now_s >= self._start_s:
                self.start()
        elif self.is_live and self._has_begun and now_s - self._alive_s > self._no_frame_s:
            self._reason = f"no frame for {self._no_frame_s:.0f} s"
            self._alive_s = now_s
            self._program.kill()

    def stop(self) -> None:
        """Asks the program to make its clips whole and to end."""
        self.has_ended = True
        self._send(Stop())

    def kill(self) -> None:
        """Ends the program at once."""
        if self._program is not None:
            self._program.kill()

    def _begin(self) -> None:
        self._send_with_link(Begin())

    def _send_with_link(self, order: Begin | Link) -> None:
        descriptor = self._link_fn() if self.watch.is_analysed else None
        descriptors = () if descriptor is None else (descriptor,)
        if self._program is not None:
            self._program.channel.send(order, descriptors)
        for one in descriptors:
            os.close(one)

    def _send(self, order: object) -> None:
        if self._program is not None and not self._program.channel.send(order):
            self._program.kill()

    def _note(self, report: Report) -> None:
        self._alive_s = time.monotonic()
        match report:
            case Beat():
                has_grown = report.num_decoded + report.num_bytes > self._beat.num_decoded + self._beat.num_bytes
                self._backoff = self._backoff.after_success() if has_grown else self._backoff
                self._beat = report
            case Opened():
                self.has_opened = True
            case ClipFinished(alert_id):
                self._open_clips.pop(alert_id, None)
            case SourceFailed(reason):
                self._reason = reason
            case SourceEnded(is_cut_off):
                self._note_end(is_cut_off=is_cut_off)

    def _note_end(self, *, is_cut_off: bool) -> None:
        name, num_warnings = self.watch.source.shown_name, self._beat.num_warnings
        if is_cut_off:
            self._beat = dataclasses.replace(self._beat, num_warnings=num_warnings + 1)
        if is_cut_off or num_warnings:
            facts = {"source": name, "is_cut_off": is_cut_off, "warnings": num_warnings}
            logger.warning("source is damaged; watched as far as it decodes", extra=facts)
        if self.is_live:
            self._reason = f"{name}: the stream ended"
        else:
            self.has_ended = True

    def _ended(self, problem: str | None) -> None:
        """The program is gone, for the reason it gave, or because it died."""
        name, cause = self.watch.source.shown_name, None
        if self._program is not None:
            cause = self._program.cause_of_end()
            self._program = None
        self._before, self._beat = self.counts, _NOTHING
        reason = self._reason or f"{name}: the decoder {problem or cause or 'ended without a word'}"
        if self.has_ended:
            return
        if not self.is_live:
            self.failure, self.has_ended = SourceError(reason), True
            return
        self._backoff = self._backoff.after_failure()
        self._start_s = time.monotonic() + self._backoff.delay_s
        self.num_restarts, self.last_failure = self.num_restarts + 1, reason
        facts = {"camera": self.camera, "reason": reason, "delay_s": self._backoff.delay_s}
        logger.warning("decoder restarts", extra=facts)
