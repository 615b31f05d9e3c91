"""What masked vectors look like: nothing."""

import itertools

import numpy as np
import pytest

from fl_protocol.secure_sum import site as steps
from fl_protocol.secure_sum.messages import MaskedVector
from fl_protocol.secure_sum.vector import Values, to_lanes, unpack_lanes
from tests.fakes.secure_fleet import one_segment, secure_fleet

_SIZE = 4096
_SELDOM = 450.0
"""Chi-square of 256 kinds that are equally frequent: beyond it once in 10^12 times."""


def _chi_square(values: Values, num_bits: int) -> float:
    """How far values below ``2**num_bits`` are from equally frequent, by their highest or their lowest eight bits."""
    counts = np.array([np.bincount(part, minlength=256) for part in (values >> (num_bits - 8), values % 256)])
    return float(((counts - _SIZE / 256) ** 2 / (_SIZE / 256)).sum(axis=1).max())


@pytest.mark.parametrize("num_bits", [13, 16])
def test_masked_vectors_show_nothing_of_their_values_nor_of_each_other(num_bits: int) -> None:
    """Of any two, by whichever site and in whichever epoch, neither is predicted by the other.

    Fails by chance once in 10^10 times.
    """
    layout = one_segment(3, _SIZE, num_bits)
    fleet, seen = secure_fleet(3, layout=layout), list[Values]()
    for epoch in (1, 2):
        keys = fleet.keys(epoch)
        for site, fill in ((0, layout[0].limit), (1, layout[0].limit), (2, 0)):
            lanes = [to_lanes(layout[0], np.full(_SIZE, fill))]
            opened = steps.open_round(fleet.states[site], keys.mask_request(site))
            fleet.states[site], answer = steps.mask(fleet.states[site], opened, lanes, layout, fleet.binding(epoch))
            packed = MaskedVector.decode(answer, fleet.group.identities).packed
            seen.append(unpack_lanes(layout, packed)[0].astype(np.int64))
    assert max(_chi_square(values, num_bits) for values in seen) < _SELDOM
    for one, other in itertools.combinations(seen, 2):
        assert _chi_square((one - other) % 2**num_bits, num_bits) < _SELDOM
        assert abs(np.corrcoef(one, other)[0, 1]) < 7 / np.sqrt(_SIZE)  # seven standard deviations
