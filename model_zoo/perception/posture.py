"""Whether somebody is upright or down: how far the trunk is tilted, and whether the legs say so too.

The trunk alone would take bending for lying, and sitting on the ground for standing. Where the legs are seen and say
the contrary, nothing is known.
"""

import enum
import math

import numpy as np
import numpy.typing as npt

from model_zoo.perception.pose import Keypoints

UPRIGHT_RAD, DOWN_RAD = math.radians(35.0), math.radians(55.0)
"""Up to the one tilt from the vertical a trunk or leg is upright, from the other on it is down; between is unknown."""

LEAST_CONFIDENCE = 0.3

_SHOULDERS, _HIPS, _KNEES, _ANKLES = (5, 6), (11, 12), (13, 14), (15, 16)  # of COCO
_LEAST_LENGTH = 1e-4


class Stance(enum.StrEnum):
    """How a body is held."""

    UPRIGHT = "upright"
    DOWN = "down"


def stance_of(keypoints: Keypoints) -> Stance | None:
    """How a body is held; ``None`` where trunk and legs do not agree, or shoulders or hips are not surely seen.

    Args:
        keypoints: ``(17, 3)``, x and y in one unit.
    """
    shoulders, hips = _middle(keypoints, _SHOULDERS), _middle(keypoints, _HIPS)
    feet = _middle(keypoints, _ANKLES)
    feet = _middle(keypoints, _KNEES) if feet is None else feet
    trunk = _held(hips, shoulders)
    legs = _held(feet, hips)
    return trunk if legs in {None, trunk} else None


def _middle(keypoints: Keypoints, pair: tuple[int, int]) -> npt.NDArray[np.float32] | None:
    """The mean place of those of a pair that are surely seen; ``None`` where neither is. ``(2,)``."""
    rows = keypoints[list(pair)]
    seen = rows[rows[:, 2] >= LEAST_CONFIDENCE]
    return np.asarray(seen[:, :2].mean(axis=0)) if len(seen) else None


def _held(low: npt.NDArray[np.float32] | None, high: npt.NDArray[np.float32] | None) -> Stance | None:
    """How the part of a body between two places is held."""
    if low is None or high is None:
        return None
    x, y = (float(value) for value in high - low)
    if not math.hypot(x, y) > _LEAST_LENGTH:
        return None
    tilt = math.atan2(abs(x), -y)
    return Stance.UPRIGHT if tilt <= UPRIGHT_RAD else Stance.DOWN if tilt >= DOWN_RAD else None
