"""Normality sums and the scores read off them."""

import math

import numpy as np
import pytest

from model_zoo.errors import NormalityError
from model_zoo.normality.intensity import NormalitySums, Shrinkage, fit_intensity, intensity_scores

NO_SHRINKAGE = Shrinkage(
    parent_objects=1e-9,
    parent_s=1e-9,
    pooled_objects=1e-9,
    pooled_s=1e-9,
    prior_objects=1e-9,
    prior_s=1e-9,
    variance_floor=1e-9,
)


def rows(count: int, seed: int = 0, centre: float = 0.0) -> np.ndarray:
    return np.random.default_rng([seed]).normal(centre, 1.0, (count, 2))


def in_context(context: int, count: int) -> np.ndarray:
    return np.full(count, context, np.int64)


def sums_of(features: np.ndarray, context: int, seconds: float, num_contexts: int = 3) -> NormalitySums:
    sums = NormalitySums.zeros(num_contexts, 2).observe(features, in_context(context, len(features)))
    return sums.watched(context, seconds)


def test_score_is_minus_log_of_rate_times_gaussian() -> None:
    seen, asked = rows(50), rows(4, seed=1)
    scores = intensity_scores(asked, in_context(1, 4), sums_of(seen, 1, 100.0), shrinkage=NO_SHRINKAGE)
    mean, covariance = seen.mean(axis=0), np.cov(seen.T, bias=True)
    for score, row in zip(scores, asked, strict=True):
        away = row - mean
        distance = float(away @ np.linalg.inv(covariance) @ away)
        density = math.exp(-distance / 2) / (2 * math.pi * math.sqrt(np.linalg.det(covariance)))
        assert score == pytest.approx(-math.log(50 / 100 * density), rel=1e-6)


def test_context_long_watched_and_empty_makes_anybody_unusual() -> None:
    seen = rows(500)
    sums = sums_of(seen, 0, 600.0).watched(1, 3600.0)
    busy, empty, unwatched = (
        float(intensity_scores(rows(1, seed=2), in_context(context, 1), sums)[0]) for context in range(3)
    )
    assert empty > busy + 3.0
    assert busy - 1.0 < unwatched < empty


def test_hardly_watched_context_leans_on_its_parent() -> None:
    here = sums_of(rows(3, seed=3), 0, 2.0)
    parent = sums_of(rows(2000, centre=5.0), 0, 2000.0) + sums_of(rows(2000, centre=-5.0), 1, 2000.0)
    asked, contexts = np.array([[5.0, 5.0], [5.0, 5.0]]), np.array([0, 1])
    like_parent, unlike_parent = intensity_scores(asked, contexts, here, (parent,))
    assert unlike_parent > like_parent + 10.0


def test_own_footage_outweighs_the_parent_once_there_is_enough() -> None:
    parent = sums_of(rows(2000, centre=5.0), 0, 2000.0)
    asked = np.array([[0.0, 0.0]])
    little, much = (
        float(intensity_scores(asked, in_context(0, 1), sums_of(rows(count), 0, count / 10), (parent,))[0])
        for count in (5, 50_000)
    )
    assert much < little


def test_hardly_watched_camera_leans_on_its_site_and_a_hardly_watched_site_on_the_fleet() -> None:
    here, site = sums_of(rows(3), 0, 2.0), sums_of(rows(3000, centre=5.0), 0, 3000.0)
    fleet = sums_of(rows(3000, centre=-5.0), 0, 3000.0)
    asked, context = np.array([[5.0, 5.0], [-5.0, -5.0]]), in_context(0, 2)
    like_site, like_fleet = intensity_scores(asked, context, here, (site, fleet))
    assert like_fleet > like_site + 10.0
    like_site, like_fleet = intensity_scores(asked, context, here, (sums_of(rows(3, centre=5.0), 0, 2.0), fleet))
    assert like_site > like_fleet + 10.0


def test_blind_model_scores_alike_in_all_contexts() -> None:
    sums = sums_of(rows(100), 0, 50.0) + sums_of(rows(100, centre=4.0), 1, 10.0)
    scores = intensity_scores(np.zeros((3, 2)), np.arange(3), sums.pooled())
    assert scores == pytest.approx(np.full(3, scores[0]))


def test_without_any_data_scores_are_finite() -> None:
    assert np.isfinite(intensity_scores(rows(5), in_context(0, 5), NormalitySums.zeros(1, 2))).all()


def test_constant_feature_does_not_break_the_model() -> None:
    seen = np.ones((400, 2))
    scores = intensity_scores(np.array([[1.0, 1.0], [1.5, 1.0]]), in_context(0, 2), sums_of(seen, 0, 40.0))
    assert np.isfinite(scores).all()
    assert scores[1] > scores[0]


def test_model_fitted_once_scores_as_both_steps_in_one() -> None:
    sums = sums_of(rows(100), 0, 50.0)
    fitted = fit_intensity(sums).scores(rows(7, seed=4), in_context(0, 7))
    assert fitted.tolist() == intensity_scores(rows(7, seed=4), in_context(0, 7), sums).tolist()


def test_sums_that_do_not_fit_are_refused() -> None:
    with pytest.raises(NormalityError, match=r"expected sums of shape \(3, 2\), got \(2, 2\)"):
        NormalitySums.zeros(3, 2) + NormalitySums.zeros(2, 2)
    with pytest.raises(NormalityError, match=r"expected sums of shape \(3, 2\), got \(1, 2\)"):
        fit_intensity(NormalitySums.zeros(3, 2), (NormalitySums.zeros(1, 2),))
    with pytest.raises(NormalityError, match="expected finite features"):
        NormalitySums.zeros(1, 2).observe(np.array([[np.nan, 0.0]]), in_context(0, 1))
    with pytest.raises(NormalityError, match=r"expected 24 values of normality sums, got shape \(23,\)"):
        NormalitySums.from_vector(np.zeros(23), 3, 2)
    with pytest.raises(NormalityError, match="expected finite normality sums"):
        NormalitySums.from_vector(np.full(24, np.inf), 3, 2)
