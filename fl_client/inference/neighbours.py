"""What the cameras of a site learn from one another: each leaves its normality sums beside its tubelets.

The file is written anew whenever the camera's scorer is fitted, so a camera with little footage of its own can lean on
its neighbours without reading theirs.
"""

import json
import logging
from pathlib import Path

import numpy as np

from fl_client.training.normality_sums import no_kind_sums
from fl_runtime.atomic_file import write_atomically
from model_zoo.errors import NormalityError
from model_zoo.normality.intensity import NormalitySums

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 1
MAX_FILE_BYTES = 1 << 20
FILE_NAME = "normality.json"


def leave_sums(folder: Path, sums: NormalitySums) -> None:
    """Writes a camera's sums, by zone kind and state, into its folder; a full disk is logged, for scoring goes on."""
    facts = {"schema_version": SCHEMA_VERSION, "sums": sums.vector.tolist()}
    try:
        write_atomically(folder / FILE_NAME, json.dumps(facts).encode())
    except OSError as error:
        logger.warning("normality sums not left to the neighbours", extra={"reason": str(error)})


def neighbours_sums(folder: Path) -> NormalitySums:
    """What all cameras of the site but the one in ``folder`` have left; a damaged file is skipped with a warning."""
    total = no_kind_sums()
    for path in sorted(folder.parent.glob(f"*/{FILE_NAME}")):
        if path.parent.name != folder.name:
            total = total + _read(path)
    return total


def _read(path: Path) -> NormalitySums:
    try:
        return _sums_of(path)
    except (OSError, ValueError, KeyError, TypeError, NormalityError) as error:
        logger.warning("damaged normality sums skipped", extra={"path": str(path), "reason": str(error)})
        return no_kind_sums()


def _sums_of(path: Path) -> NormalitySums:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"expected at most {MAX_FILE_BYTES} bytes")
    facts = json.loads(path.read_bytes())
    if facts["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"expected schema version {SCHEMA_VERSION}")
    return NormalitySums.from_vector(np.asarray(facts["sums"], dtype=np.float64), *no_kind_sums().shape)
