"""What is summed: one vector of several segments, each with its own number of bits.

Rules:

1. Values are signed and computed modulo ``2 ** num_bits``. A site's values stay within ``limit``, and ``num_sites``
   times ``limit`` stays below half the modulus: the sum cannot wrap around, whoever takes part.
2. A value beyond the limit is refused here; whoever makes values cuts them to it and counts what was cut.
3. The layout is part of the round's settings, so sites that were told different layouts do not sum together.
"""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from fl_protocol.errors import SumParameterError, WireError
from fl_protocol.secure_sum.lanes import Lanes, lane_type, pack, packed_bytes, unpack

WIDE_BITS = 64
"""Counts and moments: room for 2^43 per site at a million sites."""
MAX_SEGMENT_SIZE = 2**28

Values = npt.NDArray[np.int64]  # (size,)


@dataclasses.dataclass(frozen=True)
class Segment:
    """A stretch of the vector whose values are of one kind."""

    name: str
    size: int
    num_bits: int
    limit: int
    """Largest magnitude of one site's value."""

    @property
    def num_bytes(self) -> int:
        """On the wire."""
        return packed_bytes(self.size, self.num_bits)


Layout = tuple[Segment, ...]


def segment_for(name: str, size: int, num_bits: int, num_sites: int) -> Segment:
    """A segment with the largest limit that ``num_sites`` allow (rule 1).

    Raises:
        SumParameterError: The sum of so many sites does not fit at all, or the sizes are out of bounds.
    """
    if not 1 <= size <= MAX_SEGMENT_SIZE or not 2 <= num_bits <= WIDE_BITS:
        raise SumParameterError(
            f"segment {name}: expected 1 to {MAX_SEGMENT_SIZE} values of 2 to {WIDE_BITS} bits, "
            f"got {size} of {num_bits}"
        )
    limit = (2 ** (num_bits - 1) - 1) // num_sites
    if limit < 1:
        raise SumParameterError(f"segment {name}: expected more than {num_bits} bits for {num_sites} sites")
    return Segment(name, size, num_bits, limit)


def bits_for(limit: int, num_sites: int) -> int:
    """The fewest bits in which values within ``limit`` of so many sites can be added."""
    return (limit * num_sites).bit_length() + 1


def to_lanes(segment: Segment, values: npt.NDArray[np.signedinteger[Any]]) -> Lanes:
    """A site's values as lanes.

    Raises:
        ValueError: There are more or fewer than the segment holds, or one is beyond the limit (rule 2).
    """
    if values.shape != (segment.size,):
        raise ValueError(f"segment {segment.name}: expected {segment.size} values, got shape {values.shape}")
    if values.max() > segment.limit or values.min() < -segment.limit:
        raise ValueError(f"segment {segment.name}: expected values within {segment.limit}")
    return values.astype(lane_type(segment.num_bits))


def from_lanes(segment: Segment, lanes: Lanes) -> Values:
    """The signed values that lanes stand for, whatever is in their upper bits."""
    unused = np.uint64(64 - segment.num_bits)
    return (lanes.astype(np.uint64) << unused).view(np.int64) >> np.int64(unused)


def empty_lanes(layout: Layout) -> list[Lanes]:
    """Lanes of nothing."""
    return [np.zeros(segment.size, dtype=lane_type(segment.num_bits)) for segment in layout]


def pack_lanes(layout: Layout, vector: list[Lanes]) -> bytes:
    """All segments for the wire."""
    return b"".join(pack(lanes, segment.num_bits) for segment, lanes in zip(layout, vector, strict=True))


def unpack_lanes(layout: Layout, packed: bytes) -> list[Lanes]:
    """Reads what ``pack_lanes`` wrote.

    Raises:
        WireError: The length is not that of the layout.
    """
    wanted = layout_bytes(layout)
    if len(packed) != wanted:
        raise WireError(f"masked vector: expected {wanted} bytes, got {len(packed)}")
    parts, start = [], 0
    for segment in layout:
        parts.append(unpack(packed[start : start + segment.num_bytes], segment.size, segment.num_bits))
        start += segment.num_bytes
    return parts


def layout_bytes(layout: Layout) -> int:
    """Bytes of a packed vector."""
    return sum(segment.num_bytes for segment in layout)
