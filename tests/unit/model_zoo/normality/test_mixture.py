"""Mixtures against a slow transcription of expectation-maximisation, and what federation must not change."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from model_zoo.errors import NormalityError
from model_zoo.normality.mixture import Mixture, MixtureSums, first_mixture, fit_mixture

Features = npt.NDArray[np.float64]


def two_lumps(count: int, seed: int = 0) -> Features:
    random = np.random.default_rng([seed])
    near = random.normal(size=(count, 2)) * 0.3 + [-1.0, 0.5]
    far = random.normal(size=(count, 2)) * [0.2, 0.6] + [1.0, -0.5]
    return np.concatenate([near, far])


def anywhere(features: Features) -> npt.NDArray[np.int64]:
    return np.zeros(len(features), np.int64)


def density(mixture: Mixture, component: int, x: Features, context: int = 0) -> float:
    """Weight times Gaussian, written out."""
    mean, covariance = mixture.mean[context, component], mixture.covariance[context, component]
    away = x - mean
    exponent = -0.5 * away @ np.linalg.inv(covariance) @ away
    scale = math.sqrt((2 * math.pi) ** len(x) * np.linalg.det(covariance))
    return float(mixture.weight[context, component] * math.exp(exponent) / scale)


def test_score_is_the_negative_logarithm_of_the_density() -> None:
    mixture = first_mixture(3, 2, seed=1)
    features = two_lumps(5)
    expected = [-math.log(sum(density(mixture, component, x) for component in range(3))) for x in features]
    assert mixture.scores(features, anywhere(features)) == pytest.approx(expected)


def test_expectation_shares_every_object_out_over_the_components() -> None:
    mixture, features = first_mixture(3, 2, seed=2), two_lumps(4)
    count, linear, outer = np.zeros(3), np.zeros((3, 2)), np.zeros((3, 2, 2))
    for x in features:
        joint = [density(mixture, component, x) for component in range(3)]
        for component in range(3):
            share = joint[component] / sum(joint)
            count[component] += share
            linear[component] += share * x
            outer[component] += share * np.outer(x, x)
    sums = mixture.sums(features, anywhere(features))
    np.testing.assert_allclose(sums.count[0], count)
    np.testing.assert_allclose(sums.linear[0], linear)
    np.testing.assert_allclose(sums.outer[0], outer)


def test_one_component_is_the_gaussian_of_all_objects() -> None:
    features = two_lumps(2000)
    mixture = fit_mixture([(features, anywhere(features))], 1, 1)
    np.testing.assert_allclose(mixture.mean[0, 0], features.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(mixture.covariance[0, 0], np.cov(features.T, bias=True), atol=0.01)


def test_lumps_are_told_apart_and_what_lies_between_them_is_unusual() -> None:
    features = two_lumps(1000)
    mixture = fit_mixture([(features, anywhere(features))], 1, 4)
    between, inside = np.array([[0.0, 0.0]]), np.array([[-1.0, 0.5]])
    assert mixture.scores(between, anywhere(between))[0] > mixture.scores(inside, anywhere(inside))[0] + 3


def test_sites_together_know_what_one_site_with_all_objects_knows() -> None:
    features = two_lumps(600)
    parts = [(features[index::5], anywhere(features[index::5])) for index in range(5)]
    pooled, federated = fit_mixture([(features, anywhere(features))], 1, 4), fit_mixture(parts, 1, 4)
    np.testing.assert_allclose(
        federated.scores(features, anywhere(features)), pooled.scores(features, anywhere(features))
    )


def test_a_context_leans_on_all_until_it_has_objects_of_its_own() -> None:
    everywhere = two_lumps(1000)
    few, many = np.full((3, 2), 4.0), np.random.default_rng(1).normal(size=(5000, 2)) * 0.2 + 4.0
    features = np.concatenate([everywhere, few, many])
    context = np.repeat([0, 1, 2], [len(everywhere), len(few), len(many)])
    mixture = fit_mixture([(features, context)], 4, 4)
    there = np.array([[4.0, 4.0]])
    scores = [mixture.scores(there, np.array([one]))[0] for one in range(4)]
    assert scores[2] < scores[1] < scores[0] + 1e-9
    usual = np.array([[-1.0, 0.5]])
    alone = [mixture.scores(usual, np.array([one]))[0] for one in range(4)]
    assert alone[1] == pytest.approx(alone[3], abs=0.2), "three objects hardly move a context"
    assert alone[2] > alone[3] + 2, "five thousand do"


def test_sums_survive_as_a_vector_and_damaged_ones_are_refused() -> None:
    sums = first_mixture(3, 2, seed=1).sums(two_lumps(4), anywhere(two_lumps(4)))
    again = MixtureSums.from_vector(sums.vector, 1, (3, 2))
    np.testing.assert_array_equal(again.outer, sums.outer)
    np.testing.assert_array_equal((sums + again).count, 2 * sums.count)
    with pytest.raises(NormalityError, match=r"expected 21 values of mixture sums, got shape \(20,\)"):
        MixtureSums.from_vector(sums.vector[:-1], 1, (3, 2))
    with pytest.raises(NormalityError, match="expected finite mixture sums"):
        MixtureSums.from_vector(np.full(21, np.nan), 1, (3, 2))
    with pytest.raises(NormalityError, match="expected sums of shape"):
        sums + first_mixture(2, 2, seed=1).sums(two_lumps(1), anywhere(two_lumps(1)))


def test_features_that_are_no_numbers_are_refused() -> None:
    features = two_lumps(3)
    features[0, 0] = np.nan
    with pytest.raises(NormalityError, match="expected finite features"):
        fit_mixture([(features, anywhere(features))], 1, 2)
