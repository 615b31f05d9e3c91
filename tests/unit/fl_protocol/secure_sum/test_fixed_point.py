"""Whole numbers for counts and moments."""

import numpy as np
import pytest

from fl_protocol.secure_sum.fixed_point import FRACTION_BITS, from_fixed, to_fixed
from fl_protocol.secure_sum.vector import Segment, segment_for

_SEGMENT = Segment("moments", 4, 64, 2**40)


def test_values_come_back_to_half_of_the_last_bit() -> None:
    values = np.array([0.0, 1.0, -2.5, 1 / 3, 1e5, -7e-6])
    whole, num_beyond = to_fixed(values, _SEGMENT)
    assert num_beyond == 0
    assert np.abs(from_fixed(whole) - values).max() <= 2.0 ** -(FRACTION_BITS + 1)


def test_values_beyond_the_limit_are_cut_and_counted() -> None:
    most = _SEGMENT.limit / 2.0**FRACTION_BITS
    whole, num_beyond = to_fixed(np.array([2 * most, -2 * most, 1.0, 1e308, -1e308]), _SEGMENT)
    assert num_beyond == 4
    assert whole.tolist() == [2**40, -(2**40), 2**FRACTION_BITS, 2**40, -(2**40)]


@pytest.mark.parametrize("num_sites", [1, 3, 20, 1000, 4999])
def test_cut_values_are_within_the_limit_even_where_double_precision_is_coarse(num_sites: int) -> None:
    segment = segment_for("counts", 4, 64, num_sites)
    near = np.nextafter(segment.limit / 2.0**FRACTION_BITS, [0.0, np.inf])
    whole, _ = to_fixed(np.concatenate([near, -near, [1e300]]), segment)
    assert max(abs(value) for value in whole.tolist()) <= segment.limit


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="segment moments: expected finite values"):
        to_fixed(np.array([0.0, value]), _SEGMENT)
