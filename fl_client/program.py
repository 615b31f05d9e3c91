"""One program of a box, started with a channel to it: watched, asked, and ended."""

import signal
import subprocess
import sys

from fl_client.channel import Channel, Dialogue, M
from fl_client.errors import ChannelError

END_GRACE_S = 2.0


class Program:
    """A running Python module with a channel.

    Args:
        module: Its name; the number of its channel's file descriptor is its argument.

    Attributes:
        channel: To it.
        pid: Process number, for messages and tests.
        problem: What it sent that is no message; None where it did not.

    Raises:
        OSError: No process can be started.
    """

    def __init__(self, module: str) -> None:
        self.channel, end = Channel.pair()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module; its own session, so Ctrl-C is ours alone
                [sys.executable, "-m", module, str(end.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),  # what a library prints must not end up among our results
                pass_fds=[end.fileno()],
                start_new_session=True,
            )
        except OSError:
            self.channel.close()
            raise
        finally:
            end.close()
        self.pid = self._process.pid
        self.problem: str | None = None

    def receive(self, dialogue: Dialogue[M]) -> M | None:
        """Waits for the next message.

        Returns:
            The message; None where the program has ended, or was ended for having sent what is none.
        """
        try:
            received = self.channel.receive()
            return None if received is None else dialogue.parse(received.content)
        except ChannelError as error:
            self.problem = str(error)
            self.kill()
            return None

    def kill(self) -> None:
        """Ends it at once; its channel then ends, too."""
        if self._process.poll() is None:
            self._process.kill()

    def cause_of_end(self, grace_s: float = END_GRACE_S) -> str | None:
        """Closes the channel and waits for the end; how it died in words, or None if it ended in good order."""
        self.channel.close()
        try:
            code = self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code < 0:
            return f"died of {signal.Signals(-code).name}"
        return f"ended with status {code}" if code else None
