"""Rounding to integers at random, within a norm that holds for every outcome.

1. Values are rounded up with the probability of their fraction, so a sum over sites is right in the mean.
2. A site's integers have an L2 norm of at most the sensitivity whatever is drawn: rounding is repeated until they do,
   and integers, not floats, are measured. Privacy never rests on a likely norm, nor on the rotation being exact.
"""

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from fl_protocol.noise import ByteSource, IntVector

RETRY_SHARE = math.exp(-0.5)
"""Share of roundings, at most, that exceed ``rounded_max_norm`` and are drawn again; the value of the source."""

MAX_NORM = 2.0**30
"""Largest norm, in steps: squares of it add up in 64 bits."""

MAX_TRIES = 64
"""Roundings before giving up: each succeeds with probability 0.39 or more, so 64 fail less than once in 10**13."""

_DRAW_BITS = 32


def rounded_max_norm(max_norm: float, num_values: int) -> float:
    """The L2 norm that most roundings of a bounded vector keep, and no rounding need exceed: the sensitivity.

    Rounding moves each value by less than 1, so sqrt(d) always suffices; as it is right in the mean, less suffices with
    probability 1 - ``RETRY_SHARE``.

    Args:
        max_norm: L2 bound on the vector before rounding, in steps. At least 0.
        num_values: Its length d, at least 1.

    Returns:
        The bound, in steps; more than ``max_norm``.

    Raises:
        ValueError: An argument is outside its range.

    Source:
        Kairouz, Liu and Steinke, 2021, Theorem 1. https://arxiv.org/abs/2102.06387
    """
    if not 0.0 <= max_norm <= MAX_NORM:
        raise ValueError(f"max_norm: expected 0 to {MAX_NORM:.0f} steps, got {max_norm}")
    if num_values < 1:
        raise ValueError(f"num_values: expected at least 1, got {num_values}")
    reach = math.sqrt(num_values)
    spread = math.sqrt(2 * math.log(1 / RETRY_SHARE)) * (max_norm + reach / 2)
    return min(max_norm + reach, math.sqrt(max_norm**2 + num_values / 4 + spread))


def round_within(values: npt.NDArray[np.floating], max_norm: float, source: ByteSource) -> IntVector:
    """Rounds at random to integers whose L2 norm is at most ``max_norm``.

    Each value goes to one of its two neighbours, in the mean to itself. Outcomes beyond ``max_norm`` are drawn again;
    after ``MAX_TRIES`` of them every value goes to its neighbour nearer to zero, which cannot lengthen the vector.

    Args:
        values: Finite, in steps. ``(d,)``. Its norm should leave the room that ``rounded_max_norm`` gives.
        max_norm: The bound, in steps, from 0 to twice ``MAX_NORM``.
        source: Uniform random bytes; see ``fl_protocol.noise.keystream``.

    Returns:
        The integers. ``(d,)``.

    Raises:
        ValueError: ``max_norm`` is outside its range, ``values`` is not one finite vector, or its integer parts alone
            exceed ``max_norm``.
    """
    if not 0.0 <= max_norm <= 2 * MAX_NORM:
        raise ValueError(f"max_norm: expected 0 to {2 * MAX_NORM:.0f} steps, got {max_norm}")
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"values: expected one vector of finite numbers, got shape {values.shape}")
    exact = values.astype(np.float64)
    largest_square = math.floor(Fraction(max_norm) ** 2)
    nearer_zero = _within(np.trunc(exact), max_norm, largest_square)
    floor = np.floor(exact)
    above = np.rint((exact - floor) * 2.0**_DRAW_BITS)
    for _ in range(MAX_TRIES):
        drawn = np.frombuffer(source(exact.size * _DRAW_BITS // 8), dtype="<u4")
        rounded = (floor + (drawn < above)).astype(np.int64)
        if _square(rounded) <= largest_square:
            return rounded
    return nearer_zero


def _within(whole: npt.NDArray[np.float64], max_norm: float, largest_square: int) -> IntVector:
    """Whole numbers as integers, measured first where their squares may be too large to add up."""
    largest = float(np.abs(whole).max(initial=0.0))
    if largest <= max_norm and np.linalg.norm(whole) <= max_norm + 1:
        integers = whole.astype(np.int64)
        if _square(integers) <= largest_square:
            return integers
    raise ValueError(f"values: expected whole parts of norm at most {max_norm} steps, got more; largest {largest:g}")


def _square(integers: IntVector) -> int:
    """The squared L2 norm, exact below 2**63."""
    return int(integers @ integers)
