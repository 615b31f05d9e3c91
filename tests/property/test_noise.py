"""Laws of a site's noise and rounding, and of what a round costs."""

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fl_protocol.noise import MAX_SIGMA, MIN_SIGMA, ByteSource, discrete_gaussian, keystream
from fl_protocol.privacy import MIN_SITE_SIGMA, CohortBounds, NoisySegment, segment_rho, sum_divergence
from fl_protocol.rounding import round_within, rounded_max_norm

_streams: st.SearchStrategy[ByteSource] = st.one_of(
    st.binary(min_size=32, max_size=32).map(keystream),
    st.sampled_from([b"\x00", b"\xff", b"\x7f"]).map(lambda byte: lambda num_bytes: byte * num_bytes),
)
_magnitudes = st.sampled_from([1e-12, 0.3, 2.0, 1e3, 1e6])
_vectors = st.builds(
    lambda values, magnitude: values * magnitude,
    arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1, 1)),
    _magnitudes,
)


@settings(deadline=None)
@given(_vectors, _streams)
def test_no_input_and_no_stream_exceeds_the_sensitivity(values: npt.NDArray[np.float64], source: ByteSource) -> None:
    sensitivity = rounded_max_norm(float(np.linalg.norm(values)), values.size)
    rounded = round_within(values, sensitivity, source)
    assert sum(value**2 for value in rounded.tolist()) <= Fraction(sensitivity) ** 2
    assert (np.abs(rounded - values) < 1).all()


@settings(deadline=None)
@given(_vectors, _streams, st.floats(0, 2))
def test_no_stream_exceeds_a_bound_that_leaves_no_room(
    values: npt.NDArray[np.float64], source: ByteSource, room: float
) -> None:
    bound = float(np.linalg.norm(values)) * (1 + 1e-12) + room
    rounded = round_within(values, bound, source)
    assert sum(value**2 for value in rounded.tolist()) <= Fraction(bound) ** 2


@settings(deadline=None)
@given(st.floats(0, 1e6), st.integers(1, 10**7), st.integers(1, 1000))
def test_sensitivity_grows_with_the_norm_and_the_length(max_norm: float, num_values: int, more: int) -> None:
    here = rounded_max_norm(max_norm, num_values)
    assert max_norm < here <= max_norm + math.sqrt(num_values)
    assert here <= rounded_max_norm(max_norm + more, num_values)
    assert here <= rounded_max_norm(max_norm, num_values + more)


@settings(deadline=None, max_examples=50)
@given(st.floats(MIN_SIGMA, 64.0) | st.just(MAX_SIGMA), st.integers(0, 300), _streams)
def test_noise_has_its_size_and_its_reach(sigma: float, size: int, source: ByteSource) -> None:
    drawn = discrete_gaussian(sigma, size, source)
    assert drawn.shape == (size,)
    assert (np.abs(drawn) <= math.ceil(13.5 * sigma)).all()


@settings(deadline=None)
@given(st.floats(MIN_SITE_SIGMA, 100.0), st.integers(1, 100), st.integers(1, 10**6), st.floats(1.0, 1e5))
def test_cost_is_never_less_than_the_gaussians(
    sigma: float, num_honest: int, num_values: int, sensitivity: float
) -> None:
    segment = NoisySegment("update", num_values, sensitivity, 1.0)
    rho = segment_rho(segment, sigma, num_honest)
    assert rho >= (1 - 1e-12) * sensitivity**2 / (2 * num_honest * sigma**2)
    assert sum_divergence(sigma, num_honest) <= sum_divergence(sigma, num_honest + 1)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_cohort_always_has_an_honest_survivor(num_sites: int, max_dropouts: int, max_corrupt: int) -> None:
    try:
        cohort = CohortBounds(num_sites, max_dropouts, max_corrupt)
    except ValueError:
        assert num_sites <= max_dropouts + max_corrupt
    else:
        assert 1 <= cohort.fewest_honest <= cohort.fewest_survivors <= num_sites
