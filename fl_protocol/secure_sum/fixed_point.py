"""Counts, weights and moments as whole numbers of 64 bits, so that they are summed exactly under masks."""

import numpy as np
import numpy.typing as npt

from fl_protocol.secure_sum.vector import Segment

FRACTION_BITS = 16
"""A value is kept to a 65 536th: far finer than any of ours is known."""

FloatVector = npt.NDArray[np.float64]  # (size,)


def to_fixed(values: FloatVector, segment: Segment) -> tuple[npt.NDArray[np.int64], int]:
    """Rounds values to fixed point; also tells how many were beyond the segment's limit and cut to it.

    Raises:
        ValueError: A value is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError(f"segment {segment.name}: expected finite values")
    with np.errstate(over="ignore"):  # what is too large for double precision is beyond the limit, too
        scaled = np.rint(values * 2.0**FRACTION_BITS)
    most = float(segment.limit)
    is_beyond = np.abs(scaled) >= most
    whole = np.where(is_beyond, 0.0, scaled).astype(np.int64)
    whole[is_beyond] = np.where(scaled[is_beyond] > 0, segment.limit, -segment.limit)
    return whole, int(np.count_nonzero(is_beyond))


def from_fixed(values: npt.NDArray[np.int64]) -> FloatVector:
    """The values that a sum stands for."""
    return values / 2.0**FRACTION_BITS
