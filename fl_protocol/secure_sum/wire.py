"""Bytes in and out: fixed fields in a fixed order, every length checked before it is used.

A message is the kind it claims to be, of this version, holds what its kind holds and nothing after it. Whole numbers
are big-endian and unsigned; arrays are little-endian, with their number of rows before them.
"""

from typing import Self

import numpy as np
import numpy.typing as npt

from fl_protocol.errors import WireError

WIRE_VERSION = 1
MAX_ROWS = 65_536
MAX_BLOB_BYTES = 2**30


class Writer:
    """Collects the fields of one message.

    Args:
        kind: Four characters that name the message.
    """

    def __init__(self, kind: bytes) -> None:
        self._parts = [kind, WIRE_VERSION.to_bytes(2)]

    def number(self, value: int) -> Self:
        """Adds a whole number."""
        self._parts.append(value.to_bytes(8))
        return self

    def fixed(self, value: bytes, num_bytes: int) -> Self:
        """Adds bytes whose number both sides know.

        Raises:
            ValueError: There are more or fewer.
        """
        if len(value) != num_bytes:
            raise ValueError(f"expected {num_bytes} bytes, got {len(value)}")
        self._parts.append(value)
        return self

    def blob(self, value: bytes) -> Self:
        """Adds bytes with their number before them."""
        self._parts += [len(value).to_bytes(8), value]
        return self

    def rows(self, array: npt.NDArray[np.generic], dtype: str) -> Self:
        """Adds an array with its number of rows before it; the rest of its shape is known."""
        self._parts += [len(array).to_bytes(4), np.ascontiguousarray(array, dtype=dtype).tobytes()]
        return self

    def finish(self) -> bytes:
        """The message."""
        return b"".join(self._parts)


class Reader:
    """Reads the fields of one message in their order.

    Args:
        message: The bytes.
        kind: What it must be.

    Raises:
        WireError: It is of another kind or version.
    """

    def __init__(self, message: bytes, kind: bytes) -> None:
        self._message, self._place, self._kind = memoryview(message), 0, kind.decode()
        start = kind + WIRE_VERSION.to_bytes(2)
        if self._take(len(start)) != start:
            raise self._unlike(f"expected version {WIRE_VERSION} of it")

    def number(self, most: int) -> int:
        """A whole number up to ``most``."""
        value = int.from_bytes(self._take(8))
        if value > most:
            raise self._unlike(f"expected a number up to {most}, got {value}")
        return value

    def fixed(self, num_bytes: int) -> bytes:
        """That many bytes."""
        return bytes(self._take(num_bytes))

    def blob(self, most: int = MAX_BLOB_BYTES) -> bytes:
        """Bytes with their number before them, at most ``most``."""
        return bytes(self._take(self.number(most)))

    def rows(self, dtype: str, *columns: int) -> npt.NDArray[np.generic]:
        """An array of ``columns`` with its number of rows before it. ``(rows, *columns)``."""
        num_rows = int.from_bytes(self._take(4))
        if num_rows > MAX_ROWS:
            raise self._unlike(f"expected at most {MAX_ROWS} rows, got {num_rows}")
        shape = (num_rows, *columns)
        num_bytes = np.dtype(dtype).itemsize * int(np.prod(shape))
        array: npt.NDArray[np.generic] = np.frombuffer(self._take(num_bytes), dtype=dtype).reshape(shape)
        return array

    def finish(self) -> None:
        """Checks that nothing is left."""
        if self._place != len(self._message):
            raise self._unlike(f"expected {self._place} bytes, got {len(self._message)}")

    def _take(self, num_bytes: int) -> memoryview:
        part = self._message[self._place : self._place + num_bytes]
        if len(part) != num_bytes:
            raise self._unlike(f"expected {num_bytes} bytes more, got {len(part)}")
        self._place += num_bytes
        return part

    def _unlike(self, problem: str) -> WireError:
        return WireError(f"message {self._kind}: at byte {self._place}: {problem}")
