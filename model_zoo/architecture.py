"""Sizes that every model of this schema has; a unit test holds them to the vocabularies of ``context``.

Torch-free, so that a box without training can read them.
"""

from typing import Literal, cast, get_args

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

NumSteps = Literal[8, 12, 16]
"""How many of a tubelet's last steps a network looks at."""
USUAL_NUM_STEPS: NumSteps = 12
"""Of the network that ships, and of every network that does not say."""
STEPS_READ = slice(1, None, 2)
"""Of those steps the LSTM reads every other one, the last included: five a second show a gait, at half cost."""

NUM_FLEET_CONTEXTS = NUM_ZONE_KINDS * NUM_STATES
"""Contexts of the fleet's normality: zone kind * ``NUM_STATES`` + state."""


def checked_num_steps(value: object) -> NumSteps:
    """A number of steps that came from elsewhere.

    Raises:
        ValueError: No network looks at so many.
    """
    known = get_args(NumSteps)
    if type(value) is not int or value not in known:
        raise ValueError(f"expected {known[0]}, {known[1]} or {known[2]} steps of a tubelet, got {value!r}")
    return cast("NumSteps", value)


def empty_fleet_normality() -> npt.NDArray[np.float64]:
    """The fleet's normality sums before any round, as one flat vector."""
    return NormalitySums.zeros(NUM_FLEET_CONTEXTS, NUM_FEATURES).vector
