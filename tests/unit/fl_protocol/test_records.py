"""Arrays on arrival: what is taken, and what is refused by name."""

import numpy as np
import numpy.typing as npt
import pytest

from fl_protocol import records
from fl_protocol.errors import RecordError
from fl_protocol.records import check_array, check_arrays

EXPECTED = {"head": np.zeros((2, 3), dtype=np.float32), "tail": np.zeros(4, dtype=np.float32)}


def test_arrays_of_our_names_shapes_and_types_are_taken() -> None:
    check_arrays({name: array + 1 for name, array in EXPECTED.items()}, EXPECTED, "update")


def test_round_without_arrays_is_no_special_case() -> None:
    check_arrays({}, {}, "update")


@pytest.mark.parametrize(
    ("received", "problem"),
    [
        ({"head": EXPECTED["head"]}, "update: expected 2 arrays in our order, got 1; unlike: ['tail']"),
        (EXPECTED | {"more": EXPECTED["tail"]}, "update: expected 2 arrays in our order, got 3; unlike: ['more']"),
        (
            {"head": EXPECTED["head"], "feet": EXPECTED["tail"]},
            "update: expected 2 arrays in our order, got 2; unlike: ['feet', 'tail']",
        ),
        (
            {name: EXPECTED[name] for name in ("tail", "head")},
            "update: expected 2 arrays in our order, got 2; unlike: []",
        ),
        (
            EXPECTED | {"tail": np.zeros(5, dtype=np.float32)},
            "update tail: expected float32[4], got float32[5]",
        ),
        (EXPECTED | {"tail": np.zeros(4)}, "update tail: expected float32[4], got float64[4]"),
        (EXPECTED | {"tail": np.array([0, np.nan, 0, 0], dtype=np.float32)}, "update tail: expected finite values"),
        (EXPECTED | {"head": np.full((2, 3), np.inf, dtype=np.float32)}, "update head: expected finite values"),
    ],
)
def test_arrays_that_cannot_be_added_are_refused_by_name(
    received: dict[str, npt.NDArray[np.generic]], problem: str
) -> None:
    with pytest.raises(RecordError) as refusal:
        check_arrays(received, EXPECTED, "update")
    assert str(refusal.value) == problem


def test_text_in_the_place_of_numbers_is_refused() -> None:
    with pytest.raises(RecordError, match=r"^sums: expected float64\[2\], got <U1\[2\]$"):
        check_array(np.array(["a", "b"]), np.zeros(2), "sums")


def test_bytes_travel_as_arrays_and_come_back() -> None:
    parts = {"request": b"\x00\xff", "empty": b""}
    assert records.byte_parts(records.byte_arrays(parts)) == parts
    for other in (np.zeros(3, dtype=np.int8), np.zeros((2, 2), dtype=np.uint8)):
        with pytest.raises(RecordError, match="request: expected bytes, got"):
            records.byte_parts({"request": other})


def test_digest_of_arrays_tells_names_shapes_values_and_order_apart() -> None:
    one = {"a": np.zeros((2, 3), dtype=np.float32), "b": np.ones(2, dtype=np.float32)}
    others = [
        {"b": one["b"], "a": one["a"]},
        {"a": one["a"].reshape(3, 2), "b": one["b"]},
        {"a": one["a"], "c": one["b"]},
        {"a": one["a"], "b": np.array([1.0, np.nextafter(np.float32(1.0), np.float32(2.0))], dtype=np.float32)},
    ]
    assert records.digest_of_arrays(one) == records.digest_of_arrays({name: a.copy() for name, a in one.items()})
    assert records.digest_of_arrays(one) not in {records.digest_of_arrays(other) for other in others}
