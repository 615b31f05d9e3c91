"""Accepted exceptions: objects an operator called false alarms, whose look-alikes are normal from then on.

They bound the statistics' surprise alone: bounding the network's, too, hid people who merely moved like a machine.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from model_zoo.normality.features import NUM_FEATURES, Features

Contexts = npt.NDArray[np.int64]  # (N,) kind of zone * number of states + state
Surprises = npt.NDArray[np.float64]  # (N,)

WIDTH = 0.5
"""How far, in features, an accepted object's look-alikes reach."""

ACCEPTED_SURPRISE = 0.3
"""Of an exact look-alike: half of all normal objects are more surprising."""


@dataclasses.dataclass(frozen=True)
class Exemplars:
    """Accepted objects: what they were like, and where and when: an exception holds in zones of one kind, in one state.

    Letters in shapes: E exemplars, N objects, F features.
    """

    features: Features  # (E, F)
    context: Contexts  # (E,)

    def most_surprise(self, features: Features, context: Contexts) -> Surprises:
        """How surprising objects can still be.

        Args:
            features: ``(N, F)``.
            context: ``(N,)``.

        Returns:
            Little near an exemplar, more with the squared distance from it; infinite without one. ``(N,)``.
        """
        difference = (features[:, None] - self.features[None]) / WIDTH  # (N, E, F)
        distance = (difference**2).sum(axis=2)
        distance[context[:, None] != self.context[None]] = np.inf
        nearest = distance.min(axis=1, initial=np.inf)  # (N,)
        return np.asarray(ACCEPTED_SURPRISE + 0.5 * nearest / math.log(10.0))


NO_EXEMPLARS = Exemplars(np.zeros((0, NUM_FEATURES)), np.zeros(0, dtype=np.int64))
