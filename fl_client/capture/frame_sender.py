"""Hands pictures of one camera over to the inference program, and never lets it hold up recording.

Of a live source the newest are kept: where analysis is late the oldest that waits is dropped and counted. Of a file
watched at full speed none is dropped: the file waits.
"""

import collections
import socket
import threading

from fl_client.capture.wire import WISH, CapturedFrame, Wish, last_wish, packed_header, pixels_of

WAITING_FRAMES = 8
"""Most frames that wait: 0.8 s of them, 6 MB at 640x360."""
AHEAD_FRAMES = 8
"""Frames of a file that may be handed over before the first of them is scored: clips are cut by what is scored."""
_MOST_WISHES = 1024


class FrameSender:
    """The sending end of a link.

    Args:
        is_lossless: Whether to wait in place of dropping.

    Attributes:
        num_sent: Frames handed over.
        num_dropped: Frames that were not, because analysis was late or not there.
    """

    def __init__(self, *, is_lossless: bool) -> None:
        self.num_sent, self.num_dropped = 0, 0
        self._is_lossless = is_lossless
        self._num_put, self._num_digested = 0, 0
        self._waiting: collections.deque[CapturedFrame] = collections.deque()
        self._link: socket.socket | None = None
        self._is_sending = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="frame-sender", daemon=True)
        self._thread.start()

    def use(self, descriptor: int) -> None:
        """Goes on over another link."""
        with self._changed:
            if self._link is not None:
                self._link.close()
            self._link = socket.socket(fileno=descriptor)
            self._num_digested = self._num_put - len(self._waiting)  # what the one before had not scored is lost
            self._changed.notify_all()

    def note_digested(self) -> None:
        """Takes that one more frame has been scored."""
        with self._changed:
            self._num_digested += 1
            self._changed.notify_all()

    def put(self, frame: CapturedFrame) -> None:
        """Hands a frame over as soon as it can be; of a lossless source waits until there is room."""
        with self._changed:
            if self._is_lossless:
                self._changed.wait_for(lambda: self._num_put - self._num_digested < AHEAD_FRAMES)
            elif len(self._waiting) >= WAITING_FRAMES:
                self._waiting.popleft()
                self.num_dropped += 1
            self._waiting.append(frame)
            self._num_put += 1
            self._changed.notify_all()

    def wish(self) -> Wish | None:
        """What the inference program wants now; None where it has said nothing new."""
        with self._changed:
            link = self._link
        if link is None:
            return None
        try:
            return last_wish(link.recv(_MOST_WISHES * WISH.size, socket.MSG_DONTWAIT))
        except OSError:  # nothing there, or nobody
            return None

    def flush(self) -> None:
        """Waits until all frames are handed over."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._is_sending))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting and self._link is not None)
                frame, link, self._is_sending = self._waiting.popleft(), self._link, True
            has_sent = link is not None and _send(link, frame)
            with self._changed:
                self._is_sending = False
                self._note(frame, has_sent=has_sent)
                if not has_sent and self._link is link:  # the inference program is gone; another link will come
                    self._link = None
                self._changed.notify_all()

    def _note(self, frame: CapturedFrame, *, has_sent: bool) -> None:
        if has_sent:
            self.num_sent += 1
        elif self._is_lossless:
            self._waiting.appendleft(frame)
        else:
            self.num_dropped += 1


def _send(link: socket.socket, frame: CapturedFrame) -> bool:
    try:
        link.sendall(packed_header(frame))
        link.sendall(pixels_of(frame))
    except OSError:
        return False
    return True
