"""Sharing, against polynomials in whole numbers of any size."""

import itertools
import secrets

import numpy as np
import numpy.typing as npt
import pytest

from fl_protocol.secure_sum.shamir import (
    MAX_HOLDERS,
    NUM_SYMBOLS,
    PRIME,
    Points,
    holder_weights,
    make_shares,
    opened_secret,
)

_POINTS = np.array([1, 2, 5, 9, 4999])


def _value_at(place: int, points: list[int], values: list[int]) -> int:
    """Lagrange's polynomial at one place, literally."""
    total = 0
    for i, value in zip(points, values, strict=True):
        term = value
        for j in points:
            if j != i:
                term = term * (place - j) * pow(i - j, -1, PRIME) % PRIME
        total += term
    return total % PRIME


def _opened_literally(points: list[int], rows: "np.ndarray[tuple[int, ...], np.dtype[np.uint32]]") -> bytes:
    columns = [[int(row[symbol]) for row in rows] for symbol in range(NUM_SYMBOLS)]
    return b"".join(_value_at(0, points, column).to_bytes(2, "little") for column in columns)


def _opened(points: Points, rows: npt.NDArray[np.uint32]) -> bytes | None:
    """What holders open by weighing their shares and adding them up."""
    everybody = np.ones((1, len(points)), dtype=bool)
    weights = np.array([holder_weights(int(point), points, everybody)[0] for point in points])
    return opened_secret((rows.astype(np.int64) * weights[:, None] % PRIME).sum(axis=0) % PRIME)


@pytest.mark.parametrize("share_threshold", [1, 2, 3, 5])
def test_any_holders_as_many_as_the_threshold_open_what_the_literal_polynomial_opens(share_threshold: int) -> None:
    values = [secrets.token_bytes(32), bytes(32), b"\xff" * 32]
    shares = make_shares(values, _POINTS, share_threshold)
    assert shares.shape == (5, 3, NUM_SYMBOLS)
    for chosen in itertools.combinations(range(5), share_threshold):
        held = shares[list(chosen)]
        assert [_opened(_POINTS[list(chosen)], held[:, place]) for place in range(3)] == values
        assert _opened_literally(_POINTS[list(chosen)].tolist(), held[:, 0]) == values[0]


def test_fewer_shares_than_the_threshold_fit_every_secret() -> None:
    shares = make_shares([b"secret of thirty-two bytes, yes!"], _POINTS, 4)
    for wanted in (bytes(32), b"\x01" * 32, secrets.token_bytes(32)):
        symbols = np.frombuffer(wanted, dtype="<u2").tolist()
        known = [shares[:3, 0, symbol].tolist() for symbol in range(NUM_SYMBOLS)]
        fourth = [_value_at(9, [0, 1, 2, 5], [symbol, *rows]) for symbol, rows in zip(symbols, known, strict=True)]
        held = np.concatenate([shares[:3], np.array(fourth, dtype=np.uint32).reshape(1, 1, -1)])
        assert _opened(_POINTS[:4], held[:, 0]) == wanted


def test_weights_are_exact_for_the_largest_points_there_are() -> None:
    points = np.array([PRIME - 1, 1, 65_000, 32_768, 2, 40_000, 7])
    for place, point in enumerate(points.tolist()):
        weights = holder_weights(point, points, np.ones((1, 7), dtype=bool))
        assert weights.tolist() == [_value_at(0, points.tolist(), [int(place == other) for other in range(7)])]


def test_weights_are_of_those_alone_who_hold_the_secret() -> None:
    are_holders = np.array([[True, True, False, True, False], [True] * 5, [True, False, False, False, False]])
    for row, weight in zip(are_holders, holder_weights(1, _POINTS, are_holders).tolist(), strict=True):
        points = _POINTS[row].tolist()
        assert weight == _value_at(0, points, [int(point == 1) for point in points])


def test_many_holders_and_the_largest_symbols_stay_exact() -> None:
    points = np.arange(1, 1001)
    secret = b"\xff" * 32
    shares = make_shares([secret], points, 600)
    assert _opened(points[300:900], shares[300:900, 0]) == secret


def test_single_shares_look_uniform() -> None:
    """Sixteen counts of 4,000 symbols: 15 degrees of freedom, more than 80 once in 10^10 times."""
    shares = make_shares([bytes(32)] * 250, np.array([1, 2]), 2)[0].reshape(-1)
    counts = np.bincount(shares * 16 // PRIME, minlength=16)
    assert ((counts - 250.0) ** 2 / 250.0).sum() < 80


def test_symbols_that_stand_for_no_bytes_are_no_secret() -> None:
    symbols = np.zeros(NUM_SYMBOLS, dtype=np.int64)
    assert opened_secret(symbols) == bytes(32)
    symbols[7] = PRIME - 1
    assert opened_secret(symbols) is None


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.array([], dtype=np.int64), f"expected 1 to {MAX_HOLDERS} distinct points"),
        (np.array([1, 1]), f"expected 1 to {MAX_HOLDERS} distinct points"),
        (np.arange(1, MAX_HOLDERS + 2), f"expected 1 to {MAX_HOLDERS} distinct points"),
        (np.array([0, 1]), "expected points from 1 to 65536"),
        (np.array([1, PRIME]), "expected points from 1 to 65536"),
    ],
)
def test_points_that_repeat_or_are_out_of_range_are_refused(points: Points, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_shares([bytes(32)], points, 1)
    with pytest.raises(ValueError, match=message):
        holder_weights(1, points, np.ones((1, len(points)), dtype=bool))


@pytest.mark.parametrize("share_threshold", [0, 6])
def test_threshold_out_of_range_is_refused(share_threshold: int) -> None:
    with pytest.raises(ValueError, match=f"expected a threshold from 1 to 5, got {share_threshold}"):
        make_shares([bytes(32)], _POINTS, share_threshold)


def test_secret_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="expected secrets of 32 bytes"):
        make_shares([bytes(32), bytes(31)], _POINTS, 2)


def test_random_symbols_that_are_not_uniform_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([b"\xff" * 64, (PRIME + 3).to_bytes(4, "little") * 16])
    monkeypatch.setattr(secrets, "token_bytes", lambda _: next(drawn))
    shares = make_shares([bytes(32)], np.array([1, 2]), 2)
    assert (shares[0] == 3).all()
    assert (shares[1] == 6).all()
