"""Laws of the noised vector: no site is longer than the sensitivity, and no sum wraps around."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fl_protocol.noise import ByteSource, keystream, largest_noise
from fl_protocol.noisy_vector import NoisyContribution, bounded_values, noisy_lanes, noisy_vector
from fl_protocol.secure_sum.vector import from_lanes
from tests.fakes.round_noise import round_noise

_streams: st.SearchStrategy[ByteSource] = st.one_of(
    st.binary(min_size=32, max_size=32).map(keystream),
    st.sampled_from([b"\x00", b"\xff", b"\x7f"]).map(lambda byte: lambda num_bytes: byte * num_bytes),
)
_magnitudes = st.sampled_from([1e-30, 1e-3, 1.0, 1e6, 1e30])
_updates = st.builds(
    lambda values, magnitude: (values * magnitude).astype(np.float32),
    arrays.arrays(np.float32, st.integers(1, 1100), elements=st.floats(-1, 1, width=32)),
    _magnitudes,
)
_told = st.floats(-1e300, 1e300)
_contributions = st.builds(NoisyContribution, _updates, _told, _told)


@settings(deadline=None)
@given(_contributions, st.sampled_from([1e-6, 0.5, 1e4]), _streams)
def test_a_site_and_no_site_differ_by_the_sensitivity_at_most(
    contribution: NoisyContribution, max_norm: float, source: ByteSource
) -> None:
    vector = noisy_vector(round_noise(), 5, contribution.update.size, max_norm, b"seed")
    for part, values in zip(vector.parts, bounded_values(contribution, vector), strict=True):
        integers = part.rounded(values, source)
        assert sum(value**2 for value in integers.tolist()) <= Fraction(part.sensitivity) ** 2
        assert np.abs(integers).max() <= part.largest


@settings(deadline=None, max_examples=50)
@given(_updates, st.integers(4, 40), st.sampled_from([0.5, 2.0, 20.0]))
def test_the_longest_noise_of_all_sites_does_not_wrap_around(
    update: npt.NDArray[np.float32], num_sites: int, multiplier: float
) -> None:
    vector = noisy_vector(round_noise(multiplier), num_sites, update.size, 1.0, b"seed")
    lanes = noisy_lanes(NoisyContribution(update, 0.0, 0.0), vector, lambda num_bytes: b"\xff" * num_bytes)
    for part, one in zip(vector.parts, lanes, strict=True):
        single = from_lanes(part.segment, one)
        total = np.zeros_like(one)
        for _ in range(num_sites):
            total += one
        np.testing.assert_array_equal(from_lanes(part.segment, total), num_sites * single)
        assert (single + largest_noise(part.sigma)).min() >= -part.largest
        assert (single + largest_noise(part.sigma)).max() <= part.largest
