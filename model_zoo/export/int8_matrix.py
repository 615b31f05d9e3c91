"""How a matrix of weights is stored as int8: one scale for each output, so that the largest weight is 127."""

import numpy as np
import numpy.typing as npt

_LARGEST_INT8 = 127
_LEAST_SCALE = 1e-12
LEAST_STORED_VALUES = 1024
"""Smaller matrices stay as they are: what is saved would not pay for another node of the graph."""


def int8_matrix(weights: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """A matrix as integers and scales, whose product it is.

    Args:
        weights: ``(R, C)``.
        axis: Of the outputs, 0 or 1.

    Returns:
        Integers ``(R, C)``, and scales that fit them: ``(R, 1)`` or ``(1, C)``.
    """
    scale = np.maximum(np.abs(weights).max(axis=1 - axis) / _LARGEST_INT8, _LEAST_SCALE).astype(np.float32)
    by_output = np.expand_dims(scale, 1 - axis)
    return np.rint(weights / by_output).astype(np.int8), by_output
