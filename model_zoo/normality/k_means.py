"""Distance to the nearest of many centres, found by k-means from sums that add up over sites.

Letters in shapes: N objects, C centres, F features.

Source:
    Lloyd, 1982. https://doi.org/10.1109/TIT.1982.1056489
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from model_zoo.errors import NormalityError

Features = npt.NDArray[np.float64]  # (N, F)
Scores = npt.NDArray[np.float64]  # (N,)

NUM_ROUNDS = 15


@dataclasses.dataclass(frozen=True)
class CentreSums:
    """Objects nearest to each centre. Adding two is pooling their footage."""

    count: npt.NDArray[np.float64]  # (C,)
    linear: npt.NDArray[np.float64]  # (C, F)

    def __add__(self, other: "CentreSums") -> "CentreSums":
        return CentreSums(self.count + other.count, self.linear + other.linear)


@dataclasses.dataclass(frozen=True)
class Centres:
    """Where normal objects are in feature space."""

    centres: npt.NDArray[np.float64]  # (C, F)

    def scores(self, features: Features) -> Scores:
        """Distance of each object to the nearest centre; higher is more unusual. ``(N,)``."""
        return np.asarray(cKDTree(self.centres).query(features)[0])

    def scores_anywhere(self, features: Features, context: npt.NDArray[np.int64]) -> Scores:
        """The same in every context: k-means tells none apart. ``(N,)``."""
        del context
        return self.scores(features)

    def sums(self, features: Features) -> CentreSums:
        """Counts a site's objects at the centre nearest to each.

        Raises:
            NormalityError: A feature is not finite.
        """
        if not np.isfinite(features).all():
            raise NormalityError("expected finite features")
        nearest = cKDTree(self.centres).query(features)[1]
        linear = np.zeros_like(self.centres)
        np.add.at(linear, nearest, features)
        return CentreSums(np.bincount(nearest, minlength=len(self.centres)).astype(np.float64), linear)

    def moved(self, sums: CentreSums) -> "Centres":
        """Every centre at the mean of its objects; one without any stays."""
        known = sums.count > 0
        moved = self.centres.copy()
        moved[known] = sums.linear[known] / sums.count[known, None]
        return Centres(moved)


def fit_centres(sites: Sequence[Features], num_centres: int, seed: int = 0) -> Centres:
    """Fits centres to the objects of several sites; only sums and counts leave a site. Unused centres are dropped.

    Args:
        sites: Features, of the order of one, of each site's normal objects.
        num_centres: C at most.
        seed: Of the starting centres, strewn over a unit Gaussian.

    Raises:
        NormalityError: A feature is not finite, or there is no object at all.
    """
    num_features = sites[0].shape[1]
    random = np.random.default_rng([seed, num_centres, num_features])
    fitted = Centres(random.normal(size=(num_centres, num_features)))
    count = np.zeros(num_centres)
    for _ in range(NUM_ROUNDS):
        parts = [fitted.sums(features) for features in sites]
        total = sum(parts[1:], start=parts[0])
        fitted, count = fitted.moved(total), total.count
    if not count.any():
        raise NormalityError("expected at least one normal object")
    return Centres(fitted.centres[count > 0])
