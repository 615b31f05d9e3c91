"""The decoder process: ``python -m fl_client.capture.decoder``, one line of JSON in, frames out.

It imports neither torch nor flwr, so that it starts fast. It reads a ``Source`` from standard input, writes messages
(``wire``) to standard output, and ends when its source ends, cannot be decoded, or nobody reads any more. After the
first frame of a file or folder it waits for a second line: the clock of a paced file starts when its reader is ready.
"""

import os
import sys
import time

import av
import av.logging
import numpy as np

from fl_client.capture.decoding import SourceFrame, Tally, decode, fitted_size
from fl_client.capture.frame_sampler import FrameSampler
from fl_client.capture.live_clock import LiveClock
from fl_client.capture.source import Source
from fl_client.capture.wire import CapturedFrame, Message, SourceEnd, SourceFailure, pack_header, payload_of
from fl_client.errors import SourceError


class Pacer:
    """Holds frames of a recorded source back until they are due."""

    def __init__(self, source: Source) -> None:
        self._is_paced = not (source.is_live or source.is_fast)
        self._waits_for_reader = not source.is_live
        self._began: float | None = None

    def wait_until(self, time_s: float) -> None:
        """Sleeps until ``time_s`` after the source's first frame; the first call returns at once."""
        if self._began is None:
            self._began = time.monotonic() - time_s
            return
        if self._waits_for_reader:
            sys.stdin.buffer.readline()
            self._waits_for_reader = False
            self._began = time.monotonic() - time_s
        if self._is_paced:
            time.sleep(max(0.0, self._began + time_s - time.monotonic()))


class Instants:
    """Turns times in the source into instants: counted from a file's start, or kept near the clock."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._first_s: float | None = None
        self._clock = LiveClock()
        self._epoch_s = time.time() - time.monotonic()  # read once: the clock may be set while we watch

    def of(self, time_s: float) -> float:
        """The instant of the frame at ``time_s``, seconds since 1970 UTC."""
        if self._source.is_live:
            self._clock, instant_s = self._clock.instant(time_s, self._epoch_s + time.monotonic())
            return instant_s
        self._first_s = time_s if self._first_s is None else self._first_s
        return self._source.start_s + time_s - self._first_s


def main() -> None:
    """Decodes the source that standard input names, until it ends or nobody listens."""
    av.logging.set_level(None)
    output = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not end up between two messages
    source = Source.from_json(sys.stdin.buffer.readline())
    tally = Tally()
    try:
        _send_frames(output, source, tally)
        _send(output, SourceEnd(tally.num_decoded, tally.num_warnings, tally.is_cut_off))
    except SourceError as error:
        _send(output, SourceFailure(str(error)))
    except BrokenPipeError:  # the client is gone
        os._exit(0)


def _send_frames(output: int, source: Source, tally: Tally) -> None:
    sampler, pacer, instants = FrameSampler(source.frames_per_s), Pacer(source), Instants(source)
    for one in decode(source, tally):
        time_s = _time_in_source(one, source, tally)
        instant_s = instants.of(time_s)
        sampler, is_chosen = sampler.choose(time_s)
        if is_chosen:
            pacer.wait_until(time_s)
            _send(output, _captured(one.frame, instant_s, tally))


def _time_in_source(one: SourceFrame, source: Source, tally: Tally) -> float:
    if one.time_s is not None:
        return one.time_s
    return time.monotonic() if source.is_live else (tally.num_decoded - 1) / source.frames_per_s


def _captured(frame: av.VideoFrame, instant_s: float, tally: Tally) -> CapturedFrame:
    width, height = fitted_size(frame.width, frame.height)
    picture = frame.to_ndarray(format="bgr24", width=width, height=height, interpolation="AREA")
    return CapturedFrame(picture.astype(np.uint8, copy=False), instant_s, tally.num_decoded)


def _send(output: int, message: Message) -> None:
    payload = payload_of(message)
    _write_all(output, memoryview(pack_header(message, len(payload))))
    _write_all(output, payload)


def _write_all(output: int, content: memoryview) -> None:
    while content:
        content = content[os.write(output, content) :]


if __name__ == "__main__":
    main()
