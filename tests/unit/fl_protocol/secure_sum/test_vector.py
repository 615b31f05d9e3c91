"""Segments and their limits."""

import numpy as np
import pytest

from fl_protocol.errors import SumParameterError, WireError
from fl_protocol.secure_sum.vector import (
    MAX_SEGMENT_SIZE,
    Segment,
    bits_for,
    empty_lanes,
    from_lanes,
    layout_bytes,
    pack_lanes,
    segment_for,
    to_lanes,
    unpack_lanes,
)


@pytest.mark.parametrize("num_sites", [1, 2, 3, 7, 64, 500, 1000])
@pytest.mark.parametrize("num_bits", [14, 16, 17, 32, 33, 63, 64])
def test_sum_of_all_sites_at_the_limit_never_wraps(num_bits: int, num_sites: int) -> None:
    segment = segment_for("x", 2, num_bits, num_sites)
    assert segment.limit * num_sites <= 2 ** (num_bits - 1) - 1 < (segment.limit + 1) * num_sites
    total = empty_lanes((segment,))[0]
    for _ in range(num_sites):
        total += to_lanes(segment, np.array([segment.limit, -segment.limit]))
    assert from_lanes(segment, total).tolist() == [segment.limit * num_sites, -segment.limit * num_sites]


@pytest.mark.parametrize(("limit", "num_sites"), [(1, 1), (16, 3), (115, 20), (127, 1), (128, 1), (17, 1000)])
def test_bits_are_the_fewest_in_which_the_limit_fits(limit: int, num_sites: int) -> None:
    num_bits = bits_for(limit, num_sites)
    assert segment_for("x", 1, num_bits, num_sites).limit >= limit
    assert (2 ** (num_bits - 2) - 1) // num_sites < limit


@pytest.mark.parametrize(("size", "num_bits"), [(0, 16), (MAX_SEGMENT_SIZE + 1, 16), (1, 1), (1, 65)])
def test_segment_out_of_bounds_is_refused(size: int, num_bits: int) -> None:
    with pytest.raises(SumParameterError, match=f"segment x: .* got {size} of {num_bits}"):
        segment_for("x", size, num_bits, 3)


def test_segment_too_narrow_for_its_sites_is_refused() -> None:
    with pytest.raises(SumParameterError, match="segment x: expected more than 8 bits for 128 sites"):
        segment_for("x", 1, 8, 128)


@pytest.mark.parametrize("value", [4, -4, 2**40, -(2**63)])
def test_value_beyond_the_limit_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="segment x: expected values within 3"):
        to_lanes(Segment("x", 2, 5, 3), np.array([0, value], dtype=np.int64))


def test_values_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"segment x: expected 2 values, got shape \(3,\)"):
        to_lanes(Segment("x", 2, 5, 3), np.zeros(3, dtype=np.int64))


def test_upper_bits_of_a_lane_do_not_count() -> None:
    lanes = np.array([0b1010_00011, 0b1010_11111], dtype=np.uint16)
    assert from_lanes(Segment("x", 2, 5, 3), lanes).tolist() == [3, -1]


def test_segments_come_back_from_the_wire() -> None:
    layout = (segment_for("a", 70, 9, 3), segment_for("b", 5, 20, 3), segment_for("c", 1, 64, 3))
    rng = np.random.default_rng(0)
    values = [rng.integers(-part.limit, part.limit, part.size, endpoint=True) for part in layout]
    packed = pack_lanes(layout, [to_lanes(part, each) for part, each in zip(layout, values, strict=True)])
    assert len(packed) == layout_bytes(layout) == sum(part.num_bytes for part in layout)
    for part, lanes, wanted in zip(layout, unpack_lanes(layout, packed), values, strict=True):
        assert (from_lanes(part, lanes) == wanted).all()
    with pytest.raises(WireError, match=f"masked vector: expected {len(packed)} bytes, got {len(packed) - 1}"):
        unpack_lanes(layout, packed[1:])
