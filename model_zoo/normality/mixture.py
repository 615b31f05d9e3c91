"""A mixture of Gaussians per context, fitted by expectation-maximisation from sums that add up over sites.

Each round a site counts, under the mixture it was given, what of its objects falls to each component; the coordinator
adds the counts and moves the mixture. All contexts together are fitted first. A context's own mixture then starts from
those components and moves them only as far as its own objects outweigh ``relevance`` of its parent's, so one with
little footage stays close to what all contexts have in common.

Letters in shapes: N objects, K contexts, C components, F features.

Source:
    Expectation-maximisation: Dempster, Laird and Rubin, 1977.
    Adaptation of a parent mixture: Reynolds, Quatieri and Dunn, 2000, section 3.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from model_zoo.errors import NormalityError

FloatVector = npt.NDArray[np.float64]  # (P,)
Features = npt.NDArray[np.float64]  # (N, F)
Contexts = npt.NDArray[np.int64]  # (N,)
Scores = npt.NDArray[np.float64]  # (N,)

NUM_ROUNDS = 30
NUM_STARTS = 4
RELEVANCE = 200.0
"""Objects of its parent's that a component is worth in a context."""

_PRIOR_OBJECTS = 2.0
"""Objects from a unit Gaussian in each component before any data: keeps an empty one alive, and covariances regular."""
_VARIANCE_FLOOR = 1e-4


@dataclasses.dataclass(frozen=True)
class MixtureSums:
    """What of the objects of each context falls to each component. Adding two is pooling their footage."""

    count: npt.NDArray[np.float64]  # (K, C)
    linear: npt.NDArray[np.float64]  # (K, C, F)
    outer: npt.NDArray[np.float64]  # (K, C, F, F)

    def __add__(self, other: "MixtureSums") -> "MixtureSums":
        if self.linear.shape != other.linear.shape:
            raise NormalityError(f"expected sums of shape {self.linear.shape}, got {other.linear.shape}")
        return MixtureSums(self.count + other.count, self.linear + other.linear, self.outer + other.outer)

    @property
    def vector(self) -> FloatVector:
        """All sums in one flat vector, for adding across sites. ``(K * C * (1 + F + F * F),)``."""
        return np.concatenate([part.ravel() for part in (self.count, self.linear, self.outer)])

    @classmethod
    def from_vector(cls, vector: FloatVector, num_contexts: int, shape: tuple[int, int]) -> "MixtureSums":
        """Reads what ``vector`` wrote.

        Args:
            vector: The sums.
            num_contexts: K.
            shape: Numbers of components and features.

        Raises:
            NormalityError: The length does not fit the sizes, or a value is not finite.
        """
        components, features = shape
        shapes = [(num_contexts, components, *tail) for tail in ((), (features,), (features, features))]
        ends = np.cumsum([math.prod(one) for one in shapes])
        if vector.shape != (ends[-1],):
            raise NormalityError(f"expected {ends[-1]} values of mixture sums, got shape {vector.shape}")
        if not np.isfinite(vector).all():
            raise NormalityError("expected finite mixture sums")
        parts = np.split(vector.astype(np.float64), ends[:-1])
        return cls(*(part.reshape(one) for part, one in zip(parts, shapes, strict=True)))


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Weights, means and covariances per context."""

    weight: npt.NDArray[np.float64]  # (K, C) positive, rows add up to 1
    mean: npt.NDArray[np.float64]  # (K, C, F)
    covariance: npt.NDArray[np.float64]  # (K, C, F, F)

    def scores(self, features: Features, context: Contexts) -> Scores:
        """How unlikely objects are in their context: ``-log p(x)``.

        Args:
            features: ``(N, F)``, finite.
            context: Context of each object, from 0. ``(N,)``.

        Returns:
            Scores; higher is more unusual. ``(N,)``.
        """
        result = np.zeros(len(features))
        for one in np.unique(context):
            rows = context == one
            result[rows] = -logsumexp(self._log_joint(features[rows], int(one)), axis=1)
        return result

    def sums(self, features: Features, context: Contexts) -> MixtureSums:
        """Shares the objects of a site out over the components: the expectation step.

        Args:
            features: ``(N, F)``; none is allowed.
            context: Context of each object, from 0. ``(N,)``.

        Raises:
            NormalityError: A feature is not finite.
        """
        if not np.isfinite(features).all():
            raise NormalityError("expected finite features")
        count, linear, outer = (np.zeros(part.shape) for part in (self.weight, self.mean, self.covariance))
        for one in np.unique(context):
            mine = features[context == one]  # (n, F)
            joint = self._log_joint(mine, int(one))
            share = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))  # (n, C)
            count[one], linear[one] = share.sum(axis=0), share.T @ mine
            outer[one] = [(weight[:, None] * mine).T @ mine for weight in share.T]
        return MixtureSums(count, linear, outer)

    def moved(self, sums: MixtureSums) -> "Mixture":
        """The mixture that fits the sums best: the maximisation step, with a little of a unit Gaussian."""
        return _weighed(sums, _unit_prior(self.mean))

    def adapted(self, sums: MixtureSums, relevance: float = RELEVANCE) -> "Mixture":
        """The mixtures of contexts whose parent this is.

        Args:
            sums: Sums under this mixture, by context of the children. ``(K', C)``; this mixture has K' contexts or one.
            relevance: Objects that the parent is worth, shared out over components as they weigh.
        """
        worth = relevance * np.maximum(self.weight, 1e-6)  # (K, C)
        second = self.covariance + self.mean[..., :, None] * self.mean[..., None, :]
        prior = MixtureSums(worth, worth[..., None] * self.mean, worth[..., None, None] * second)
        return _weighed(sums, prior)

    def _log_joint(self, features: Features, context: int) -> npt.NDArray[np.float64]:
        """Logarithm of weight times density of each component. ``(n, C)``."""
        whitening = np.linalg.inv(np.linalg.cholesky(self.covariance[context]))  # (C, F, F)
        away = features[:, None, :] - self.mean[context]  # (n, C, F)
        white = np.matmul(whitening, away.transpose(1, 2, 0))  # (C, F, n)
        log_scale = np.log(np.diagonal(whitening, axis1=1, axis2=2)).sum(axis=1)  # (C,)
        constant = 0.5 * features.shape[1] * math.log(2 * math.pi)
        return np.asarray(np.log(self.weight[context]) + log_scale - constant - 0.5 * (white**2).sum(axis=1).T)


def _unit_prior(mean: npt.NDArray[np.float64]) -> MixtureSums:
    num_contexts, components, features = mean.shape
    second = np.eye(features) + mean[..., :, None] * mean[..., None, :]
    worth = np.full((num_contexts, components), _PRIOR_OBJECTS)
    return MixtureSums(worth, worth[..., None] * mean, worth[..., None, None] * second)


def _weighed(sums: MixtureSums, prior: MixtureSums) -> Mixture:
    count = sums.count + prior.count  # (K, C)
    mean = (sums.linear + prior.linear) / count[..., None]
    second = (sums.outer + prior.outer) / count[..., None, None]
    covariance = second - mean[..., :, None] * mean[..., None, :] + _VARIANCE_FLOOR * np.eye(mean.shape[-1])
    return Mixture(count / count.sum(axis=1, keepdims=True), mean, covariance)


def first_mixture(num_components: int, num_features: int, seed: int) -> Mixture:
    """Where fitting starts, before any object was seen: components strewn over a unit Gaussian. K is 1."""
    random = np.random.default_rng([seed, num_components, num_features])
    mean = random.normal(size=(1, num_components, num_features))
    weight = np.full((1, num_components), 1.0 / num_components)
    return Mixture(weight, mean, np.tile(np.eye(num_features), (1, num_components, 1, 1)))


def fit_mixture(
    sites: Sequence[tuple[Features, Contexts]], num_contexts: int, num_components: int, num_starts: int = NUM_STARTS
) -> Mixture:
    """Fits a mixture to the objects of several sites; only sums leave a site.

    Expectation-maximisation ends where its start leads it. Several starts, each fitted by itself and all averaged, give
    nearly the same mixture whatever the starts are.

    Args:
        sites: Features of the order of one and contexts of each site's normal objects.
        num_contexts: K.
        num_components: C of each start; with 1 this is a Gaussian of full covariance.
        num_starts: Mixtures that are averaged.

    Raises:
        NormalityError: A feature is not finite.
    """
    starts = range(num_starts if num_components > 1 else 1)
    mixture = _averaged([_fit_everywhere(sites, num_components, seed) for seed in starts])
    everywhere = Mixture(
        *(np.repeat(part, num_contexts, axis=0) for part in (mixture.weight, mixture.mean, mixture.covariance))
    )
    return everywhere.adapted(_added([everywhere.sums(*site) for site in sites])) if num_contexts > 1 else mixture


def _fit_everywhere(sites: Sequence[tuple[Features, Contexts]], num_components: int, seed: int) -> Mixture:
    """One mixture over all contexts, from one start. K is 1."""
    mixture = first_mixture(num_components, sites[0][0].shape[1], seed)
    for _ in range(NUM_ROUNDS if num_components > 1 else 1):
        parts = [mixture.sums(features, np.zeros_like(context)) for features, context in sites]
        mixture = mixture.moved(_added(parts))
    return mixture


def _averaged(mixtures: Sequence[Mixture]) -> Mixture:
    """All components of all mixtures, each mixture as likely as the others."""
    return Mixture(
        np.concatenate([mixture.weight for mixture in mixtures], axis=1) / len(mixtures),
        np.concatenate([mixture.mean for mixture in mixtures], axis=1),
        np.concatenate([mixture.covariance for mixture in mixtures], axis=1),
    )


def _added(parts: Sequence[MixtureSums]) -> MixtureSums:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
