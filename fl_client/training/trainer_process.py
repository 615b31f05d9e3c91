"""The trainer: a process that lives as long as the client, because secrets of secure rounds live in its memory alone.

Flower starts a new process for every message; that one hands the message on over a Unix socket and ends. The trainer
answers one message at a time. The socket lies in the site's folder and is open to the same user alone.

On the wire, either way: four bytes of length, then an archive of arrays (NumPy's, without pickle). A request holds the
action, the parts of the message and the parameters; an answer holds parts, or the words of a refusal.
"""

import contextlib
import io
import logging
import os
import socket
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from fl_client.errors import ClientError, StateError
from fl_protocol.errors import ProtocolError
from fl_runtime.command import run_command
from fl_runtime.log_setup import set_up_logging

logger = logging.getLogger(__name__)

SOCKET_FILE = "trainer.sock"
MAX_MESSAGE_BYTES = 512 * 1024 * 1024
LONGEST_ANSWER_S = 3600.0
"""A round's training may take that long; the coordinator's own deadline is far below."""

LONGEST_TRANSFER_S = 60.0
"""A caller that neither sends nor takes anything for so long must not hold up the others."""

_ACTION, _REFUSAL, _PART, _PARAMETER = "action", "refusal", "part/", "parameter/"
_LOST = (OSError, EOFError, ValueError, zipfile.BadZipFile)
"""What happens to a connection, and what NumPy says of bytes that are no archive."""
Arrays = Mapping[str, npt.NDArray[Any]]

app = typer.Typer(add_completion=False)


@app.command()
def main(
    state: Annotated[Path, typer.Option(help="The site's folder; the socket is made in it.")],
    membership: Annotated[Path, typer.Option(help="Folder with identity key, membership and roster.")],
) -> None:
    """Serves the secure rounds of one site until it is told to stop."""
    set_up_logging("info")
    serve(state, membership)


def serve(state_dir: Path, membership_dir: Path) -> None:
    """Answers messages until the process ends.

    Raises:
        StateError: The socket cannot be made.
    """
    from fl_client.training.trainer import Trainer

    trainer = Trainer(membership_dir, state_dir)
    with _listener(state_dir) as listener:
        logger.info("trainer listens")
        while True:
            connection, _ = listener.accept()
            connection.settimeout(LONGEST_TRANSFER_S)
            with connection:
                try:
                    request = _receive(connection)
                except _LOST as error:  # the asking process died, or was none of ours
                    logger.warning("trainer's caller lost", extra={"reason": str(error)})
                    continue
                answer = _answer(trainer.answer, request)
                try:
                    _send(connection, answer)
                except OSError as error:  # it gets the same bytes when it asks again
                    logger.warning("trainer's caller lost", extra={"reason": str(error)})


def ask_trainer(state_dir: Path, action: str, parts: Mapping[str, bytes], parameters: Arrays) -> dict[str, bytes]:
    """Has the trainer of a site answer a message.

    Raises:
        StateError: No trainer is running, it died over this message, or it refused.
    """
    request: dict[str, npt.NDArray[Any]] = {_ACTION: np.frombuffer(action.encode(), dtype=np.uint8)}
    request |= {_PART + name: np.frombuffer(part, dtype=np.uint8) for name, part in parts.items()}
    request |= {_PARAMETER + name: array for name, array in parameters.items()}
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LONGEST_ANSWER_S)
            with _short_name(state_dir) as name:
                connection.connect(name)
            _send(connection, request)
            answer = _receive(connection)
    except _LOST as error:
        raise StateError(f"the trainer of {state_dir} does not answer: {error}") from error
    if _REFUSAL in answer:
        raise StateError(answer[_REFUSAL].tobytes().decode(errors="replace"))
    return {name.removeprefix(_PART): array.tobytes() for name, array in answer.items()}


def _answer(answer_fn: Any, request: Arrays) -> Arrays:  # noqa: ANN401  # Trainer.answer; its module loads torch
    action = request[_ACTION].tobytes().decode(errors="replace") if _ACTION in request else ""
    parts = {name.removeprefix(_PART): part.tobytes() for name, part in request.items() if name.startswith(_PART)}
    parameters = {
        name.removeprefix(_PARAMETER): array for name, array in request.items() if name.startswith(_PARAMETER)
    }
    try:
        answers: dict[str, bytes] = answer_fn(action, parts, parameters)
    except (StateError, ProtocolError) as error:
        logger.warning("message refused", extra={"action": action, "reason": str(error)})
        return {_REFUSAL: np.frombuffer(str(error).encode(), dtype=np.uint8)}
    return {_PART + name: np.frombuffer(part, dtype=np.uint8) for name, part in answers.items()}


def _listener(state_dir: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        (state_dir / SOCKET_FILE).unlink(missing_ok=True)  # of a trainer that was killed
        before = os.umask(0o177)
        try:
            with _short_name(state_dir) as name:
                listener.bind(name)
        finally:
            os.umask(before)
        listener.listen(8)
    except OSError as error:
        listener.close()
        raise StateError(f"{state_dir / SOCKET_FILE}: cannot be made: {error.strerror}") from error
    return listener


@contextlib.contextmanager
def _short_name(state_dir: Path) -> Iterator[str]:
    """A name of the socket that is short enough wherever the folder is: Unix allows 107 bytes."""
    folder = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET_FILE}"
    finally:
        os.close(folder)


def _send(connection: socket.socket, arrays: Arrays) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(arrays))
    connection.sendall(len(buffer.getbuffer()).to_bytes(4))
    connection.sendall(buffer.getbuffer())


def _receive(connection: socket.socket) -> dict[str, npt.NDArray[Any]]:
    num_bytes = int.from_bytes(_read(connection, 4))
    if num_bytes > MAX_MESSAGE_BYTES:
        raise ValueError(f"expected a message of at most {MAX_MESSAGE_BYTES} bytes, got {num_bytes}")
    with np.load(io.BytesIO(_read(connection, num_bytes)), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read(connection: socket.socket, num_bytes: int) -> bytes:
    parts, missing = [], num_bytes
    while missing:
        part = connection.recv(min(missing, 2**20))
        if not part:
            raise EOFError("the other side has gone")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    run_command(app, ClientError)
