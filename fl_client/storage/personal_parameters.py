"""The parameters that are this site's own: trained here, kept in ``personal.npz`` of its folder, never sent.

The file names the network it belongs to by a digest over names and shapes of all parameters and the number of steps
that it looks at. Values for another network are of no use, though the own parameters might have the same shapes.
"""

import dataclasses
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fl_client.errors import StateError
from fl_runtime.atomic_file import write_atomically

PERSONAL_FILE = "personal.npz"
SCHEMA_VERSION = 1
MAX_FILE_BYTES = 64 * 1024 * 1024
_DAMAGED = (OSError, EOFError, ValueError, TypeError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy and zipfile raise for a file that is cut off, altered or something else."""
_PARAMETER = "parameter/"

Parameters = Mapping[str, npt.NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class PersonalParameters:
    """A site's own parameters, and the network they belong to."""

    parameters: Parameters
    num_steps: int
    """Last steps of a tubelet that the network looks at."""
    network_digest: str
    """``network_digest`` of that network's parameters."""


def network_digest(parameters: Parameters, num_steps: int) -> str:
    """Names a network by its shape: the same for any values."""
    shapes = {name: array.shape for name, array in parameters.items()}
    return hashlib.sha256(json.dumps([num_steps, shapes], sort_keys=True).encode()).hexdigest()


def save_personal(state_dir: Path, personal: PersonalParameters) -> None:
    """Keeps a site's own parameters; those before are replaced, whole or not at all.

    Raises:
        StateError: The folder cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        schema_version=np.int64(SCHEMA_VERSION),
        num_steps=np.int64(personal.num_steps),
        network_digest=np.array(personal.network_digest),
        **{_PARAMETER + name: array for name, array in personal.parameters.items()},
    )
    try:
        write_atomically(state_dir / PERSONAL_FILE, buffer.getvalue(), mode=0o600)
    except OSError as error:
        raise StateError(f"{state_dir / PERSONAL_FILE}: cannot be written: {error.strerror}") from error


def load_personal(state_dir: Path) -> PersonalParameters | None:
    """A site's own parameters; None where it has none yet.

    Raises:
        StateError: The file is too large, damaged, of another schema, or holds values that are not finite.
    """
    path = state_dir / PERSONAL_FILE
    if not path.exists():
        return None
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise StateError(f"{path}: expected at most {MAX_FILE_BYTES} bytes")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if int(arrays["schema_version"]) != SCHEMA_VERSION:
            raise StateError(f"{path}: expected schema {SCHEMA_VERSION}, got {int(arrays['schema_version'])}")
        parameters = {
            name.removeprefix(_PARAMETER): array for name, array in arrays.items() if name.startswith(_PARAMETER)
        }
        if any(array.dtype != np.float32 or not np.isfinite(array).all() for array in parameters.values()):
            raise StateError(f"{path}: expected finite float32 values")
        return PersonalParameters(parameters, int(arrays["num_steps"]), str(arrays["network_digest"]))
    except _DAMAGED as error:
        raise StateError(f"{path}: damaged") from error
