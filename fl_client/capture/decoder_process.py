"""One decoder process seen from its parent: start it, read its messages within a time, end it."""

import contextlib
import fcntl
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time

from fl_client.capture.source import Source
from fl_client.capture.wire import Message, read_message

logger = logging.getLogger(__name__)

_PIPE_BYTES = 1 << 20  # a whole frame of 640x432 fits: fewer switches between the two processes
_END_GRACE_S = 2.0


class DecoderProcess:
    """A running decoder of one source.

    Attributes:
        pid: Process number, for messages and tests.
    """

    def __init__(self, source: Source) -> None:
        command = [sys.executable, "-m", "fl_client.capture.decoder"]
        self._process = subprocess.Popen(  # noqa: S603 - our own module; its own session, so Ctrl-C is ours alone
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a process started with pipes has none")
        self._input, self._output = self._process.stdin, self._process.stdout
        self._input_lock = threading.Lock()
        self.pid = self._process.pid
        with contextlib.suppress(OSError):  # a small user limit on pipes costs speed only
            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._tell(source.to_json())

    def go_on(self) -> None:
        """Tells the decoder of a file or folder, which waits after its first frame, to hand over the others."""
        self._tell(b"\n")

    def read(self, timeout_s: float | None = None) -> Message | None:
        """The next message, or None when the decoder has ended.

        Raises:
            TimeoutError: The decoder sent no whole message in ``timeout_s`` seconds.
            ChannelError: It sent something that is not ours.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        return read_message(lambda buffer: self._read_into(buffer, deadline))

    def stop(self) -> None:
        """Ends the decoder, at once and from any thread: a reader sees the end of the channel."""
        if self._process.poll() is None:
            self._process.kill()

    def cause_of_end(self) -> str | None:
        """Waits for the end; how it died in words, or None if it ended by itself in good order."""
        with self._input_lock, contextlib.suppress(OSError):
            self._input.close()
        try:
            code = self._process.wait(_END_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._output.close()
        if code < 0:
            return f"died of {signal.Signals(-code).name}"
        return f"ended with status {code}" if code else None

    def _tell(self, line: bytes) -> None:
        with self._input_lock, contextlib.suppress(BrokenPipeError):  # it died; reading says how
            if not self._input.closed:  # it ended before anyone asked for more
                self._input.write(line)

    def _read_into(self, buffer: memoryview, deadline: float | None) -> bool:
        while buffer:
            self._wait_readable(deadline)
            num_read = os.readv(self._output.fileno(), [buffer])
            if num_read == 0:
                return False
            buffer = buffer[num_read:]
        return True

    def _wait_readable(self, deadline: float | None) -> None:
        if deadline is None:
            return
        left_s = max(0.0, deadline - time.monotonic())
        if not select.select([self._output], [], [], left_s)[0]:
            raise TimeoutError("no frame in time")
