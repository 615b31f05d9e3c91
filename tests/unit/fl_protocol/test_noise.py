"""The noise sampler against the exact law, and its stream against the cipher's published vectors."""

import io
import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from fl_protocol import noise
from fl_protocol.noise import MAX_SIGMA, MIN_SIGMA, SAMPLER_DISTANCE, discrete_gaussian, keystream

SIZE = 40_000


def _law(sigma: float) -> dict[int, Fraction]:
    """Probability of each magnitude up to 20 sigma, literally from the definition, to 100 digits."""
    with localcontext(prec=120):
        weights = [
            Decimal(1 if k == 0 else 2) * (-(Decimal(k) ** 2) / (2 * Decimal(sigma) ** 2)).exp()
            for k in range(int(20 * sigma) + 2)
        ]
    total = sum(map(Fraction, weights))
    return {k: Fraction(weight) / total for k, weight in enumerate(weights)}


def _table(sigma: float) -> list[int]:
    """The sampler's cumulative probabilities, in units of 2**-128."""
    upper, lower = noise._cumulative(sigma)
    return [(high << 64) + low for high, low in zip(upper.tolist(), lower.tolist(), strict=True)]


def _script(*parts: int | bytes) -> noise.ByteSource:
    """A stream of the given 64-bit words and bytes."""
    return io.BytesIO(b"".join(p if isinstance(p, bytes) else p.to_bytes(8, "little") for p in parts)).read


def _words(high: int, low: int) -> npt.NDArray[np.int64]:
    """One number drawn from one 128-bit number, with a plus."""
    return discrete_gaussian(2.0, 1, _script(high, low, b"\x00"))


@pytest.mark.parametrize("sigma", [0.5, 0.7071067811865476, 1.0, 3.3, 9.0])
def test_table_is_as_near_to_the_law_as_is_said(sigma: float) -> None:
    table = [0, *_table(sigma), 2**128]
    drawn = {k: Fraction(table[k + 1] - table[k], 2**128) for k in range(len(table) - 1)}
    law = _law(sigma)
    distance = sum((abs(law.get(k, Fraction(0)) - drawn.get(k, Fraction(0))) for k in law | drawn), Fraction(0)) / 2
    assert 0 < distance < Fraction(SAMPLER_DISTANCE)


def test_every_sigma_that_is_taken_fits_the_proof() -> None:
    assert len(noise._weights(MIN_SIGMA)) == math.ceil(noise._REACH * MIN_SIGMA) + 1
    num_magnitudes = math.ceil(noise._REACH * MAX_SIGMA) + 1
    assert num_magnitudes < 2**16
    assert 2**-130 + 2**-203 + num_magnitudes / 2**129 < SAMPLER_DISTANCE


@pytest.mark.parametrize("sigma", [0.5, 2.0, 9.0])
def test_drawn_numbers_follow_the_law(sigma: float) -> None:
    law = _law(sigma)
    drawn = discrete_gaussian(sigma, SIZE, keystream(bytes(32)))
    signed = {k: law[abs(k)] / (1 if k == 0 else 2) for k in range(-max(law), max(law) + 1)}
    common = [k for k, share in signed.items() if share * SIZE >= 20]
    expected = np.array([float(signed[k]) * SIZE for k in common])
    observed = np.bincount(drawn + max(law), minlength=2 * max(law) + 1)[np.array(common) + max(law)]
    chi_square = float(((observed - expected) ** 2 / expected).sum())
    num_rare = SIZE - observed.sum()
    rare = SIZE - expected.sum()
    # Five standard deviations of chi square, and of the count of what is too rare to be binned.
    assert abs(chi_square - len(common)) < 5 * np.sqrt(2 * len(common))
    assert abs(num_rare - rare) <= 5 * np.sqrt(rare) + 1


@pytest.mark.parametrize("sigma", [5.0, 400.0])
def test_moments_and_tails_are_those_of_a_gaussian_where_sigma_is_large(sigma: float) -> None:
    scaled = discrete_gaussian(sigma, SIZE, keystream(b"k" * 32)) / sigma
    assert abs(scaled.mean()) < 5 / np.sqrt(SIZE)
    assert abs((scaled**2).mean() - 1) < 5 * np.sqrt(2 / SIZE)
    assert abs((scaled**3).mean()) < 5 * np.sqrt(15 / SIZE)
    assert abs((scaled**4).mean() - 3) < 5 * np.sqrt(96 / SIZE)
    # Half a step is where the integers beyond begin.
    beyond_two = np.mean(np.abs(scaled) > 2 + 0.5 / sigma)
    assert abs(beyond_two - {5.0: 0.0354, 400.0: 0.0454}[sigma]) < 5 * np.sqrt(0.0455 / SIZE)


def test_flipped_sign_bits_flip_every_number_and_nothing_else() -> None:
    words = [2**64 // 7 * k for k in range(7)]
    plus = discrete_gaussian(4.0, 7, _script(*words, b"\x00"))
    minus = discrete_gaussian(4.0, 7, _script(*words, b"\xff"))
    assert plus.tolist() == sorted(plus.tolist())
    assert plus[0] == 0 < plus[-1]
    assert (minus == -plus).all()


@pytest.mark.parametrize("place", [0, 3, 11, 26])
def test_lower_word_decides_where_the_upper_one_does_not(place: int) -> None:
    high, low = divmod(_table(2.0)[place], 2**64)
    assert _words(high, low).tolist() == [place + 1]
    assert _words(high, low - 1).tolist() == [place]


def test_largest_number_is_drawn_from_the_last_words() -> None:
    assert _words(2**64 - 1, 2**64 - 1).tolist() == [27]
    assert _table(2.0)[-1] < 2**128


def test_nothing_beyond_the_words_is_read() -> None:
    stream = _script(2**63, b"\x00" + b"next")
    discrete_gaussian(2.0, 1, stream)
    assert stream(10) == b"next"


def test_same_key_gives_the_same_noise_and_another_key_another() -> None:
    first, again, other = (discrete_gaussian(9.0, 1000, keystream(key)) for key in (bytes(32), bytes(32), b"x" * 32))
    assert (first == again).all()
    assert abs(np.corrcoef(first, other)[0, 1]) < 5 / np.sqrt(1000)


def test_stream_goes_on_where_it_stopped() -> None:
    stream = keystream(bytes(32))
    assert stream(3) + stream(0) + stream(30) == keystream(bytes(32))(33)


def test_stream_is_aes_256_in_counter_mode() -> None:
    # FIPS-197's key in NIST's AESAVS known answers: AES-256 of a zero block under a zero key.
    assert keystream(bytes(32))(16).hex() == "dc95c078a2408989ad48a21492842087"


def test_numbers_drawn_in_pieces_are_independent() -> None:
    drawn = discrete_gaussian(2.0, noise._PIECE + 1000, keystream(bytes(32)))
    assert (drawn[:1000] != drawn[-1000:]).any()
    assert drawn.dtype == np.int64


def test_no_number_needs_no_bytes() -> None:
    assert discrete_gaussian(1.0, 0, _script()).shape == (0,)


@pytest.mark.parametrize("sigma", [0.0, 0.49, 4097.0, float("nan"), -1.0])
def test_sigma_outside_its_range_is_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match=r"sigma: expected 0\.5 to 4096\.0, got "):
        discrete_gaussian(sigma, 1, keystream(bytes(32)))


def test_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size: expected at least 0, got -1"):
        discrete_gaussian(1.0, -1, keystream(bytes(32)))


def test_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="key: expected 32 bytes, got 16"):
        keystream(bytes(16))
