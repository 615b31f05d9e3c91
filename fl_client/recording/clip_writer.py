"""Writes clips in a thread of its own, so that encoding never holds up the frames that follow.

The queue holds ``QUEUE_FRAMES`` JPEG pictures at most (about 5 MB at 640x360): with a live camera the encoder is
several times faster than the frames come; a file watched at full speed waits for it.
"""

import contextlib
import dataclasses
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import av

from fl_client.recording.clip_encoder import ClipEncoder
from fl_client.recording.jpeg_ring import JpegFrame

logger = logging.getLogger(__name__)

QUEUE_FRAMES = 128


@dataclasses.dataclass(frozen=True)
class FinishedClip:
    """What became of one clip: its digest and number of frames, or None and 0 where it could not be written."""

    alert_id: str
    digest: str | None
    num_frames: int


@dataclasses.dataclass(frozen=True)
class _Open:
    alert_id: str


@dataclasses.dataclass(frozen=True)
class _Finish:
    pass


@dataclasses.dataclass(frozen=True)
class _Stop:
    pass


_Order = _Open | JpegFrame | _Finish | _Stop


class ClipWriter:
    """One clip at a time: open, add frames, finish; ``on_finished`` is called in the writing thread."""

    def __init__(self, folder: Path, frames_per_s: float, on_finished: Callable[[FinishedClip], None]) -> None:
        self._folder = folder
        self._frames_per_s = frames_per_s
        self._on_finished = on_finished
        self._orders: queue.Queue[_Order] = queue.Queue(QUEUE_FRAMES)
        self._thread = threading.Thread(target=self._run, name="clip-writer", daemon=True)
        self._thread.start()

    def open(self, alert_id: str, frames: Sequence[JpegFrame]) -> None:
        """Begins the clip of ``alert_id`` with ``frames``; the clip before it must be finished."""
        self._orders.put(_Open(alert_id))
        for frame in frames:
            self._orders.put(frame)

    def add(self, frame: JpegFrame) -> None:
        """Adds one frame to the open clip."""
        self._orders.put(frame)

    def finish(self) -> None:
        """Ends the open clip; ``on_finished`` follows when it is written."""
        self._orders.put(_Finish())

    def close(self) -> None:
        """Waits until everything is written, an open clip included, and ends the thread."""
        self._orders.put(_Finish())
        self._orders.put(_Stop())
        self._thread.join()

    def _run(self) -> None:
        while isinstance(order := self._orders.get(), (_Open, JpegFrame, _Finish)):
            if isinstance(order, _Open):
                self._finished(self._write(order.alert_id))

    def _finished(self, clip: FinishedClip) -> None:
        try:
            self._on_finished(clip)
        except Exception:  # the next clip must be written all the same
            logger.exception("alert could not be completed", extra={"alert_id": clip.alert_id})

    def _write(self, alert_id: str) -> FinishedClip:
        """Writes one clip from the orders that follow; on a full disk or the like the alert goes without."""
        path = self._folder / f"{alert_id}.webm"
        with contextlib.ExitStack() as stack:
            try:
                encoder = stack.enter_context(ClipEncoder(path, self._frames_per_s))
                while isinstance(order := self._orders.get(), JpegFrame):
                    encoder.add(order)
                return FinishedClip(alert_id, encoder.finish(), encoder.num_frames)
            except (OSError, av.FFmpegError, ValueError) as error:
                logger.exception("clip could not be written", extra={"alert_id": alert_id, "reason": str(error)})
                return FinishedClip(alert_id, None, 0)
