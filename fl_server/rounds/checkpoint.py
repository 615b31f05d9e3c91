"""A training's state as bytes: what a later run goes on from, in the database or as a file."""

import dataclasses
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fl_runtime.atomic_file import write_atomically
from fl_server.errors import CheckpointError
from fl_server.rounds.server_optimizer import Parameters, ServerOptimizer
from fl_server.rounds.update_bounds import UpdateBounds
from model_zoo.architecture import USUAL_NUM_STEPS, NumSteps, checked_num_steps

SCHEMA_VERSION = 3
MAX_FILE_BYTES = 256 * 1024 * 1024
_DAMAGED = (OSError, EOFError, ValueError, TypeError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy and zipfile raise for a file that is cut off, altered or something else."""
_PARAMETER, _VELOCITY, _SECOND_MOMENT = "parameter/", "velocity/", "second-moment/"
_BOUNDS = "update_bounds"
"""JSON. It may be missing: coordinators once wrote states of schema 3 without it, and plain rounds teach none."""


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """Global parameters, the fleet's normality sums, optimizer and bounds after ``round_number`` rounds."""

    parameters: Parameters
    normality: npt.NDArray[np.float64]
    optimizer: ServerOptimizer
    round_number: int
    tubelet_steps: NumSteps = USUAL_NUM_STEPS
    """Last steps of a tubelet that the network looks at."""
    bounds: UpdateBounds | None = None
    """For the next round, where the last one taught them."""


def save_checkpoint(state: TrainingState, path: Path) -> None:
    """Writes ``state`` to ``path``, whole or not at all."""
    write_atomically(path, encode_state(state))


def encode_state(state: TrainingState) -> bytes:
    """What ``decode_state`` reads."""
    arrays = {_PARAMETER + name: array for name, array in state.parameters.items()}
    arrays |= {_VELOCITY + name: array for name, array in state.optimizer.velocity.items()}
    arrays |= {_SECOND_MOMENT + name: array for name, array in state.optimizer.second_moment.items()}
    told = {} if state.bounds is None else {_BOUNDS: np.str_(state.bounds.model_dump_json())}
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        schema_version=np.int64(SCHEMA_VERSION),
        round_number=np.int64(state.round_number),
        tubelet_steps=np.int64(state.tubelet_steps),
        normality=state.normality,
        **arrays,
        **told,
    )
    return buffer.getvalue()


def load_checkpoint(path: Path, optimizer: ServerOptimizer) -> TrainingState:
    """Reads what ``save_checkpoint`` wrote.

    Args:
        path: The file.
        optimizer: Gives strategy, learning rate and momentum; the moments come from the file.

    Raises:
        CheckpointError: The file is missing, too large, damaged or of another schema.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CheckpointError(f"{path}: expected at most {MAX_FILE_BYTES} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: missing or damaged training state") from error
    return decode_state(content, optimizer, str(path))


def decode_state(content: bytes, optimizer: ServerOptimizer, name: str) -> TrainingState:
    """Reads what ``encode_state`` wrote.

    Args:
        content: The bytes.
        optimizer: As of ``load_checkpoint``.
        name: Where they are from, for the error.

    Raises:
        CheckpointError: They are damaged or of another schema.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        version = int(arrays["schema_version"])
        if version != SCHEMA_VERSION:
            raise CheckpointError(f"{name}: expected schema {SCHEMA_VERSION}, got {version}")
        velocity, second_moment = (_with_prefix(arrays, prefix) for prefix in (_VELOCITY, _SECOND_MOMENT))
        return TrainingState(
            _with_prefix(arrays, _PARAMETER),
            arrays["normality"],
            dataclasses.replace(optimizer, velocity=velocity, second_moment=second_moment),
            int(arrays["round_number"]),
            checked_num_steps(int(arrays["tubelet_steps"])),
            UpdateBounds.model_validate_json(str(arrays[_BOUNDS])) if _BOUNDS in arrays else None,
        )
    except _DAMAGED as error:
        raise CheckpointError(f"{name}: missing or damaged training state") from error


def _with_prefix(arrays: dict[str, npt.NDArray[np.float32]], prefix: str) -> Parameters:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
