"""What of an object's motion the normality statistics look at."""

import numpy as np
import numpy.typing as npt

from model_zoo.perception.tubelet import MOTION_FEATURES

Features = npt.NDArray[np.float64]  # (N, F)

NUM_FEATURES = len(MOTION_FEATURES)
AVERAGED_STEPS = 8

_SMALLEST_SIZE = 0.05


def object_features(motion: npt.NDArray[np.float32]) -> Features:
    """Features of objects from the motion of their last steps: causal means, sizes by their logarithm.

    Velocity and speed are averaged before they are compared with anything: a single step of flow is mostly noise.
    All features are of the order of one, so that a unit Gaussian is a sensible guess before any data.

    Args:
        motion: Steps of each object, oldest first, columns as ``MOTION_FEATURES``. ``(N, T, M)``, T at least 1.

    Returns:
        Columns as ``MOTION_FEATURES``. ``(N, F)``.
    """
    mean = motion[:, -AVERAGED_STEPS:].astype(np.float64).mean(axis=1)  # (N, M)
    velocity, size, dwell = mean[:, :3], mean[:, 3:5], motion[:, -1:, 5].astype(np.float64)
    return np.concatenate([velocity, np.log(np.maximum(size, _SMALLEST_SIZE)), dwell], axis=1)
