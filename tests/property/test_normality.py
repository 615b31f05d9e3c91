"""Laws of normality sums."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model_zoo.normality.intensity import NormalitySums, fit_intensity, intensity_scores

NUM_CONTEXTS, NUM_FEATURES = 3, 2
FEATURES = hnp.arrays(np.float64, st.tuples(st.integers(0, 20), st.just(NUM_FEATURES)), elements=st.floats(-8, 8))


def observed(features: np.ndarray) -> NormalitySums:
    context = np.arange(len(features)) % NUM_CONTEXTS
    return NormalitySums.zeros(NUM_CONTEXTS, NUM_FEATURES).observe(features, context).watched(0, float(len(features)))


@given(first=FEATURES, second=FEATURES)
def test_sums_of_two_sites_are_the_sums_of_their_footage(first: np.ndarray, second: np.ndarray) -> None:
    added = observed(first) + observed(second)
    context = np.concatenate([np.arange(len(first)) % NUM_CONTEXTS, np.arange(len(second)) % NUM_CONTEXTS])
    pooled = NormalitySums.zeros(NUM_CONTEXTS, NUM_FEATURES).observe(np.concatenate([first, second]), context)
    assert np.allclose(added.outer, pooled.outer)
    assert np.allclose(added.linear, pooled.linear)
    assert added.exposure_s[0] == len(first) + len(second)


@given(features=FEATURES)
def test_sums_survive_flattening_exactly_and_adding_flat_is_adding(features: np.ndarray) -> None:
    sums = observed(features)
    again = NormalitySums.from_vector(sums.vector, NUM_CONTEXTS, NUM_FEATURES)
    assert again.vector.tolist() == sums.vector.tolist()
    assert (sums.vector + sums.vector).tolist() == (sums + sums).vector.tolist()


@given(features=FEATURES, asked=FEATURES)
def test_scores_are_finite_and_grow_along_every_ray_from_the_mean(features: np.ndarray, asked: np.ndarray) -> None:
    sums = observed(features)
    context = np.zeros(len(asked), np.int64)
    far = intensity_scores(1e3 * (asked + 10.0), context, sums)
    near = intensity_scores(asked, context, sums)
    assert np.isfinite(near).all()
    assert (far > near).all()


@given(features=FEATURES, seconds=st.floats(1, 1e6))
def test_watching_an_empty_context_longer_makes_objects_in_it_more_unusual(
    features: np.ndarray, seconds: float
) -> None:
    sums = observed(features)
    asked, context = np.zeros((1, NUM_FEATURES)), np.array([1])
    assert intensity_scores(asked, context, sums.watched(1, seconds)) > intensity_scores(asked, context, sums)


@given(features=FEATURES, elder=FEATURES)
def test_child_without_footage_is_its_parent(features: np.ndarray, elder: np.ndarray) -> None:
    parent, fleet, nothing = observed(features), observed(elder), NormalitySums.zeros(NUM_CONTEXTS, NUM_FEATURES)
    with_child, without = fit_intensity(nothing, (nothing, parent, fleet)), fit_intensity(nothing, (parent, fleet))
    assert np.allclose(with_child.log_rate, without.log_rate)
    assert np.allclose(with_child.mean, without.mean)
    assert np.allclose(with_child.whitening, without.whitening)


@given(features=FEATURES, first=FEATURES, second=FEATURES)
def test_child_with_much_footage_is_the_same_whoever_its_parents_are(
    features: np.ndarray, first: np.ndarray, second: np.ndarray
) -> None:
    sums = NormalitySums.from_vector(1e7 * (observed(features) + known()).vector, NUM_CONTEXTS, NUM_FEATURES)
    one, other = (fit_intensity(sums, (observed(site), observed(site))) for site in (first, second))
    for name in ("log_rate", "mean", "whitening"):
        assert np.allclose(getattr(one, name), getattr(other, name), rtol=1e-2, atol=1e-2)


def known() -> NormalitySums:
    """Objects all around and a few seconds in every context."""
    corners = np.array([[x, y] for x in (-1.0, 1.0) for y in (-1.0, 1.0)])
    sums = observed(np.repeat(corners, NUM_CONTEXTS, axis=0))
    return dataclasses.replace(sums, exposure_s=sums.exposure_s + 3.0)
