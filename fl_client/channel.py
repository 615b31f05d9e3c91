"""The channel between two programs of a box: messages, each with file descriptors where it needs them.

Rules:

1. A message arrives whole or not at all (``SOCK_SEQPACKET``): a program that is killed leaves no half of one.
2. What arrives is believed only after it was checked: a camera's program, fed with hostile video, may send anything.
3. Nobody waits for ever for a program that does not read: after ``SEND_TIMEOUT_S`` it counts as gone.
"""

import os
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, Self, TypeVar

import pydantic
import pydantic_core

from fl_client.errors import ChannelError

MAX_MESSAGE_BYTES = 64 * 1024
MAX_DESCRIPTORS = 4
SEND_TIMEOUT_S = 5
_SHOWN = 80

M = TypeVar("M")


class Dialogue(Generic[M]):
    """The messages that one end may send: frozen dataclasses, known by the names of their classes.

    Args:
        kinds: The classes.
    """

    def __init__(self, *kinds: type[Any]) -> None:
        self._adapters: dict[bytes, pydantic.TypeAdapter[M]] = {
            kind.__name__.encode(): pydantic.TypeAdapter(kind) for kind in kinds
        }

    def parse(self, content: bytes) -> M:
        """Reads one message.

        Raises:
            ChannelError: It is none of the kinds, or a field is not what it should be.
        """
        kind, _, fields = content.partition(b"\n")
        adapter = self._adapters.get(kind)
        try:
            if adapter is not None:
                return adapter.validate_json(fields, strict=True)
        except pydantic.ValidationError as error:
            problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(part) for part in problem["loc"])
            raise ChannelError(f"message {kind.decode()}: {place}: {problem['msg']}") from error
        known = ", ".join(name.decode() for name in self._adapters)
        raise ChannelError(f"expected a message of {known}, got {content[:_SHOWN]!r}")


class Received(NamedTuple):
    """What arrived; whoever receives it closes the descriptors."""

    content: bytes
    descriptors: tuple[int, ...]


class Channel:
    """One end of a channel."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._send_lock = threading.Lock()

    @classmethod
    def pair(cls) -> tuple[Self, Self]:
        """Both ends of a new channel."""
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0))
        return cls(ends[0]), cls(ends[1])

    @classmethod
    def of_descriptor(cls, descriptor: int) -> Self:
        """The end that a program was started with."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """Number of its file descriptor; -1 once it is closed."""
        return self._socket.fileno()

    def send(self, message: object, descriptors: Sequence[int] = ()) -> bool:
        """Sends one message, from any thread; False where nobody reads at the other end any more.

        Raises:
            ValueError: The message is too long.
        """
        content = type(message).__name__.encode() + b"\n" + pydantic_core.to_json(message)
        if len(content) > MAX_MESSAGE_BYTES:
            raise ValueError(f"expected a message of at most {MAX_MESSAGE_BYTES} bytes, got {len(content)}")
        with self._send_lock:
            try:
                socket.send_fds(self._socket, [content], list(descriptors))
            except OSError:  # rule 3, or gone
                return False
        return True

    def receive(self) -> Received | None:
        """Waits for the next message; None at the end of the channel.

        Raises:
            ChannelError: It is longer than messages are.
        """
        try:
            content, descriptors, flags, _ = socket.recv_fds(self._socket, MAX_MESSAGE_BYTES, MAX_DESCRIPTORS)
        except OSError:  # reset by an end that died with messages unread
            return None
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            for one in descriptors:
                os.close(one)
            raise ChannelError(f"a message is longer than {MAX_MESSAGE_BYTES} bytes")
        return Received(content, tuple(descriptors)) if content else None

    def close(self) -> None:
        """Ends the channel."""
        self._socket.close()
