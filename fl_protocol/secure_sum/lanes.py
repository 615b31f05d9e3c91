"""Lanes of a few bits each, packed without a gap for the wire.

Values modulo ``2 ** num_bits`` are computed in lanes of 16, 32 or 64 bits: adding modulo the larger power keeps the
lower bits right. For the wire the upper bits are dropped. The vector is cut into 64 stretches of equal length L. Take
value ``i`` of every stretch and lay the 64 of them end to end: bits ``64 * w`` to ``64 * w + 63`` of that are word
``w * L + i`` of the packed form. So packing shifts whole stretches, whatever the number of bits.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from fl_protocol.errors import WireError

Lanes = npt.NDArray[np.unsignedinteger[Any]]  # (P,)  16, 32 or 64 bits each
Words = npt.NDArray[np.uint64]  # (num_bits * L,)
_STRETCHES = 64


def lane_type(num_bits: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The smallest lane that holds values of ``num_bits`` bits.

    Raises:
        ValueError: Not 1 to 64 bits.
    """
    if not 1 <= num_bits <= 64:
        raise ValueError(f"expected 1 to 64 bits, got {num_bits}")
    if num_bits <= 16:
        return np.dtype(np.uint16)
    return np.dtype(np.uint32) if num_bits <= 32 else np.dtype(np.uint64)


def packed_bytes(size: int, num_bits: int) -> int:
    """Bytes that ``size`` values take on the wire."""
    return 8 * num_bits * _stretch(size)


def pack(lanes: Lanes, num_bits: int) -> bytes:
    """The lower ``num_bits`` of every lane, without a gap."""
    length = _stretch(len(lanes))
    words = np.zeros((num_bits, length), dtype=np.uint64)
    keep = lanes.dtype.type((1 << num_bits) - 1)
    for stretch in range(_STRETCHES):
        part = lanes[stretch * length : (stretch + 1) * length] & keep
        if not len(part):
            break
        values = part.astype(np.uint64)
        word, shift = divmod(stretch * num_bits, 64)
        words[word, : len(part)] |= values << np.uint64(shift)
        if shift + num_bits > 64:
            words[word + 1, : len(part)] |= values >> np.uint64(64 - shift)
    return words.astype("<u8", copy=False).tobytes()


def unpack(packed: bytes, size: int, num_bits: int) -> Lanes:
    """Reads what ``pack`` wrote.

    Raises:
        WireError: The length is not that of ``size`` values.
    """
    if len(packed) != packed_bytes(size, num_bits):
        raise WireError(f"lanes: expected {packed_bytes(size, num_bits)} bytes, got {len(packed)}")
    length = _stretch(size)
    words = np.frombuffer(packed, dtype="<u8").reshape(num_bits, length)
    lanes: Lanes = np.empty(size, dtype=lane_type(num_bits))
    keep = np.uint64((1 << num_bits) - 1)
    for stretch in range(_STRETCHES):
        part = lanes[stretch * length : (stretch + 1) * length]
        if not len(part):
            break
        word, shift = divmod(stretch * num_bits, 64)
        values = words[word, : len(part)] >> np.uint64(shift)
        if shift + num_bits > 64:
            values |= words[word + 1, : len(part)] << np.uint64(64 - shift)
        values &= keep
        part[:] = values
    return lanes


def _stretch(size: int) -> int:
    return -(-size // _STRETCHES)
