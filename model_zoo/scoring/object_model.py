"""How unusual an object is: its motion and size, what it seems to be, and what the network makes of it.

Each channel is calibrated against normal objects of the same context, so that all speak of rarity: the surprise is
-log10 of the share of normal objects that score higher. Motion and size always count; what an object seems to be, and
the network, only add what goes beyond one in ten: normal objects then hear nothing from them, and a channel that knows
little costs little. All of it can be read off sums and counts.

Letters in shapes: R rows, F features used, K contexts, the last of which is all contexts together.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from model_zoo.calibration import Calibration, fit_calibration
from model_zoo.errors import NormalityError
from model_zoo.normality.k_means import fit_centres
from model_zoo.normality.mixture import fit_mixture
from model_zoo.perception.object_kind import BICYCLE, VEHICLE
from model_zoo.perception.tubelet import MOTION_FEATURES
from model_zoo.scoring.observations import Observations, joined

Scores = npt.NDArray[np.float64]  # (R,)
Contexts = npt.NDArray[np.int64]  # (R,)
Density = Callable[[npt.NDArray[np.float64], Contexts], Scores]
"""Scores of standardised features ``(R, F)`` in contexts ``(R,)``."""
NormalityKind = Literal["gaussian", "mixture", "k-means"]

USED_FEATURES = tuple(MOTION_FEATURES.index(name) for name in MOTION_FEATURES if name != "dwell")
"""Dwell is left to the rules: in footage of minutes it says how long the clip is."""

_USUAL_SURPRISE = 1.0
_NETWORK_WEIGHT = 0.3
_MOST_VOTES = 4.0
_WHEELS_SCALE = 4.0  # votes are shares of one; calibration tells scores of the order of one apart
_LEAST_WHEELS = 0.2
_LEAST_VARIANCE = 1e-6
_NONE = np.zeros(0, np.int64)


@dataclasses.dataclass(frozen=True)
class ObjectModelSettings:
    """What the model is made of.

    Attributes:
        normality: Kind of density over motion and size.
        components: Of a mixture, or centres of k-means.
        num_folds: Parts the clips are dealt into; each is calibrated by a model that has not seen it.
        uses_kind: Whether what an object seems to be counts.
        uses_network: Whether the network counts.
    """

    normality: NormalityKind
    components: int
    num_folds: int
    uses_kind: bool
    uses_network: bool


@dataclasses.dataclass(frozen=True)
class _Standard:
    """Mean and deviation of the features, from sums."""

    mean: npt.NDArray[np.float64]  # (F,)
    deviation: npt.NDArray[np.float64]  # (F,)

    def apply(self, rows: Observations) -> npt.NDArray[np.float64]:
        """Features of the order of one. ``(R, F)``.

        Raises:
            NormalityError: A feature, a vote or a network score is not finite.
        """
        features = rows.features[:, USED_FEATURES]
        network = np.stack([rows.network, rows.oddity])
        for name, values in (("features", features), ("network scores", network), ("votes", rows.votes)):
            if not np.isfinite(values).all():
                raise NormalityError(f"expected finite {name} of every object")
        return np.asarray((features - self.mean) / self.deviation)


@dataclasses.dataclass(frozen=True)
class _Channels:
    """The calibration of each channel."""

    settings: ObjectModelSettings
    motion: Calibration
    wheels: Calibration
    network: Calibration
    oddity: Calibration

    def parts(self, raw: Scores, rows: Observations, context: Contexts) -> dict[str, Scores]:
        """The surprise of each channel that counts, as it is added up.

        Args:
            raw: Scores of motion and size. ``(R,)``.
            rows: The objects.
            context: Of each, unknown ones replaced. ``(R,)``.
        """
        parts = {"motion and size": self.motion.surprise(raw, context)}
        if self.settings.uses_kind:
            wheels = wheels_score(rows)
            surprise = _beyond_usual(self.wheels.surprise(wheels, context))
            parts["kind"] = np.where(wheels > _LEAST_WHEELS, surprise, 0.0)
        if self.settings.uses_network:
            parts["network"] = _NETWORK_WEIGHT * _beyond_usual(self.network.surprise(rows.network, context))
            parts["oddity"] = _NETWORK_WEIGHT * _beyond_usual(self.oddity.surprise(rows.oddity, context))
        return parts

    def total(self, raw: Scores, rows: Observations, context: Contexts) -> Scores:
        """The surprises of all channels, added up; arguments as of ``parts``. ``(R,)``."""
        return np.asarray(np.sum(list(self.parts(raw, rows, context).values()), axis=0))


@dataclasses.dataclass(frozen=True)
class ObjectModel:
    """A fitted model; scores rows one frame or one clip at a time."""

    num_contexts: int
    taught: frozenset[int]
    """The contexts with an object in the training clips."""
    standard: _Standard
    density: Density
    channels: _Channels
    fused: Calibration

    def surprise(self, rows: Observations) -> Scores:
        """How rare each object is among the normal ones of its context: 3 is one in a thousand. ``(R,)``.

        A context never seen in training is scored as all contexts together; ``unseen`` says which.

        Raises:
            NormalityError: A feature, a vote or a network score is not finite.
        """
        context = known_context(rows.context, self.num_contexts)
        raw = self.density(self.standard.apply(rows), context)
        return self.fused.surprise(self.channels.total(raw, rows, context), context)

    def parts(self, rows: Observations) -> dict[str, Scores]:
        """What each channel adds to the surprise of the objects, before all are calibrated once more. ``(R,)`` each.

        Raises:
            NormalityError: As ``surprise``.
        """
        context = known_context(rows.context, self.num_contexts)
        return self.channels.parts(self.density(self.standard.apply(rows), context), rows, context)

    def unseen(self, context: Contexts) -> frozenset[int]:
        """Those of the contexts ``(R,)`` of which no training clip showed an object."""
        return frozenset(np.unique(context).tolist()) - self.taught


def known_context(context: Contexts, num_contexts: int) -> Contexts:
    """The contexts, with those never seen replaced by the last: all together. ``(R,)``."""
    return np.where((context >= 0) & (context < num_contexts - 1), context, num_contexts - 1)


def wheels_score(rows: Observations) -> Scores:
    """Evidence, collected over the track, that an object is a bicycle or a vehicle. ``(R,)``."""
    votes = rows.votes[:, BICYCLE] + rows.votes[:, VEHICLE]
    return np.asarray(_WHEELS_SCALE * np.minimum(votes, _MOST_VOTES))


def _beyond_usual(surprise: Scores) -> Scores:
    return np.maximum(surprise - _USUAL_SURPRISE, 0.0)


@dataclasses.dataclass(frozen=True)
class FittedModel:
    """A model of all clips, and one for each fold of them."""

    model: ObjectModel
    left_out: tuple[ObjectModel, ...]
    """Each with a density that has not seen its fold; calibrated as ``model``."""

    def without(self, clip: int) -> ObjectModel:
        """The model that has not seen the ``clip``-th training clip."""
        return self.left_out[clip % len(self.left_out)]


def fit_object_model(
    clips: Sequence[Observations], num_sites: int, num_contexts: int, settings: ObjectModelSettings
) -> FittedModel:
    """Fits a model to normal clips, dealt out in turn over sites.

    The density is fitted from what the sites add up. Standardisation and calibration are sums and counts as well, so
    it makes no difference that they are formed here over all clips at once.

    Args:
        clips: Rows of each clip, taken to be normal.
        num_sites: At least 1; folds are the same however many there are.
        num_contexts: Contexts that occur in the clips, counted from 0.
        settings: What to fit.

    Raises:
        NormalityError: A value is not finite, there is no object at all, or those of one part of the clips would have
            to be scored by what no other part taught.
    """
    if not any(len(clip) for clip in clips):
        raise NormalityError("expected at least one object in the training footage, found none")
    num_contexts += 1  # the last is all together
    standard = _standard_of(clips)
    num_folds = min(settings.num_folds, len(clips))
    with_objects = {number % num_folds for number, clip in enumerate(clips) if len(clip)}
    if len(with_objects) == 1:
        raise NormalityError(
            f"expected objects in at least 2 of the parts that {len(clips)} training clips are dealt out to, "
            "as each is scored by what the others taught; found them in 1"
        )

    def fit(left_out: int | None) -> Density:
        kept = [clip.select(_NONE) if number % num_folds == left_out else clip for number, clip in enumerate(clips)]
        sites = [joined(kept[site::num_sites]) for site in range(min(num_sites, len(kept)))]
        return _fit_density([(standard.apply(rows), rows.context) for rows in sites], num_contexts, settings)

    densities = [fit(fold) for fold in range(num_folds)]
    every = joined(clips)
    raw = np.concatenate(
        [densities[number % num_folds](standard.apply(clip), clip.context) for number, clip in enumerate(clips)]
    )
    channels = _Channels(
        settings,
        *(
            _calibrated(scores, every, num_contexts)
            for scores in (raw, wheels_score(every), every.network, every.oddity)
        ),
    )
    fused = _calibrated(channels.total(raw, every, every.context), every, num_contexts)
    taught = frozenset(np.unique(every.context).tolist())
    model = ObjectModel(num_contexts, taught, standard, fit(None), channels, fused)
    return FittedModel(model, tuple(dataclasses.replace(model, density=density) for density in densities))


def _fit_density(
    sites: Sequence[tuple[npt.NDArray[np.float64], Contexts]], num_contexts: int, settings: ObjectModelSettings
) -> Density:
    if settings.normality == "k-means":
        return fit_centres([features for features, _ in sites], settings.components).scores_anywhere
    components = 1 if settings.normality == "gaussian" else settings.components
    return fit_mixture(sites, num_contexts, components).scores


def _calibrated(scores: Scores, rows: Observations, num_contexts: int) -> Calibration:
    """Counts by context, and all of them once more for contexts never seen."""
    everywhere = np.full(len(rows), num_contexts - 1)
    return fit_calibration(np.tile(scores, 2), np.concatenate([rows.context, everywhere]), num_contexts)


def _standard_of(clips: Sequence[Observations]) -> _Standard:
    count, linear, square = 0.0, np.zeros(len(USED_FEATURES)), np.zeros(len(USED_FEATURES))
    for clip in clips:
        features = clip.features[:, USED_FEATURES]
        count, linear, square = count + len(features), linear + features.sum(axis=0), square + (features**2).sum(axis=0)
    mean = linear / count
    return _Standard(mean, np.sqrt(np.maximum(square / count - mean**2, _LEAST_VARIANCE)))
