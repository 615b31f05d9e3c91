"""Updates as small integers."""

import hashlib
import math

import numpy as np
import pytest

from fl_protocol.errors import SumParameterError
from fl_protocol.secure_sum.update_code import (
    COARSEST_LIMIT,
    LEVELS_OF_ONE,
    RANGE_DEVIATIONS,
    FloatVector,
    UpdateCode,
    decode_sum,
    encode_update,
    rotate,
    rotate_back,
    update_code,
)

_SEED = b"seed of the round"


def _update(size: int, norm: float = 1.0, seed: int = 0) -> FloatVector:
    drawn = np.random.default_rng(seed).standard_normal(size)
    return (drawn / np.linalg.norm(drawn) * norm).astype(np.float32)


def _code(size: int = 1500, num_sites: int = 4, max_norm: float = 1.0) -> UpdateCode:
    return update_code(size, max_norm, num_sites, _SEED)


def _rotated_literally(vector: FloatVector, seed: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Row r of 1 024 is flipped by bit r of the stream; entry (i, j) of the matrix is (-1)^(shared ones of i and j)."""
    stream = hashlib.shake_256(b"edgeguard update rotation v1" + seed).digest(128)
    signs = [1 - 2 * (stream[row // 8] >> (7 - row % 8) & 1) for row in range(1024)]
    grid = np.zeros((1024, -(-len(vector) // 1024)))
    grid.reshape(-1)[: len(vector)] = vector
    grid *= np.array(signs)[:, None]
    matrix = np.array([[(-1.0) ** (i & j).bit_count() for j in range(1024)] for i in (0, 1, 2, 37, 513, 1023)]) / 32
    return np.asarray(matrix @ grid)


def test_rotation_is_the_literal_matrix() -> None:
    vector = _update(1500)
    rows = rotate(vector, _SEED).reshape(1024, -1)[[0, 1, 2, 37, 513, 1023]]
    np.testing.assert_allclose(rows, _rotated_literally(vector, _SEED), atol=1e-6)


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 5000])
def test_rotation_keeps_length_and_is_undone(size: int) -> None:
    vector = _update(size, 3.0)
    rotated = rotate(vector, _SEED)
    assert len(rotated) % 1024 == 0
    assert float(np.linalg.norm(rotated)) == pytest.approx(3.0, rel=1e-5)
    np.testing.assert_allclose(rotate_back(rotated, _SEED)[:size], vector, atol=1e-5)


def test_one_large_value_is_spread_over_its_column() -> None:
    vector = np.zeros(1024, dtype=np.float32)
    vector[3] = 1.0
    np.testing.assert_allclose(np.abs(rotate(vector, _SEED)), 1 / 32, rtol=1e-5)


@pytest.mark.parametrize("num_sites", [1, 2, 20, 500, 1000, 5000])
def test_code_has_as_many_levels_as_the_mean_needs_and_cannot_overflow(num_sites: int) -> None:
    code = _code(num_sites=num_sites)
    assert code.segment.limit >= max(COARSEST_LIMIT, LEVELS_OF_ONE / math.sqrt(num_sites))
    assert code.segment.limit * num_sites < 2 ** (code.segment.num_bits - 1)
    assert code.segment.limit * num_sites < 2**24  # so that a sum is exact in single precision
    assert code.step * code.segment.limit == pytest.approx(RANGE_DEVIATIONS / math.sqrt(code.segment.size))


def test_sum_decodes_to_the_sum_of_updates_but_for_the_rounding() -> None:
    code = _code()
    updates = [_update(1500, 0.9, seed) for seed in range(4)]
    coded = [encode_update(update, 1.0, code, np.random.default_rng(place)) for place, update in enumerate(updates)]
    total = np.asarray(np.sum([one.values for one in coded], axis=0, dtype=np.int64))
    error = np.linalg.norm(decode_sum(total, code) - np.sum(updates, axis=0))
    assert sum(one.num_cut for one in coded) == 0
    assert error <= 4 * code.step * math.sqrt(code.segment.size)
    assert error == pytest.approx(code.step * math.sqrt(4 * 1500 / 6), rel=0.1)  # of rounding at random: f (1 - f)


def test_rounding_is_right_in_the_mean() -> None:
    code, update = _code(100), _update(100)
    rng = np.random.default_rng(5)
    rounded = np.mean([encode_update(update, 1.0, code, rng).values for _ in range(400)], axis=0)
    wanted = rotate(update, _SEED) / code.step
    assert np.abs(rounded - wanted).max() < 5 * 0.5 / math.sqrt(400)


def test_update_beyond_the_bound_is_scaled_to_it_and_its_norm_told() -> None:
    code = _code()
    coded = encode_update(_update(1500, 10.0), 1.0, code, np.random.default_rng(0))
    decoded = decode_sum(coded.values.astype(np.int64), code)
    assert coded.norm == pytest.approx(10.0, rel=1e-5)
    assert float(np.linalg.norm(decoded)) == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_weight_scales_the_update(weight: float) -> None:
    code, update = _code(), _update(1500)
    decoded = decode_sum(encode_update(update, weight, code, np.random.default_rng(0)).values.astype(np.int64), code)
    assert np.linalg.norm(decoded - weight * update) <= code.step * math.sqrt(code.segment.size)


def test_update_of_nothing_is_nothing() -> None:
    coded = encode_update(np.zeros(1500, dtype=np.float32), 1.0, _code(), np.random.default_rng(0))
    assert not coded.values.any()
    assert coded.norm == 0.0


def test_values_beyond_the_limit_are_cut_and_counted() -> None:
    code = _code(1024)
    spike = rotate_back(np.eye(1, 1024, dtype=np.float32)[0], _SEED)
    coded = encode_update(spike, 1.0, code, np.random.default_rng(0))
    assert coded.num_cut == 1
    assert coded.values[0] == code.segment.limit
    assert np.abs(coded.values).max() == code.segment.limit


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_update_that_is_not_finite_is_refused(value: float) -> None:
    update = _update(1500)
    update[7] = value
    with pytest.raises(ValueError, match="expected 1500 finite values"):
        encode_update(update, 1.0, _code(), np.random.default_rng(0))


def test_update_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected 1500 finite values, got shape \(1499,\)"):
        encode_update(_update(1499), 1.0, _code(), np.random.default_rng(0))


@pytest.mark.parametrize("weight", [-0.1, 1.1, math.nan])
def test_weight_out_of_bounds_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="expected a weight from 0 to 1, got"):
        encode_update(_update(1500), weight, _code(), np.random.default_rng(0))


@pytest.mark.parametrize("max_norm", [0.0, -1.0, math.inf, math.nan])
def test_bound_that_is_none_is_refused(max_norm: float) -> None:
    with pytest.raises(ValueError, match=f"expected a positive bound, got {max_norm}"):
        _code(max_norm=max_norm)


def test_update_too_large_for_a_segment_is_refused() -> None:
    with pytest.raises(SumParameterError, match="segment update: expected 1 to 268435456 values"):
        update_code(2**28 + 1, 1.0, 4, _SEED)
