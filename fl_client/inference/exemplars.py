"""Accepted exceptions: objects an operator called false alarms, whose look-alikes are normal from then on.

A look-alike moves alike and looks alike. Motion alone is not enough: an intruder of the pace and size of an accepted
sweeping machine would go unnoticed.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from model_zoo.normality.features import NUM_FEATURES, Features, object_features
from model_zoo.perception.outline import OUTLINE_SIZE, Outlines, outlines
from model_zoo.perception.tubelet import MOTION_FEATURES, Tubelets

Contexts = npt.NDArray[np.int64]  # (N,) kind of zone * number of states + state
Surprises = npt.NDArray[np.float64]  # (N,)

MOTION_WIDTH = 1.0
"""How far, in features, an accepted object's look-alikes reach."""

OUTLINE_WIDTH = 0.04
"""How far in outlines, as 1 minus their likeness; a machine seen again by night is mostly nearer, a person further."""

ACCEPTED_SURPRISE = 0.3
"""Of an exact look-alike: half of all normal objects are more surprising."""

_REVERSED = np.array([-1.0 if name.startswith("velocity") else 1.0 for name in MOTION_FEATURES])


@dataclasses.dataclass(frozen=True)
class Exemplars:
    """Accepted objects: how they moved, what they looked like, and in which zones and state of the site.

    Letters in shapes: E exemplars, N objects, F features, A numbers of an outline, S crop side.
    """

    features: Features  # (E, F)
    outlines: Outlines  # (E, A)
    context: Contexts  # (E,)

    @classmethod
    def of(cls, accepted: Tubelets, context: Contexts) -> "Exemplars":
        """Exemplars from tubelets and the context of each: as they were, and as if on their way back."""
        features, newest = object_features(accepted.motion), accepted.crops[:, -1]
        return cls(
            np.concatenate([features, features * _REVERSED]),
            np.concatenate([outlines(newest), outlines(newest[:, :, ::-1])]),
            np.tile(context, 2),
        )

    def most_surprise(self, features: Features, crops: npt.NDArray[np.uint8], context: Contexts) -> Surprises:
        """How surprising objects can still be.

        Args:
            features: ``(N, F)``.
            crops: The newest crop of each. ``(N, S, S)``.
            context: ``(N,)``.

        Returns:
            Little near an exemplar, more with the squared distance from it; infinite without one. ``(N,)``.
        """
        most = np.full(len(features), np.inf)
        rows = np.flatnonzero(np.isin(context, self.context))
        if len(rows):
            motion = (features[rows, None] - self.features[None]) / MOTION_WIDTH  # (R, E, F)
            unlike = (1.0 - outlines(crops[rows]) @ self.outlines.T) / OUTLINE_WIDTH  # (R, E)
            distance = (motion**2).sum(axis=2) + unlike.astype(np.float64) ** 2
            distance[context[rows, None] != self.context[None]] = np.inf
            most[rows] = ACCEPTED_SURPRISE + 0.5 * distance.min(axis=1) / math.log(10.0)
        return most


NO_EXEMPLARS = Exemplars(
    np.zeros((0, NUM_FEATURES)), np.zeros((0, OUTLINE_SIZE), np.float32), np.zeros(0, dtype=np.int64)
)
