"""Sizes that every model of this schema has; a unit test holds them to the vocabularies of ``context``.

Torch-free, so that a box without training can read them.
"""

import numpy as np
import numpy.typing as npt

from model_zoo.normality.features import NUM_FEATURES
from model_zoo.normality.intensity import NormalitySums

NUM_CONTEXT = 10
"""Values of a context vector."""
NUM_ZONE_KINDS = 10
NUM_STATES = 5
NUM_CAMERAS = 64
"""Camera embeddings of the fleet; 0 is a camera never trained on."""

STEPS_READ = slice(1, None, 2)
"""Of a tubelet's steps the LSTM reads every other one, the last included: five a second show a gait, at half cost."""

NUM_FLEET_CONTEXTS = NUM_ZONE_KINDS * NUM_STATES
"""Contexts of the fleet's normality: zone kind * ``NUM_STATES`` + state."""


def empty_fleet_normality() -> npt.NDArray[np.float64]:
    """The fleet's normality sums before any round, as one flat vector."""
    return NormalitySums.zeros(NUM_FLEET_CONTEXTS, NUM_FEATURES).vector
