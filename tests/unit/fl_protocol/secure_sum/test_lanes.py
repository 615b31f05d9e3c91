"""Packing, against bits laid one by one."""

import numpy as np
import pytest

from fl_protocol.errors import WireError
from fl_protocol.secure_sum.lanes import Lanes, lane_type, pack, packed_bytes, unpack

_EVERY_BITS = range(1, 65)


def _random_lanes(size: int, num_bits: int) -> Lanes:
    rng = np.random.default_rng([size, num_bits])
    lanes: Lanes = rng.integers(0, 2**num_bits - 1, size, dtype=np.uint64, endpoint=True).astype(lane_type(num_bits))
    return lanes


def _packed_bit_by_bit(lanes: Lanes, num_bits: int) -> bytes:
    """Bit b of value s of the 64 at place i is bit s * num_bits + b of them laid end to end, 64 to a word."""
    length = -(-len(lanes) // 64)
    words = [0] * (num_bits * length)
    for place, value in enumerate(lanes.tolist()):
        stretch, i = divmod(place, length)
        for bit in range(num_bits):
            word, shift = divmod(stretch * num_bits + bit, 64)
            words[word * length + i] |= (value >> bit & 1) << shift
    return b"".join(word.to_bytes(8, "little") for word in words)


@pytest.mark.parametrize("num_bits", _EVERY_BITS)
def test_packed_lanes_are_those_laid_bit_by_bit(num_bits: int) -> None:
    for size in (1, 63, 130):
        lanes = _random_lanes(size, num_bits)
        packed = pack(lanes, num_bits)
        assert packed == _packed_bit_by_bit(lanes, num_bits)
        assert len(packed) == packed_bytes(size, num_bits)


@pytest.mark.parametrize("num_bits", _EVERY_BITS)
def test_unpacked_lanes_are_those_that_were_packed(num_bits: int) -> None:
    for size in (1, 2, 64, 65, 1000):
        lanes = _random_lanes(size, num_bits)
        unpacked = unpack(pack(lanes, num_bits), size, num_bits)
        assert (unpacked == lanes).all()
        assert unpacked.dtype == lane_type(num_bits)


def test_upper_bits_are_dropped() -> None:
    assert pack(np.array([0xABCD], dtype=np.uint16), 4) == pack(np.array([0xD], dtype=np.uint16), 4)


def test_nothing_is_wasted_on_whole_stretches() -> None:
    assert packed_bytes(6400, 13) * 8 == 6400 * 13


@pytest.mark.parametrize(("num_bits", "wanted"), [(1, 2), (16, 2), (17, 4), (32, 4), (33, 8), (64, 8)])
def test_lane_is_the_smallest_that_holds_the_bits(num_bits: int, wanted: int) -> None:
    assert lane_type(num_bits).itemsize == wanted


@pytest.mark.parametrize("num_bits", [0, 65])
def test_bits_no_lane_holds_are_refused(num_bits: int) -> None:
    with pytest.raises(ValueError, match=f"expected 1 to 64 bits, got {num_bits}"):
        lane_type(num_bits)


@pytest.mark.parametrize("change", [-8, -1, 1, 8])
def test_packed_lanes_of_another_length_are_refused(change: int) -> None:
    packed = pack(_random_lanes(100, 9), 9)
    other = packed[:change] if change < 0 else packed + bytes(change)
    with pytest.raises(WireError, match=f"lanes: expected {len(packed)} bytes, got {len(other)}"):
        unpack(other, 100, 9)
