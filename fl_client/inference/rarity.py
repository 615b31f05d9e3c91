"""How rare it is to see anything at all in a context, said only as far as what was watched shows it.

Letters in shapes: K contexts.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import gamma

from model_zoo.normality.intensity import NormalitySums, fit_intensity

TUBELETS_OF_AN_OBJECT = 8.0
"""Tubelets that one passing object leaves, about: they say the same, so they count as one."""

CONFIDENCE = 0.95
"""With which a context is quieter than another before it counts as quieter."""

_LEAST_S = 1e-9
_LEAST_OBJECTS = 1e-9


def context_rarity(sums: NormalitySums, ancestors: Sequence[NormalitySums] = ()) -> npt.NDArray[np.float64]:
    """How rare it is to see any object in a context.

    Kept apart from what objects are like: a rate of one in an hour says more about an intruder than any feature, and
    would drown in the spread of the features if both were one score. A context watched for a short time is as busy as
    its parent until its own footage shows it to be quieter.

    Args:
        sums: What the camera has seen in each context.
        ancestors: What was seen in similar contexts elsewhere, as of ``fit_intensity``.

    Returns:
        -log10 of the share of the camera's objects that appear in contexts as quiet or quieter. ``(K,)``, at least 0.
    """
    objects = sums.count / TUBELETS_OF_AN_OBJECT
    exposure_s = np.maximum(sums.exposure_s, _LEAST_S)
    rate, parent_rate = (
        np.exp(fit_intensity(seen, ancestors).log_rate) / TUBELETS_OF_AN_OBJECT
        for seen in (sums, NormalitySums.zeros(*sums.shape))
    )
    most = gamma.ppf(CONFIDENCE, objects + 1.0) / exposure_s  # (K,) objects a second
    least = gamma.ppf(1.0 - CONFIDENCE, np.maximum(objects, _LEAST_OBJECTS)) / exposure_s
    may_be = np.maximum(rate, np.minimum(most, parent_rate))
    quieter = (np.minimum(rate, least)[None, :] <= may_be[:, None] * (1.0 + 1e-9)) @ objects  # (K,)
    return np.asarray(-np.log10((quieter + 0.5) / (objects.sum() + 0.5)))
