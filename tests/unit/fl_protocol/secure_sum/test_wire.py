"""Fields of a message."""

import numpy as np
import pytest

from fl_protocol.errors import WireError
from fl_protocol.secure_sum.wire import MAX_ROWS, Reader, Writer

_ROWS = np.arange(6, dtype=np.uint32).reshape(3, 2)


def _message() -> bytes:
    return Writer(b"TEST").number(7).fixed(b"abc", 3).blob(b"defgh").rows(_ROWS, "<u4").finish()


def test_fields_are_laid_out_as_written() -> None:
    wanted = b"TEST\x00\x01" + (7).to_bytes(8) + b"abc" + (5).to_bytes(8) + b"defgh" + (3).to_bytes(4)
    assert _message() == wanted + _ROWS.astype("<u4").tobytes()


def test_fields_come_back_in_their_order() -> None:
    reader = Reader(_message(), b"TEST")
    assert reader.number(7) == 7
    assert reader.fixed(3) == b"abc"
    assert reader.blob(5) == b"defgh"
    assert (reader.rows("<u4", 2) == _ROWS).all()
    reader.finish()


@pytest.mark.parametrize("message", [b"", b"TES", b"TEST\x00", b"OTHR\x00\x01", b"TEST\x00\x02", b"TEST\x01\x00"])
def test_message_of_another_kind_or_version_is_refused(message: bytes) -> None:
    with pytest.raises(WireError, match="message TEST: at byte "):
        Reader(message, b"TEST")


def test_every_truncation_is_refused() -> None:
    for length in range(6, len(_message())):
        reader = Reader(_message()[:length], b"TEST")
        with pytest.raises(WireError, match=r"expected \d+ bytes more, got \d+"):
            (reader.number(7), reader.fixed(3), reader.blob(), reader.rows("<u4", 2))


def test_bytes_after_the_end_are_refused() -> None:
    reader = Reader(Writer(b"TEST").finish() + b"x", b"TEST")
    with pytest.raises(WireError, match="message TEST: at byte 6: expected 6 bytes, got 7"):
        reader.finish()


def test_number_beyond_its_bound_is_refused() -> None:
    with pytest.raises(WireError, match="expected a number up to 6, got 7"):
        Reader(_message(), b"TEST").number(6)


def test_blob_beyond_its_bound_is_refused_before_it_is_read() -> None:
    message = Writer(b"TEST").number(2**40).finish()
    with pytest.raises(WireError, match="expected a number up to 1073741824, got 1099511627776"):
        Reader(message, b"TEST").blob()


def test_rows_beyond_their_bound_are_refused_before_they_are_read() -> None:
    message = Writer(b"TEST").finish() + (MAX_ROWS + 1).to_bytes(4)
    with pytest.raises(WireError, match=f"expected at most {MAX_ROWS} rows, got {MAX_ROWS + 1}"):
        Reader(message, b"TEST").rows("<u4", 2)


def test_fixed_field_of_another_length_is_not_written() -> None:
    with pytest.raises(ValueError, match="expected 4 bytes, got 3"):
        Writer(b"TEST").fixed(b"abc", 4)
