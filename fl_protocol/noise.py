"""Discrete Gaussian noise from a cryptographic stream of bytes.

1. Noise is drawn on the integers. Floating-point noise betrays the value under it through its low bits (Mironov, 2012).
2. Random bytes come from a stream cipher under a fresh key, never from a statistical generator: whoever predicts the
   noise subtracts it.
3. How far one drawn number may be from the law that the accounting assumes is stated (``SAMPLER_DISTANCE``), proved
   (``discrete_gaussian``) and charged to delta (``fl_protocol.privacy``).
"""

import functools
import itertools
import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

IntVector = npt.NDArray[np.int64]
ByteSource = Callable[[int], bytes]
"""Gives the next ``n`` bytes of a stream."""

MIN_SIGMA, MAX_SIGMA = 0.5, 4096.0
"""Standard deviations that the sampler takes, in integer steps; the proof of its distance uses both."""

SAMPLER_DISTANCE = 2.0**-112
"""Total variation distance of one drawn number from the discrete Gaussian, at most."""

_Words = npt.NDArray[np.uint64]
_REACH = 13.5
"""Standard deviations up to which numbers are drawn: exp(-13.5**2 / 2) < 2**-131."""
_WEIGHT_BITS = 256
_DIGITS = 90
"""Decimal digits of the one exponential: 10**-90 < 2**-298."""
_WORD_BITS = 64
_PIECE = 2**17
"""Numbers drawn at a time: 1 MiB of words, which fits most caches."""


def keystream(key: bytes) -> ByteSource:
    """AES-256 in counter mode as an endless stream of random bytes.

    Args:
        key: 32 bytes from ``secrets.token_bytes``, for this stream alone: the counter starts at zero, so the same key
            gives the same bytes again.

    Raises:
        ValueError: ``key`` is not 32 bytes.
    """
    if len(key) != 32:
        raise ValueError(f"key: expected 32 bytes, got {len(key)}")
    encryptor = Cipher(algorithms.AES256(key), modes.CTR(bytes(16))).encryptor()
    return lambda num_bytes: encryptor.update(bytes(num_bytes))


def discrete_gaussian(sigma: float, size: int, source: ByteSource) -> IntVector:
    """Independent integers k, each with probability proportional to exp(-k**2 / (2 sigma**2)).

    A uniform 128-bit number is looked up among the cumulative probabilities of the magnitude; its lower word is drawn
    only where the upper one does not decide. A further bit gives the sign, so the law is exactly symmetric. Time and
    memory depend on what is drawn: a site must not let others measure it.

    One number is at most ``SAMPLER_DISTANCE`` in total variation from the discrete Gaussian, n numbers n times that:

    * Magnitudes beyond K = ceil(13.5 sigma) are never drawn. The discrete Gaussian is subgaussian with its sigma, as
      the source shows, so they weigh at most 2 exp(-13.5**2 / 2) < 2**-130.
    * Weights are 256-bit fixed-point numbers, u = 2**-256. exp(-1 / (2 sigma**2)) is off by less than 2u, so its
      square by 5u, so the k-th quotient of neighbours by (6k + 2)u, so the k-th weight by 3(k + 1)**2 u: all factors
      are at most 1 and each product loses less than u. With K < 2**16 all 2K + 1 weights are together off by less
      than 2**-203, and their sum is at least 1.
    * A cumulative probability is rounded down to a multiple of 2**-128, so a probability is off by less than 2**-128,
      and the distance, half of all K + 1 of them, is less than 2**-113.

    Args:
        sigma: The parameter, in integer steps; the float is taken as the rational number that it is. From ``MIN_SIGMA``
            to ``MAX_SIGMA``. The standard deviation equals it but for a term in exp(-2 pi**2 sigma**2).
        size: How many, at least 0.
        source: Uniform random bytes; see ``keystream``.

    Returns:
        The numbers. ``(size,)``.

    Raises:
        ValueError: ``sigma`` or ``size`` is outside its range.

    Source:
        Canonne, Kamath and Steinke, 2020. https://arxiv.org/abs/2004.00010
    """
    if not MIN_SIGMA <= sigma <= MAX_SIGMA:
        raise ValueError(f"sigma: expected {MIN_SIGMA} to {MAX_SIGMA}, got {sigma}")
    if size < 0:
        raise ValueError(f"size: expected at least 0, got {size}")
    upper, lower = _cumulative(float(sigma))
    drawn = np.empty(size, dtype=np.int64)
    for first in range(0, size, _PIECE):
        piece = drawn[first : first + _PIECE]
        piece[:] = _magnitudes(upper, lower, _random_words(piece.size, source), source)
        bits = np.frombuffer(source((piece.size + 7) // 8), dtype=np.uint8)
        np.negative(piece, out=piece, where=np.unpackbits(bits, count=piece.size).view(np.bool_))
    return drawn


def largest_noise(sigma: float) -> int:
    """The largest magnitude that ``discrete_gaussian`` ever draws."""
    return math.ceil(_REACH * sigma)


def _random_words(size: int, source: ByteSource) -> _Words:
    """Uniform 64-bit words. ``(size,)``."""
    return np.frombuffer(source(8 * size), dtype="<u8").astype(np.uint64, copy=False)


def _magnitudes(upper: _Words, lower: _Words, words: _Words, source: ByteSource) -> IntVector:
    """How many cumulative probabilities each uniform number, of which ``words`` is the upper half, has reached."""
    reached = np.searchsorted(upper, words, side="right").astype(np.int64, copy=False)
    undecided = np.flatnonzero(upper[np.maximum(reached - 1, 0)] == words)
    for place in undecided.tolist():
        first = int(np.searchsorted(upper, words[place], side="left"))
        tied = lower[first : reached[place]]
        reached[place] = first + np.searchsorted(tied, _random_words(1, source)[0], side="right")
    return reached


@functools.lru_cache(maxsize=8)
def _cumulative(sigma: float) -> tuple[_Words, _Words]:
    """Probabilities that the magnitude is at most 0, ..., K - 1: upper and lower words of 128 bits. ``(K,)`` each."""
    weights = _weights(sigma)
    doubled = [weights[0], *(2 * weight for weight in weights[1:])]
    total = sum(doubled)
    words = [(reached << 2 * _WORD_BITS) // total for reached in itertools.accumulate(doubled[:-1])]
    lowest = 2**_WORD_BITS - 1
    return (
        np.array([word >> _WORD_BITS for word in words], dtype=np.uint64),
        np.array([word & lowest for word in words], dtype=np.uint64),
    )


def _weights(sigma: float) -> list[int]:
    """exp(-k**2 / (2 sigma**2)) for k = 0 to K, in units of 2**-256, by products of neighbours' quotients."""
    exponent = 1 / (2 * Fraction(sigma) ** 2)
    with localcontext(prec=_DIGITS):
        factor = (-Decimal(exponent.numerator) / Decimal(exponent.denominator)).exp()
        quotient = int(factor * 2**_WEIGHT_BITS)
    squared = quotient * quotient >> _WEIGHT_BITS
    weights = [1 << _WEIGHT_BITS]
    for _ in range(largest_noise(sigma)):
        weights.append(weights[-1] * quotient >> _WEIGHT_BITS)
        quotient = quotient * squared >> _WEIGHT_BITS
    return weights
