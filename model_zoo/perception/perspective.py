"""How tall a standing person is at each height of the picture.

On a flat floor the height of a person grows linearly with the foot's height in the picture. The line is fitted to
upright blobs. Many of those are two people merged or half a person, so a least-squares line is far off; the line
here is the mode: the one with the most blobs near it.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]  # (N, 4) xyxy, fractions of the picture
Heights = npt.NDArray[np.float64]  # (N,) fractions of the picture's height

MIN_HEIGHT_FRACTION = 0.03

_UPRIGHT_BOUNDS = (1.5, 4.0)
_TOP_FOOT, _BOTTOM_FOOT = 0.2, 1.0
_WIDTH = 0.12
_CANDIDATES = np.geomspace(0.03, 1.2, 75)
_PRIOR_WEIGHT = 1.0
_NUM_FOOT_BINS = 10
_CROWDING = 0.75
_SAME_BOX_DECIMALS = 2


@dataclasses.dataclass(frozen=True)
class Perspective:
    """Expected height of a person as a fraction of the picture: ``slope * foot_y + intercept``."""

    slope: float = 0.3
    intercept: float = 0.1

    def expected_height(self, foot_y: npt.NDArray[np.floating]) -> Heights:
        """Expected height where feet stand at ``foot_y`` (fractions from the top), at least 0.03. ``(N,)``."""
        return np.maximum(self.slope * np.asarray(foot_y, np.float64) + self.intercept, MIN_HEIGHT_FRACTION)


DEFAULT_PERSPECTIVE = Perspective()


def upright(boxes: Boxes, aspect_px: float) -> npt.NDArray[np.bool_]:
    """Which boxes have the shape of one standing person and lie wholly inside the picture.

    Args:
        boxes: ``(N, 4)``.
        aspect_px: Width of the picture over its height, in pixels.
    """
    width, height = (boxes[:, 2] - boxes[:, 0]) * aspect_px, boxes[:, 3] - boxes[:, 1]
    ratio = height / np.maximum(width, 1e-6)
    inside = (boxes[:, :2] > 0.01).all(axis=1) & (boxes[:, 2:] < 0.99).all(axis=1)
    return np.asarray(inside & (ratio > _UPRIGHT_BOUNDS[0]) & (ratio < _UPRIGHT_BOUNDS[1]))


def fit_perspective(boxes: Boxes) -> Perspective:
    """The line with the most blobs near it, drawn to the default where blobs are few.

    Every part of the picture counts nearly alike, however many people pass there, and a box that comes again and
    again at the same place counts once: it is furniture that moved, not a person.

    Args:
        boxes: Upright boxes of single objects. ``(N, 4)``; none is allowed.
    """
    boxes = boxes[np.unique(np.round(boxes, _SAME_BOX_DECIMALS), axis=0, return_index=True)[1]]
    foot, height = boxes[:, 3].astype(np.float64), (boxes[:, 3] - boxes[:, 1]).astype(np.float64)
    weight = _foot_weights(foot)
    top, bottom = (grid.ravel() for grid in np.meshgrid(_CANDIDATES, _CANDIDATES))
    plausible = (bottom >= top) & (bottom <= 12 * top)
    top, bottom = top[plausible], bottom[plausible]  # (L,)
    prior = DEFAULT_PERSPECTIVE.expected_height(np.array([_TOP_FOOT, _BOTTOM_FOOT]))
    votes = -_PRIOR_WEIGHT * (np.log(top / prior[0]) ** 2 + np.log(bottom / prior[1]) ** 2)
    share = (foot - _TOP_FOOT) / (_BOTTOM_FOOT - _TOP_FOOT)
    for one_share, one_height, one_weight in zip(share, height, weight, strict=True):
        line = np.maximum(top + one_share * (bottom - top), 1e-3)
        votes += one_weight * np.exp(-0.5 * (np.log(one_height / line) / _WIDTH) ** 2)
    best = int(np.argmax(votes))
    slope = float((bottom[best] - top[best]) / (_BOTTOM_FOOT - _TOP_FOOT))
    return Perspective(slope, float(top[best] - slope * _TOP_FOOT))


def _foot_weights(foot: Heights) -> Heights:
    bins = np.clip((foot * _NUM_FOOT_BINS).astype(int), 0, _NUM_FOOT_BINS - 1)
    count = np.bincount(bins, minlength=_NUM_FOOT_BINS)[bins]
    return np.asarray(count**-_CROWDING, np.float64)
