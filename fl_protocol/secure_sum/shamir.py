"""Shamir's secret sharing of 32-byte secrets, as matrix products of small exact numbers.

A secret is 16 symbols of the field of 65 537 elements (2^16 + 1, prime). Shares of many secrets are one product of a
Vandermonde matrix and random coefficients; a sum of at most 2^13 products of numbers up to 2^16 stays far below 2^53,
so double precision computes it exactly and the linear algebra library does the work.

Source:
    Shamir, 1979. https://doi.org/10.1145/359168.359176
"""

import secrets

import numpy as np
import numpy.typing as npt

SECRET_BYTES = 32
NUM_SYMBOLS = SECRET_BYTES // 2
PRIME = 65_537
MAX_HOLDERS = 2**13
"""Terms of a sum; double precision would hold 2^21 exactly."""

Shares = npt.NDArray[np.uint32]  # (H, S, NUM_SYMBOLS): holders, secrets, symbols; values below PRIME
Points = npt.NDArray[np.int64]  # (H,): where each holder's share was evaluated, from 1


def make_shares(secret_values: list[bytes], points: Points, share_threshold: int) -> Shares:
    """Shares every secret among the holders.

    Args:
        secret_values: Secrets of ``SECRET_BYTES`` each. S of them.
        points: Distinct points of the holders. ``(H,)``.
        share_threshold: Holders that open a secret; fewer learn nothing.

    Returns:
        Each holder's shares. ``(H, S, NUM_SYMBOLS)``.

    Raises:
        ValueError: A secret has another length, or the numbers do not fit each other.
    """
    _check_points(points)
    num_holders = len(points)
    if any(len(value) != SECRET_BYTES for value in secret_values):
        raise ValueError(f"expected secrets of {SECRET_BYTES} bytes")
    if not 1 <= share_threshold <= num_holders:
        raise ValueError(f"expected a threshold from 1 to {num_holders}, got {share_threshold}")
    width = len(secret_values) * NUM_SYMBOLS
    symbols = np.frombuffer(b"".join(secret_values), dtype="<u2").reshape(1, width)
    coefficients = np.concatenate([symbols, _random_symbols(share_threshold - 1, width)])
    shares = _matmul(_vandermonde(points, share_threshold), coefficients)
    return shares.astype(np.uint32).reshape(num_holders, len(secret_values), NUM_SYMBOLS)


def holder_weights(point: int, points: Points, is_holder: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """What one holder's share of each of several secrets counts for: the weighted shares add up to the secret.

    Args:
        point: The holder's.
        points: Distinct points, the holder's among them. ``(H,)``.
        is_holder: Who gives a share of which secret, ``point`` of each. ``(S, H)``.

    Returns:
        Lagrange weights at 0, modulo ``PRIME``. ``(S,)``.

    Raises:
        ValueError: Points repeat or are out of range.
    """
    _check_points(points)
    factors = points * _inverse((points - point) % PRIME) % PRIME
    return _product(np.where(is_holder & (points != point), factors, 1))


def opened_secret(symbols: npt.NDArray[np.integer]) -> bytes | None:
    """The secret that symbols stand for; ``None`` if they stand for no 32 bytes. ``(NUM_SYMBOLS,)``.

    Wrong shares may add up to another secret: whoever opens one checks it against a commitment.
    """
    return None if (symbols == PRIME - 1).any() else symbols.astype("<u2").tobytes()


def _check_points(points: Points) -> None:
    if not 1 <= len(points) <= MAX_HOLDERS or len(np.unique(points)) != len(points):
        raise ValueError(f"expected 1 to {MAX_HOLDERS} distinct points")
    if points.min() < 1 or points.max() >= PRIME:
        raise ValueError(f"expected points from 1 to {PRIME - 1}")


def _vandermonde(points: Points, num_powers: int) -> npt.NDArray[np.int64]:
    powers = np.ones((len(points), num_powers), dtype=np.int64)
    for power in range(1, num_powers):
        powers[:, power] = powers[:, power - 1] * points % PRIME
    return powers


def _matmul(left: npt.NDArray[np.generic], right: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """The product of two matrices over the field: exact, since every sum stays below 2^53."""
    return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64) % PRIME


def _product(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Product of each row over the field, by halves. ``(H, J)`` to ``(H,)``."""
    while rows.shape[1] > 1:
        if rows.shape[1] % 2:
            rows = np.concatenate([rows, np.ones((len(rows), 1), dtype=np.int64)], axis=1)
        rows = rows[:, ::2] * rows[:, 1::2] % PRIME
    return rows[:, 0]


def _inverse(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Inverses by Fermat: ``values ** (PRIME - 2)``, whose exponent is all ones in binary."""
    result, power = np.ones_like(values), values
    for _ in range(16):
        result, power = result * power % PRIME, power * power % PRIME
    return result


def _random_symbols(num_rows: int, width: int) -> npt.NDArray[np.int64]:
    """Uniform field elements: 2^32 - 1 is a multiple of the prime, so but one value of 32 bits is drawn again."""
    wanted = num_rows * width
    drawn = np.empty(0, dtype=np.uint32)
    while len(drawn) < wanted:
        fresh = np.frombuffer(secrets.token_bytes(4 * (wanted - len(drawn))), dtype=np.uint32)
        drawn = np.concatenate([drawn, fresh[fresh != np.uint32(2**32 - 1)]])
    return (drawn % PRIME).astype(np.int64).reshape(num_rows, width)
