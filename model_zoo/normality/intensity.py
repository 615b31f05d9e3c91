"""How many objects like this one to expect here: a Gaussian per context with the time it was watched.

The score is the negative logarithm of an intensity: objects a second, per unit of feature space. A context watched
for an hour with nobody in it makes anybody unusual; a crowded one only those who differ from the crowd. All of it
is read off sums, so sites add theirs and nobody sees a single object. A context with little footage of its own leans on
its like elsewhere: camera on site, site on fleet.

Letters in shapes: N objects, K contexts, F features.
"""

import dataclasses
import functools
import math
import operator
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model_zoo.errors import NormalityError

FloatVector = npt.NDArray[np.float64]  # (P,)
Features = npt.NDArray[np.float64]  # (N, F)
Contexts = npt.NDArray[np.int64]  # (N,)
Scores = npt.NDArray[np.float64]  # (N,)


@dataclasses.dataclass(frozen=True)
class NormalitySums:
    """Additive statistics of objects per context. Adding two is pooling their footage."""

    exposure_s: npt.NDArray[np.float64]  # (K,) seconds watched
    count: npt.NDArray[np.float64]  # (K,) objects observed
    linear: npt.NDArray[np.float64]  # (K, F) sum of features
    outer: npt.NDArray[np.float64]  # (K, F, F) sum of outer products

    @classmethod
    def zeros(cls, num_contexts: int, num_features: int) -> "NormalitySums":
        """Sums over nothing."""
        shapes = _shapes(num_contexts, num_features)
        return cls(*(np.zeros(shape) for shape in shapes))

    @classmethod
    def from_vector(cls, vector: FloatVector, num_contexts: int, num_features: int) -> "NormalitySums":
        """Reads what ``vector`` wrote.

        Raises:
            NormalityError: the length does not fit the sizes, or a value is not finite.
        """
        shapes = _shapes(num_contexts, num_features)
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        if vector.shape != (ends[-1],):
            raise NormalityError(f"expected {ends[-1]} values of normality sums, got shape {vector.shape}")
        if not np.isfinite(vector).all():
            raise NormalityError("expected finite normality sums")
        parts = np.split(vector.astype(np.float64), ends[:-1])
        return cls(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))

    @property
    def vector(self) -> FloatVector:
        """All sums in one flat vector, for adding across sites. ``(K * (2 + F + F * F),)``."""
        return np.concatenate([part.ravel() for part in (self.exposure_s, self.count, self.linear, self.outer)])

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of contexts and features."""
        num_contexts, num_features = self.linear.shape
        return num_contexts, num_features

    def __add__(self, other: "NormalitySums") -> "NormalitySums":
        if self.shape != other.shape:
            raise NormalityError(f"expected sums of shape {self.shape}, got {other.shape}")
        return NormalitySums(
            self.exposure_s + other.exposure_s,
            self.count + other.count,
            self.linear + other.linear,
            self.outer + other.outer,
        )

    def observe(self, features: Features, context: Contexts) -> "NormalitySums":
        """These sums with normal objects added.

        Args:
            features: ``(N, F)``, finite.
            context: Context of each, from 0. ``(N,)``.
        """
        num_contexts, num_features = self.shape
        if not np.isfinite(features).all():
            raise NormalityError("expected finite features")
        seen = NormalitySums.zeros(num_contexts, num_features)
        np.add.at(seen.count, context, 1.0)
        np.add.at(seen.linear, context, features)
        np.add.at(seen.outer, context, features[:, :, None] * features[:, None, :])
        return self + seen

    def watched(self, context: int, seconds: float) -> "NormalitySums":
        """These sums with one context watched for some seconds more."""
        exposure_s = self.exposure_s.copy()
        exposure_s[context] += seconds
        return dataclasses.replace(self, exposure_s=exposure_s)

    def select(self, rows: Contexts) -> "NormalitySums":
        """The sums of the contexts at ``rows``, in that order."""
        return NormalitySums(self.exposure_s[rows], self.count[rows], self.linear[rows], self.outer[rows])

    def pooled(self) -> "NormalitySums":
        """Every context replaced by the sum over all: what a model blind to context knows."""
        totals = [part.sum(axis=0, keepdims=True) for part in (self.exposure_s, self.count, self.linear, self.outer)]
        return NormalitySums(*(np.repeat(total, self.shape[0], axis=0) for total in totals))


def _shapes(num_contexts: int, num_features: int) -> tuple[tuple[int, ...], ...]:
    return (
        (num_contexts,),
        (num_contexts,),
        (num_contexts, num_features),
        (num_contexts, num_features, num_features),
    )


@dataclasses.dataclass(frozen=True)
class Shrinkage:
    """How much a context leans on what is known elsewhere, in objects and in seconds of its own footage."""

    parent_objects: float = 100.0
    """What a parent is worth to its child: the site to a camera, the fleet to a site."""
    parent_s: float = 3.0
    pooled_objects: float = 20.0
    """What all contexts together are worth to the eldest ancestor."""
    pooled_s: float = 1.0
    prior_objects: float = 2.0
    """Objects from a unit Gaussian, before any data."""
    prior_s: float = 1.0
    """Seconds in which ``prior_objects`` would be seen, before any data."""
    variance_floor: float = 1e-3


DEFAULT_SHRINKAGE = Shrinkage()


@dataclasses.dataclass(frozen=True)
class Intensity:
    """A rate and a Gaussian per context."""

    log_rate: npt.NDArray[np.float64]  # (K,) of objects a second
    mean: npt.NDArray[np.float64]  # (K, F)
    whitening: npt.NDArray[np.float64]  # (K, F, F) inverse Cholesky factor of the covariance

    def scores(self, features: Features, context: Contexts) -> Scores:
        """Scores objects by how rare their like is in their context: ``-log(rate * N(x; mean, covariance))``.

        Args:
            features: ``(N, F)``.
            context: Context of each object, from 0. ``(N,)``.

        Returns:
            Scores; higher is more unusual. ``(N,)``.
        """
        white = np.einsum("nij,nj->ni", self.whitening[context], features - self.mean[context])  # (N, F)
        log_scale = np.log(np.diagonal(self.whitening, axis1=1, axis2=2)).sum(axis=1)  # (K,)
        constant = 0.5 * features.shape[1] * math.log(2 * math.pi)
        offset = constant - self.log_rate - log_scale  # (K,)
        return np.asarray(0.5 * (white**2).sum(axis=1) + offset[context])


@dataclasses.dataclass(frozen=True)
class _Moments:
    """Rate, mean and second moment of the objects of each context."""

    rate: npt.NDArray[np.float64]  # (K,)
    mean: npt.NDArray[np.float64]  # (K, F)
    second: npt.NDArray[np.float64]  # (K, F, F)

    def updated(self, sums: NormalitySums, objects: float, seconds: float) -> "_Moments":
        """These moments, worth so many objects and seconds, with the evidence of ``sums``."""
        weight = sums.count + objects  # (K,)
        return _Moments(
            (sums.count + seconds * self.rate) / (sums.exposure_s + seconds),
            (sums.linear + objects * self.mean) / weight[:, None],
            (sums.outer + objects * self.second) / weight[:, None, None],
        )


def fit_intensity(
    sums: NormalitySums, ancestors: Sequence[NormalitySums] = (), shrinkage: Shrinkage = DEFAULT_SHRINKAGE
) -> Intensity:
    """Reads the model off the sums.

    A context with little footage leans on its parent, that on its own, the eldest on all contexts pooled, those on a
    unit Gaussian.

    Args:
        sums: What was seen in each context.
        ancestors: What was seen in similar contexts elsewhere, the nearest first, each row by row as ``sums``; a wider
            one may include what a nearer one saw.
        shrinkage: How far to lean.

    Raises:
        NormalityError: An ancestor is of another shape than ``sums``.
    """
    num_contexts, num_features = sums.shape
    prior = _Moments(
        np.full(num_contexts, shrinkage.prior_objects / shrinkage.prior_s),
        np.zeros((num_contexts, num_features)),
        np.tile(np.eye(num_features), (num_contexts, 1, 1)),
    )
    everything = functools.reduce(operator.add, ancestors, sums)
    known = prior.updated(everything.pooled(), shrinkage.prior_objects, shrinkage.prior_s)
    if ancestors:
        known = known.updated(ancestors[-1], shrinkage.pooled_objects, shrinkage.pooled_s)
    for younger in (*reversed(ancestors[:-1]), sums):
        known = known.updated(younger, shrinkage.parent_objects, shrinkage.parent_s)
    covariance = known.second - known.mean[:, :, None] * known.mean[:, None, :]
    covariance += shrinkage.variance_floor * np.eye(num_features)
    return Intensity(np.log(known.rate), known.mean, np.linalg.inv(np.linalg.cholesky(covariance)))


def intensity_scores(
    features: Features,
    context: Contexts,
    sums: NormalitySums,
    ancestors: Sequence[NormalitySums] = (),
    shrinkage: Shrinkage = DEFAULT_SHRINKAGE,
) -> Scores:
    """Scores objects in their contexts; ``fit_intensity`` and ``Intensity.scores`` in one call. ``(N,)``."""
    return fit_intensity(sums, ancestors, shrinkage).scores(features, context)
