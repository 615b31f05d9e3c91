"""What of an object's motion the normality statistics look at."""

import numpy as np
import numpy.typing as npt

from model_zoo.perception.tubelet import MOTION_FEATURES

Features = npt.NDArray[np.float64]  # (N, F)

NUM_FEATURES = len(MOTION_FEATURES)
AVERAGED_STEPS = 8


def object_features(motion: npt.NDArray[np.float32]) -> Features:
    """Features of objects from the motion of their last steps: causal means, and the dwell at the last.

    Velocity and speed are averaged before they are compared with anything: a single step of flow is mostly noise.
    All features are of the order of one, so that a unit Gaussian is a sensible guess before any data.

    Args:
        motion: Steps of each object, oldest first, columns as ``MOTION_FEATURES``. ``(N, T, M)``, T at least 1.

    Returns:
        Columns as ``MOTION_FEATURES``. ``(N, F)``.
    """
    mean = motion[:, -AVERAGED_STEPS:, :-1].astype(np.float64).mean(axis=1)  # (N, M - 1)
    return np.concatenate([mean, motion[:, -1, -1:].astype(np.float64)], axis=1)
