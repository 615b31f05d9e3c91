"""A model update as small integers and back: bounded, rotated, rounded.

1. An update longer than ``max_norm`` is scaled down to it.
2. A rotation mixes every value with 1 023 others from all over the vector, so all come out about alike: one step size
   fits them all, whatever the scales of the layers were. It is orthogonal: lengths stay, and its inverse is exact.
3. Values are divided by the step and rounded up or down at random, so that the mean of many is right; what lies beyond
   the limit is cut and counted.

The sum of rounded vectors is rotated back as one: rotation is linear.

Source:
    Suresh, Yu, Kumar and McMahan, 2017 (stochastic rounding after a random rotation). https://arxiv.org/abs/1611.00429
"""

import dataclasses
import functools
import hashlib
import math

import numpy as np
import numpy.typing as npt

from fl_protocol.secure_sum.vector import Segment, bits_for, segment_for

FloatVector = npt.NDArray[np.float32]  # (P,)

RANGE_DEVIATIONS = 5.0
"""The limit stands for so many standard deviations of a rotated update of full length: one in 1.7 million is beyond."""

COARSEST_LIMIT = 16
"""Steps on either side of zero, however many sites there are."""

LEVELS_OF_ONE = 512
"""Steps on either side for a single site. Rounding errors of sites average out: each of N needs but 1/sqrt(N) of them
for the mean to be as exact."""

_ROOT = 32
_ROWS = _ROOT * _ROOT
_CHUNK = 2**16


@dataclasses.dataclass(frozen=True)
class UpdateCode:
    """How the updates of one round are written. All sites and the coordinator have the same."""

    num_parameters: int
    max_norm: float
    segment: Segment
    rotation_seed: bytes
    """Public; another one in every round."""

    @property
    def step(self) -> float:
        """Size of one step, in parameter units."""
        return RANGE_DEVIATIONS * self.max_norm / math.sqrt(self.segment.size) / self.segment.limit


@dataclasses.dataclass(frozen=True)
class CodedUpdate:
    """What one site adds up."""

    values: npt.NDArray[np.int32]  # (segment.size,)
    norm: float
    """Of the update, before it was bounded."""
    num_cut: int


def update_code(num_parameters: int, max_norm: float, num_sites: int, rotation_seed: bytes) -> UpdateCode:
    """The code for so many sites: as few bits as keep the mean exact.

    Raises:
        ValueError: ``max_norm`` is not positive and finite.
        SumParameterError: There is nothing to add.
    """
    if not 0 < max_norm < math.inf:
        raise ValueError(f"expected a positive bound, got {max_norm}")
    wanted = max(COARSEST_LIMIT, math.ceil(LEVELS_OF_ONE / math.sqrt(num_sites)))
    segment = segment_for("update", rotated_size(num_parameters), bits_for(wanted, num_sites), num_sites)
    return UpdateCode(num_parameters, max_norm, segment, rotation_seed)


def encode_update(update: FloatVector, weight: float, code: UpdateCode, rng: np.random.Generator) -> CodedUpdate:
    """Writes one site's update.

    Args:
        update: Local minus global parameters, flattened, finite. ``(P,)``.
        weight: What the site counts for, from 0 to 1.
        code: Of the round.
        rng: For the rounding.

    Raises:
        ValueError: The update is not of the code's size or not finite, or the weight is out of bounds.
    """
    norm = float(np.linalg.norm(update))
    if update.shape != (code.num_parameters,) or not math.isfinite(norm):
        raise ValueError(f"expected {code.num_parameters} finite values, got shape {update.shape}, norm {norm}")
    if not 0 <= weight <= 1:
        raise ValueError(f"expected a weight from 0 to 1, got {weight}")
    scale = weight * min(1.0, code.max_norm / norm if norm else 1.0) / code.step
    values = np.empty(code.segment.size, dtype=np.int32)
    rotated, num_cut = rotate(update, code.rotation_seed), 0
    for start in range(0, len(rotated), _CHUNK):
        part = rotated[start : start + _CHUNK]
        part *= np.float32(scale)
        part += rng.integers(0, 2**16, len(part), dtype=np.uint16) * np.float32(2**-16)
        np.floor(part, out=part)
        num_cut += int(np.count_nonzero(np.abs(part) > code.segment.limit))
        values[start : start + _CHUNK] = np.clip(part, -code.segment.limit, code.segment.limit, out=part)
    return CodedUpdate(values, norm, num_cut)


def decode_sum(values: npt.NDArray[np.int64], code: UpdateCode) -> FloatVector:
    """The sum of weighted updates that a sum of coded ones stands for. ``(P,)``."""
    rotated = values.astype(np.float32)
    rotated *= np.float32(code.step)
    return rotate_back(rotated, code.rotation_seed)[: code.num_parameters]


def rotated_size(num_parameters: int) -> int:
    """Values of a rotated update: padded to a multiple of 1 024."""
    return _columns(num_parameters) * _ROWS


def rotate(vector: FloatVector, seed: bytes) -> FloatVector:
    """Mixes a vector; its length stays. ``(P,)`` to a multiple of 1 024 values."""
    columns = _columns(len(vector))
    grid = np.zeros((_ROWS, columns), dtype=np.float32)
    grid.reshape(-1)[: len(vector)] = vector
    grid *= _signs(seed)[:, None]
    return _mix(grid).reshape(-1)


def rotate_back(rotated: FloatVector, seed: bytes) -> FloatVector:
    """Undoes ``rotate``, the padding aside."""
    grid = _mix(rotated.reshape(_ROWS, -1))
    grid *= _signs(seed)[:, None]
    return grid.reshape(-1)


def _mix(grid: FloatVector) -> FloatVector:
    """Multiplies every column by the orthonormal Hadamard matrix of 1 024 rows, as two of 32; its own inverse."""
    columns = grid.shape[1]
    matrix = _hadamard()
    once = (matrix @ grid.reshape(_ROOT, _ROOT * columns)).reshape(_ROOT, _ROOT, columns)
    mixed: FloatVector = np.matmul(matrix, once).reshape(_ROWS, columns)
    return mixed


@functools.cache
def _hadamard() -> FloatVector:
    rows = np.arange(_ROOT)
    parity = np.bitwise_count(rows[:, None] & rows[None, :]) % 2
    matrix: FloatVector = ((1.0 - 2.0 * parity) / math.sqrt(_ROOT)).astype(np.float32)
    return matrix


def _signs(seed: bytes) -> FloatVector:
    stream = hashlib.shake_256(b"edgeguard update rotation v1" + seed).digest(_ROWS // 8)
    bits = np.unpackbits(np.frombuffer(stream, dtype=np.uint8))
    return (1.0 - 2.0 * bits).astype(np.float32)


def _columns(num_parameters: int) -> int:
    return max(1, -(-num_parameters // _ROWS))
