"""K-means from sums."""

import numpy as np
import pytest

from model_zoo.errors import NormalityError
from model_zoo.normality.k_means import Centres, fit_centres

CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])


def lumps() -> np.ndarray:
    random = np.random.default_rng(0)
    return (CORNERS[:, None] + 0.05 * random.normal(size=(4, 50, 2))).reshape(-1, 2)


def test_centres_end_where_objects_are_and_unused_ones_are_dropped() -> None:
    fitted = fit_centres([lumps()], 32)
    assert len(fitted.centres) < 32
    assert fitted.scores(CORNERS).max() < 0.1
    assert fitted.scores(np.zeros((1, 2)))[0] > 1.0
    assert fitted.scores_anywhere(CORNERS, np.arange(4)).tolist() == fitted.scores(CORNERS).tolist()


def test_one_round_moves_every_centre_to_the_mean_of_its_objects() -> None:
    centres = Centres(np.array([[0.0, 0.0], [10.0, 0.0], [99.0, 99.0]]))
    features = np.array([[1.0, 0.0], [3.0, 0.0], [9.0, 2.0]])
    moved = centres.moved(centres.sums(features))
    assert moved.centres.tolist() == [[2.0, 0.0], [9.0, 2.0], [99.0, 99.0]]


def test_sites_together_know_what_one_site_knows() -> None:
    features = lumps()
    together = fit_centres([features[index::3] for index in range(3)], 8)
    np.testing.assert_allclose(together.centres, fit_centres([features], 8).centres)


def test_nothing_and_no_numbers_are_refused() -> None:
    with pytest.raises(NormalityError, match="expected at least one normal object"):
        fit_centres([np.zeros((0, 2))], 4)
    with pytest.raises(NormalityError, match="expected finite features"):
        fit_centres([np.full((3, 2), np.inf)], 4)
