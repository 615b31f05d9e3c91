"""Keeps the inference program running, and asks it for what it can do.

Rules:

1. A program that dies is started again, after a pause that grows; recording goes on meanwhile.
2. What was asked and not answered when it died is asked again (feedback) or refused (another model, which may well have
   been the cause).
3. A model that a program cannot start with is given up for the one that ships with the client.
"""

import concurrent.futures
import dataclasses
import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from fl_client.errors import UnreachableError
from fl_client.inference.dialogue import (
    REPORTS,
    ApplyFeedback,
    FeedbackApplied,
    Finish,
    KeepTubelets,
    LookAt,
    Ready,
    Refused,
    Report,
    Start,
    SwapModel,
    Swapped,
)
from fl_client.program import Program
from fl_runtime.backoff import Backoff
from model_zoo.errors import ModelFileError

logger = logging.getLogger(__name__)

FIRST_RESTART_S = 0.5
LONGEST_RESTART_S = 60.0
FINISH_GRACE_S = 30.0
SWAP_TIMEOUT_S = 300.0
DEATHS_OF_A_MODEL = 3
"""Programs that may die before they are ready until their model is given up."""


class InferenceKeeper:
    """Keeps one inference program running.

    Args:
        module: The program.
        start: What it is started with.
        forget_model: Called when the stored model is given up.

    Attributes:
        model_digest: Of the model in use; "" before the first program is ready.
        num_restarts: Times the program had to be started again.
        is_ready: Whether the program of now is of use.
    """

    def __init__(self, module: str, start: Start, forget_model: Callable[[], None]) -> None:
        self.model_digest, self.num_restarts, self.is_ready = "", 0, False
        self._module, self._start, self._forget_model = module, start, forget_model
        self._program: Program | None = None
        self._backoff, self._start_s = Backoff(FIRST_RESTART_S, LONGEST_RESTART_S), 0.0
        self._num_early_deaths = 0
        self._feedback: dict[int, ApplyFeedback] = {}
        self._swaps: dict[int, concurrent.futures.Future[str]] = {}
        self._num_swaps = 0
        self._lock = threading.Lock()
        self._is_finishing = False

    @property
    def program(self) -> Program | None:
        """The running program; None between two."""
        return self._program

    def start(self) -> None:
        """Starts a program; where none can be started it is tried again later."""
        try:
            self._program = program = Program(self._module)
        except OSError as error:
            self._ended(f"no program can be started ({error.strerror})")
            return
        program.channel.send(self._start)

    def link(self, camera: str) -> int | None:
        """Makes a link from a camera's program; the descriptor of its end, or None while there is nobody to link to."""
        if self._program is None or not self.is_ready:
            return None
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._program.channel.send(LookAt(camera), (ours.fileno(),))
            return theirs.detach()

    def keep_event_tubelets(self, camera: str, alert_id: str, started_s: float, ended_s: float) -> None:
        """Keeps what was seen in the interval until the operator says what it was."""
        self._send(KeepTubelets(camera, alert_id, started_s, ended_s))

    def apply_feedback(self, feedback: ApplyFeedback) -> None:
        """Has the operator's word applied; ``FeedbackApplied`` follows, if need be from the next program."""
        self._feedback[feedback.sequence] = feedback
        self._send(feedback)

    def swap_model(self, model_path: Path) -> str:
        """Has a model loaded, tried and used; waits for it. From any thread but the one that receives.

        Returns:
            Its digest.

        Raises:
            ModelFileError: It is refused, or the program died of it.
        """
        future: concurrent.futures.Future[str] = concurrent.futures.Future()
        with self._lock:
            self._num_swaps += 1
            number = self._num_swaps
            self._swaps[number] = future
            program = self._program if self.is_ready else None
        if program is None or not program.channel.send(SwapModel(number, model_path)):
            self._swaps.pop(number, None)
            raise UnreachableError("the inference program is not there: try again later")
        try:
            digest = future.result(SWAP_TIMEOUT_S)
        finally:
            self._swaps.pop(number, None)
        self._start = dataclasses.replace(self._start, model_path=model_path)
        return digest

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
        """Starts a program that is due."""
        if self._program is None and not self._is_finishing and time.monotonic() >= self._start_s:
            self.start()

    def finish(self) -> None:
        """Has what was learned saved, and waits for the end."""
        self._is_finishing = True
        if self._program is None:
            return
        self._program.channel.send(Finish())
        self._program.cause_of_end(FINISH_GRACE_S)

    def kill(self) -> None:
        """Ends the program at once."""
        if self._program is not None:
            self._program.kill()

    def _send(self, order: object) -> None:
        if self._program is not None and self.is_ready and not self._program.channel.send(order):
            self._program.kill()

    def _note(self, report: Report) -> None:
        match report:
            case Ready(digest):
                self.model_digest, self.is_ready, self._num_early_deaths = digest, True, 0
                self._backoff = self._backoff.after_success()
                for feedback in self._feedback.values():
                    self._send(feedback)
            case Refused(reason, is_the_model):
                self._give_up_model(reason, is_the_model=is_the_model)
            case FeedbackApplied(sequence):
                self._feedback.pop(sequence, None)
            case Swapped(number, digest, problem):
                future = self._swaps.get(number)
                if digest:
                    self.model_digest = digest
                if future is not None and digest:
                    future.set_result(digest)
                elif future is not None:
                    future.set_exception(ModelFileError(problem))

    def _give_up_model(self, reason: str, *, is_the_model: bool) -> None:
        """Rule 3.

        Raises:
            ModelFileError: There is nothing to give up: the detector, the pose model or the shipped model is at fault.
        """
        if not is_the_model:
            raise ModelFileError(reason)
        logger.warning("stored model is refused; using the shipped default", extra={"reason": reason})
        self._forget_model()
        self._start = dataclasses.replace(self._start, model_path=None)
        self._num_early_deaths = 0

    def _ended(self, problem: str | None) -> None:
        cause = None
        if self._program is not None:
            cause = self._program.cause_of_end()
            self._program = None
        self._num_early_deaths += int(not self.is_ready)
        self.is_ready = False
        with self._lock:
            swaps, self._swaps = self._swaps, {}
        for future in swaps.values():  # rule 2
            future.set_exception(ModelFileError("the inference program died while it was tried"))
        if self._is_finishing:
            return
        if self._num_early_deaths >= DEATHS_OF_A_MODEL and self._start.model_path is not None:
            self._give_up_model(f"{self._num_early_deaths} programs died of it", is_the_model=True)
        self.num_restarts += 1
        self._backoff = self._backoff.after_failure()
        self._start_s = time.monotonic() + self._backoff.delay_s
        facts = {"reason": problem or cause or "ended without a word", "delay_s": self._backoff.delay_s}
        logger.warning("inference program restarts", extra=facts)
