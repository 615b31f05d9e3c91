"""The program that looks at the pictures of all cameras.

It takes what the cameras' programs hand over, one picture of each at a time, and tells the box what it sees. When it
dies, recording goes on; the box starts another, which goes on from what was saved.
"""

import concurrent.futures
import contextlib
import dataclasses
import fcntl
import logging
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2

from context.site import Camera, Site
from fl_client.capture.wire import CapturedFrame, FrameReader, Picture, Wish
from fl_client.channel import Channel
from fl_client.errors import ChannelError
from fl_client.inference.dialogue import (
    ORDERS,
    ApplyFeedback,
    FeedbackApplied,
    Finish,
    KeepTubelets,
    LookAt,
    Observed,
    Order,
    Ready,
    Refused,
    Start,
    SwapModel,
    Swapped,
    Unscored,
)
from fl_client.inference.load import Load
from fl_client.inference.scored import ScoredFrameView, observation_of
from fl_runtime.config_file import load_config
from fl_runtime.log_setup import set_up_logging
from model_zoo.errors import ModelFileError

logger = logging.getLogger(__name__)


class Pipeline(Protocol):
    """Everything the program asks of what scores one camera's frames."""

    @property
    def model_digest(self) -> str:
        """SHA-256 of the model in use."""

    @property
    def is_busy(self) -> bool:
        """Whether it sees anything, or still learns what an empty scene is: then quiet pictures are wanted, too."""

    def process(self, frame: Picture, instant_s: float) -> ScoredFrameView:
        """Scores the next frame, ``(H, W)`` grey or ``(H, W, 3)`` BGR."""

    def swap_model(self, model_path: Path) -> str:
        """Loads and checks a model, then uses it from the next frame on; returns its digest. From any thread."""

    def keep_event_tubelets(self, alert_id: str, started_s: float, ended_s: float) -> None:
        """Keeps what was seen in the interval until the operator says what it was."""

    def apply_feedback(self, alert_id: str, label: str) -> bool:
        """Learns what the operator said; False if nothing was kept for that alert."""

    def close(self) -> None:
        """Saves what was learned."""


PipelineFactory = Callable[[Start, Site, Camera], Pipeline]


@dataclasses.dataclass
class _Watched:
    """One camera; ``reader`` is None between two of its programs."""

    pipeline: Pipeline
    link: socket.socket | None = None
    reader: FrameReader | None = None
    wish: Wish | None = None


class InferenceProgram:
    """Looks at all cameras of a site.

    Args:
        channel: To the box.
        start: What with.
        build_pipeline: Makes what scores a camera's frames.

    Raises:
        ModelFileError: The model, the detector or the pose model cannot be used.
    """

    def __init__(self, channel: Channel, start: Start, build_pipeline: PipelineFactory) -> None:
        self._channel = channel
        site = load_config(start.site_file, Site)
        watched = [camera for camera in site.cameras if camera.name in start.cameras]
        self._watched = {camera.name: _Watched(build_pipeline(start, site, camera)) for camera in watched}
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ, "")
        self._swapper = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="swap")
        self._load = Load()
        self._is_done = False

    def run(self) -> None:
        """Looks until it is told to finish; ends at once where the box is gone."""
        self._channel.send(Ready(next(iter(self._watched.values())).pipeline.model_digest))
        while not self._is_done:
            for key, _ in self._selector.select():
                if key.data:
                    self._look(key.data)
                else:
                    self._obey()
        self._swapper.shutdown(wait=True)
        for one in self._watched.values():
            one.pipeline.close()

    def _obey(self) -> None:
        received = self._channel.receive()
        if received is None:
            os._exit(0)  # what was learned since it was last saved is lost, as when the power fails
        self._follow(ORDERS.parse(received.content), received.descriptors)

    def _follow(self, order: Order, descriptors: tuple[int, ...]) -> None:
        match order:
            case LookAt(camera):
                self._link(camera, socket.socket(fileno=descriptors[0]))
            case SwapModel():
                self._swapper.submit(self._swap, order)
            case KeepTubelets(camera, alert_id, started_s, ended_s):
                self._watched[camera].pipeline.keep_event_tubelets(alert_id, started_s, ended_s)
            case ApplyFeedback(sequence, camera, alert_id, label):
                one = self._watched.get(camera)
                is_known = one is not None and one.pipeline.apply_feedback(alert_id, label)
                self._channel.send(FeedbackApplied(sequence, is_known))
            case Finish():
                self._is_done = True
            case Start():
                raise ChannelError("expected one order to start, got another")

    def _link(self, camera: str, link: socket.socket) -> None:
        self._unlink(camera)
        one = self._watched[camera]
        one.link, one.reader, one.wish = link, FrameReader(link), None
        self._selector.register(link, selectors.EVENT_READ, camera)

    def _unlink(self, camera: str) -> None:
        one = self._watched[camera]
        if one.link is not None:
            self._selector.unregister(one.link)
            one.link.close()
        one.link = one.reader = None

    def _look(self, camera: str) -> None:
        """Takes one picture of a camera, if it is whole by now."""
        reader = self._watched[camera].reader
        if reader is None:  # unlinked in this very turn
            return
        try:
            frame = reader.read()
        except ChannelError as error:
            facts = {"camera": camera, "reason": str(error)}
            logger.error("a camera's program is not to be trusted", extra=facts)  # noqa: TRY400 - not our error
            self._unlink(camera)
            return
        if frame is not None:
            self._score(camera, frame)
        elif reader.is_closed:
            self._unlink(camera)

    def _score(self, camera: str, frame: CapturedFrame) -> None:
        one = self._watched[camera]
        pipeline = one.pipeline
        try:
            scored = pipeline.process(frame.picture, frame.instant_s)
        except Exception:  # one camera's odd picture must not end the watch over the others
            logger.exception("a picture could not be scored", extra={"camera": camera})
            self._channel.send(Unscored(camera))
            return
        now_s = time.monotonic()
        before, self._load = self._load, self._load.after(now_s - frame.captured_s, now_s)
        if self._load.rate_fps != before.rate_fps:
            logger.warning("another number of pictures is asked for", extra={"frames_per_s": self._load.rate_fps})
        self._wish(one)
        observation = observation_of(scored)
        self._channel.send(Observed(camera, observation, scored.is_learning, frame.captured_s, pipeline.model_digest))

    def _wish(self, one: _Watched) -> None:
        """Tells a camera's program what is wanted of it, where that has changed."""
        wish = Wish(one.pipeline.is_busy, self._load.rate_fps)
        if wish != one.wish and one.link is not None:
            with contextlib.suppress(OSError):  # a program that does not read will be told of the next change
                one.link.send(wish.packed())
                one.wish = wish

    def _swap(self, order: SwapModel) -> None:
        """All cameras change to the model, or none where the first refuses it."""
        digest = ""
        try:
            for one in self._watched.values():
                digest = one.pipeline.swap_model(order.path)
        except ModelFileError as error:
            self._channel.send(Swapped(order.number, "", str(error)))
        except Exception as error:
            logger.exception("a model could not be swapped")
            self._channel.send(Swapped(order.number, "", f"{order.path}: {type(error).__name__}"))
        else:
            self._channel.send(Swapped(order.number, digest))


def main(build_pipeline: PipelineFactory) -> None:
    """Looks at what the box says over the channel whose file descriptor is the argument."""
    channel = Channel.of_descriptor(int(sys.argv[1]))
    first = channel.receive()
    if first is None:
        return
    start = ORDERS.parse(first.content)
    if not isinstance(start, Start):
        raise ChannelError(f"expected an order to start, got {type(start).__name__}")
    set_up_logging(start.log_level)
    cv2.setNumThreads(1)
    with contextlib.ExitStack() as stack:
        stack.callback(channel.close)
        lock = stack.enter_context((start.state_dir / "inference.lock").open("ab"))
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of a box that was killed may still be ending
        try:
            program = InferenceProgram(channel, start, build_pipeline)
        except ModelFileError as error:
            channel.send(Refused(str(error), is_the_model=start.model_path is not None))
            return
        program.run()
