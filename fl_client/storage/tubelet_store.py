"""A camera's tubelets on disk: what the site trains on.

``footage/`` holds numbered blocks of what was seen, oldest dropped first; one block in four is held out from
training. ``pending/`` holds the tubelets of alerts nobody has judged yet, ``labelled/`` those of
alerts an operator has. Files are written whole or not at all; a damaged one is skipped with a warning.
"""

import dataclasses
import io
import json
import logging
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from context.context_vector import CONTEXT_SIZE
from context.site import Camera
from context.zone import ZONE_KINDS
from fl_client.errors import StateError
from fl_runtime.atomic_file import write_atomically
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, NUM_STEPS, Tubelets, concatenate
from model_zoo.training.exposure import Exposure, join_exposures

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 3
_SCHEMAS_READ = (2, SCHEMA_VERSION)
"""Tubelets of schema 2 have 12 steps."""
HELD_OUT_EVERY = 4
MAX_BLOCKS = 256
MAX_PENDING = 512
LABELS = {"confirmed": 1, "false": 2}
"""Operator's words by ``Tubelets.label``."""

_DAMAGED = (OSError, EOFError, ValueError, TypeError, LookupError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy and zipfile raise for a file that is cut off, altered or something else."""

_TUBELET_COLUMNS: dict[str, tuple[str, tuple[int, ...]]] = {
    "crops": ("uint8", (NUM_STEPS, CROP_SIDE, CROP_SIDE)),
    "boxes": ("float32", (NUM_STEPS, 4)),
    "motion": ("float32", (NUM_STEPS, NUM_MOTION)),
    "context": ("float32", (CONTEXT_SIZE,)),
    "zone_slot": ("int64", ()),
    "zone_kind": ("int64", ()),
    "state": ("int64", ()),
    "label": ("int64", ()),
    "instant_s": ("float64", ()),
}
_STEPPED_COLUMNS = frozenset({"crops", "boxes", "motion"})
_EXPOSURE_COLUMNS: dict[str, tuple[str, tuple[int, ...]]] = {
    "context": ("float32", (CONTEXT_SIZE,)),
    "state": ("int64", ()),
    "watched_s": ("float64", ()),
}


def no_tubelets() -> Tubelets:
    """A batch of none."""
    return Tubelets(**{name: np.zeros((0, *shape), dtype=kind) for name, (kind, shape) in _TUBELET_COLUMNS.items()})


@dataclasses.dataclass(frozen=True)
class Block:
    """What one stretch of watching gave: the tubelets seen and the moments watched."""

    tubelets: Tubelets
    exposure: Exposure


class TubeletStore:
    """The folder of one camera. One process writes; others may read at any time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def describe(self, camera: Camera) -> None:
        """Writes down what a trainer must know of the camera."""
        kinds = [ZONE_KINDS.index(kind) for kind in camera.zone_kinds()]
        facts = {"schema_version": SCHEMA_VERSION, "camera_index": camera.index, "zone_kinds": kinds}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / "camera.json", json.dumps(facts).encode())

    def zone_kinds_and_index(self) -> tuple[npt.NDArray[np.int64], int]:
        """Kind of each zone slot, and the camera's embedding index.

        Raises:
            StateError: The camera was never described here, or the file is damaged.
        """
        path = self.folder / "camera.json"
        try:
            facts = json.loads(path.read_bytes())
            return np.asarray(facts["zone_kinds"], dtype=np.int64), int(facts["camera_index"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(f"{path}: missing or damaged camera description") from error

    def append(self, block: Block, number: int | None = None) -> None:
        """Adds a block and drops the oldest beyond ``MAX_BLOCKS``."""
        numbers = self._numbers()
        number = (numbers[-1] + 1 if numbers else 0) if number is None else number
        exposure = {f"exposure_{name}": getattr(block.exposure, name) for name in _EXPOSURE_COLUMNS}
        self._write(self._block_path(number), block.tubelets.arrays() | exposure)
        for old in numbers[: max(0, len(numbers) + 1 - MAX_BLOCKS)]:
            self._block_path(old).unlink(missing_ok=True)

    def blocks(self, *, is_held_out: bool) -> list[Block]:
        """The held-out blocks, or those to train on, oldest first."""
        chosen = [
            number for number in self._numbers() if (number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1) == is_held_out
        ]
        return [block for number in chosen if (block := self._read_block(self._block_path(number))) is not None]

    def watched_s(self) -> float:
        """Seconds watched over all blocks."""
        return sum(_watched_s(self._block_path(number)) for number in self._numbers())

    def keep_pending(self, alert_id: str, tubelets: Tubelets) -> None:
        """Keeps an alert's tubelets until an operator has judged it."""
        self._write(self.folder / "pending" / f"{alert_id}.npz", tubelets.arrays())
        waiting = sorted((self.folder / "pending").glob("*.npz"), key=lambda path: path.stat().st_mtime)
        for path in waiting[: max(0, len(waiting) - MAX_PENDING)]:
            path.unlink(missing_ok=True)

    def label(self, alert_id: str, word: str) -> Tubelets | None:
        """Files an alert's tubelets under the operator's word; a later word replaces an earlier one.

        Returns:
            The labelled tubelets, or ``None`` when nothing is kept for that alert.
        """
        labelled, pending = (self.folder / name / f"{alert_id}.npz" for name in ("labelled", "pending"))
        tubelets = self._read_tubelets(labelled if labelled.exists() else pending)
        if tubelets is None:
            return None
        judged = dataclasses.replace(tubelets, label=np.full(len(tubelets), LABELS[word], dtype=np.int64))
        self._write(labelled, judged.arrays())
        pending.unlink(missing_ok=True)
        return judged

    def labelled(self) -> Tubelets:
        """Tubelets of every alert an operator has judged."""
        batches = [self._read_tubelets(path) for path in sorted((self.folder / "labelled").glob("*.npz"))]
        return concatenate([no_tubelets(), *(batch for batch in batches if batch is not None)])

    def _numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in (self.folder / "footage").glob("*.npz") if path.stem.isdecimal())

    def _block_path(self, number: int) -> Path:
        return self.folder / "footage" / f"{number:08d}.npz"

    def _write(self, path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, schema_version=np.int64(SCHEMA_VERSION), **arrays)
        write_atomically(path, buffer.getvalue())

    def _read_block(self, path: Path) -> Block | None:
        arrays = _read_arrays(path)
        tubelets = _columns(arrays, _TUBELET_COLUMNS, "")
        exposure = _columns(arrays, _EXPOSURE_COLUMNS, "exposure_")
        if tubelets is None or exposure is None:
            logger.warning("damaged block skipped", extra={"path": str(path)})
            return None
        return Block(Tubelets(**tubelets), Exposure(**exposure))

    def _read_tubelets(self, path: Path) -> Tubelets | None:
        if not path.exists():
            return None
        columns = _columns(_read_arrays(path), _TUBELET_COLUMNS, "")
        if columns is None:
            logger.warning("damaged tubelets skipped", extra={"path": str(path)})
            return None
        return Tubelets(**columns)


def join_blocks(blocks: list[Block]) -> Block | None:
    """All blocks as one, or ``None`` when there are none."""
    if not blocks:
        return None
    exposure = join_exposures([block.exposure for block in blocks])
    return Block(concatenate([block.tubelets for block in blocks]), exposure)


def _read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if archive["schema_version"] not in _SCHEMAS_READ:
                return {}
            return {
                name: _lengthened(archive[name]) if name in _STEPPED_COLUMNS else archive[name]
                for name in archive.files
            }
    except _DAMAGED:
        return {}


def _lengthened(steps: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Tubelets of fewer steps, ``(N, T, ...)``, begun with their first step as those of young tracks are."""
    missing = NUM_STEPS - steps.shape[1]
    return np.concatenate([np.repeat(steps[:, :1], missing, axis=1), steps], axis=1) if missing > 0 else steps


def _watched_s(path: Path) -> float:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:  # this one array, not the crops
            is_ours = archive["schema_version"] in _SCHEMAS_READ
            return float(archive["exposure_watched_s"].sum()) if is_ours else 0.0
    except _DAMAGED:
        return 0.0


def _columns(
    arrays: dict[str, npt.NDArray[Any]], columns: dict[str, tuple[str, tuple[int, ...]]], prefix: str
) -> dict[str, npt.NDArray[Any]] | None:
    """The named columns if all are there, of equal length, and of the expected shape and type."""
    found = {name: arrays.get(prefix + name) for name in columns}
    lengths = set()
    for name, (kind, shape) in columns.items():
        array = found[name]
        if array is None or array.dtype != np.dtype(kind) or array.shape[1:] != shape or array.ndim == 0:
            return None
        lengths.add(len(array))
    return {name: array for name, array in found.items() if array is not None} if len(lengths) == 1 else None
