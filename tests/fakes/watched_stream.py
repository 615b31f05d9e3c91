"""A camera's stream watched by its real program, with the test in the place of the box and the inference program."""

import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from fl_client.capture.dialogue import Report, Watch
from fl_client.capture.source import Source, check_path
from fl_client.capture.stream_keeper import NO_FRAME_S, StreamKeeper
from fl_client.capture.wire import CapturedFrame, FrameReader, Wish
from fl_client.channel import Channel

PATIENCE_S = 30.0


class WatchedStream:
    """Watches one source; what was handed over and reported is kept.

    Attributes:
        keeper: Keeps the program running.
        frames: Frames handed over so far.
        reports: What the program said so far.
        is_reading: Whether frames are taken; a busy reader takes none.
    """

    def __init__(self, source: Source, clips: Path, no_frame_s: float = NO_FRAME_S) -> None:
        self.frames: list[CapturedFrame] = []
        self.reports: list[Report] = []
        self.is_reading = True
        self._links: list[socket.socket] = []
        self._reader: FrameReader | None = None
        watch = Watch(source, clips, 8.0, "open")
        self.keeper = StreamKeeper("door", watch, self._link, no_frame_s)
        check_path(source)
        self.keeper.start()
        if not source.is_live:
            self.until(lambda: self.keeper.has_opened or self.keeper.has_ended, "first frame")
        if self.keeper.failure:
            raise self.keeper.failure
        self.keeper.begin()

    def _link(self) -> int:
        ours, theirs = socket.socketpair()
        self._links.append(ours)
        self._reader = FrameReader(ours)
        return theirs.detach()

    def wish(self, wish: Wish) -> None:
        """Tells the program what the inference program would wish."""
        self._links[-1].send(wish.packed())

    def turn(self, timeout_s: float = 0.05) -> None:
        """Takes what there is by now, or comes within a time."""
        program = self.keeper.program
        wanted: list[Channel | socket.socket] = [] if program is None else [program.channel]
        link = self._links[-1] if self._links and self.is_reading else None
        wanted += [] if link is None or self._reader is None or self._reader.is_closed else [link]
        ready, _, _ = select.select(wanted, [], [], timeout_s)
        if program is not None and program.channel in ready:
            report = self.keeper.receive()
            self.reports += [] if report is None else [report]
        if link is not None and link in ready and self._reader is not None:
            while (frame := self._reader.read()) is not None:
                self.frames.append(frame)
                self.keeper.tell_digested()
        self.keeper.tick()

    def until(self, is_so: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        """Goes on until something is so."""
        deadline = time.monotonic() + patience_s
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"no {what} within {patience_s} s")
            self.turn()

    def next_frame(self) -> CapturedFrame:
        """The next frame that is handed over."""
        seen = len(self.frames)
        self.until(lambda: len(self.frames) > seen, "frame")
        return self.frames[seen]

    def to_the_end(self) -> list[CapturedFrame]:
        """Every frame of a source that ends.

        Raises:
            SourceError: Its program died.
        """
        self.until(lambda: self.keeper.has_ended, "end")
        if self.keeper.failure:
            raise self.keeper.failure
        self.until(lambda: len(self.frames) >= self.keeper.counts.num_sampled, "last frame")
        self.stop()
        return self.frames

    def stop(self) -> None:
        """Has clips made whole, and ends the program."""
        self.keeper.stop()
        self.until(lambda: self.keeper.program is None, "end of the program")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.keeper.kill()
        self.until(lambda: self.keeper.program is None or self.keeper.is_live, "end of the program")
        if self.keeper.program is not None:
            self.keeper.program.kill()
            self.keeper.program.cause_of_end()
        for link in self._links:
            link.close()
