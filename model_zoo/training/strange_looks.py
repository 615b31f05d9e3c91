"""Pseudo-anomalies of look: an object that moves as others do here but does not look like them.

The object is cut out of its crops, changed, and put back in front of the empty scene: lying, upside down, stretched,
made of parts of two, or replaced by a shape of no meaning. Half of them stand still, as what has fallen or was left
does. Normal tubelets are at times put back unchanged, so that being put back tells nothing.

Letters in shapes: R steps, S crop side, M motion features (see ``tubelet.MOTION_FEATURES``).
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Picture
from model_zoo.perception.tubelet import CROP_SIDE, MOTION_FEATURES
from model_zoo.training.cutout import Affine, Crops, Cutout, Mask, blend, put_back

Motion = npt.NDArray[np.float32]  # (R, M)
Example = tuple[Crops, Motion]

MOVED_SHARE = 0.4
"""Cut-outs put back in front of another piece of the same scene."""
STILL_SHARE = 0.5

_HEIGHT, _WIDTH, _DWELL = (MOTION_FEATURES.index(name) for name in ("height", "width", "dwell"))
_SPEEDS = slice(0, 4)
_MOST_STAY_S = 8.0
_STRETCHES = ((1.7, 0.6), (1.9, 0.9), (0.5, 1.0), (1.3, 0.5))
_NOISE = 3
_CIRCLE = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)


def put_back_unchanged(cutout: Cutout, donor: Cutout, rng: np.random.Generator) -> Crops:
    """The object as it was, but for what means nothing: slightly turned and sized, at times mirrored. ``(R, S, S)``."""
    wide, tall = rng.uniform(0.92, 1.08, 2) * (rng.choice([-1.0, 1.0]), 1.0)
    return put_back(cutout, _behind(cutout, donor, rng), _affine(rng.normal(0.0, 0.06), wide, tall))


def lying(cutout: Cutout, donor: Cutout, behind: Crops, motion: Motion, rng: np.random.Generator) -> Example:
    """The object on its side."""
    del donor
    angle = rng.choice([-1.0, 1.0]) * rng.uniform(0.9, 2.2)
    fallen = motion.copy()
    fallen[:, _HEIGHT] = motion[:, _WIDTH] * rng.uniform(0.9, 1.3)
    fallen[:, _WIDTH] = motion[:, _HEIGHT] * rng.uniform(0.6, 1.0)
    return put_back(cutout, behind, _affine(angle, rng.choice([-1.0, 1.0]))), fallen


def upside_down(cutout: Cutout, donor: Cutout, behind: Crops, motion: Motion, rng: np.random.Generator) -> Example:
    """The object on its head."""
    del donor
    return put_back(cutout, behind, _affine(np.pi + rng.normal(0.0, 0.3), rng.choice([-1.0, 1.0]))), motion


def stretched(cutout: Cutout, donor: Cutout, behind: Crops, motion: Motion, rng: np.random.Generator) -> Example:
    """The object much wider, flatter or thinner; at times its measured size does not show it."""
    del donor
    wide, tall = rng.uniform(0.85, 1.15, 2) * _STRETCHES[rng.integers(len(_STRETCHES))]
    sized = motion.copy()
    if rng.random() < 0.5:
        sized[:, _HEIGHT] *= tall
        sized[:, _WIDTH] *= wide
    return put_back(cutout, behind, _affine(0.0, wide, tall)), sized


def grafted(cutout: Cutout, donor: Cutout, behind: Crops, motion: Motion, rng: np.random.Generator) -> Example:
    """The upper part of one object on the lower part of another, at times on its head."""
    seam, side = rng.integers(CROP_SIDE // 3, 2 * CROP_SIDE // 3), rng.choice([-1, 1])

    def joined(upper: Crops, lower: Crops) -> Crops:
        return np.concatenate([upper[:, :seam], lower[:, seam:, ::side]], axis=1)

    both = Cutout(joined(cutout.crops, donor.crops), cutout.behind, joined(cutout.masks, donor.masks))
    return put_back(both, behind, _affine(rng.choice([0.0, np.pi]) + rng.normal(0.0, 0.1))), motion


def unknown_shape(cutout: Cutout, donor: Cutout, behind: Crops, motion: Motion, rng: np.random.Generator) -> Example:
    """A smooth or angular shape of about the object's extent, of one shade, striped, patchy or shaded."""
    del donor
    across, down = (cutout.masks[-1].any(axis=axis).sum() for axis in (0, 1))
    extent = np.clip([across * rng.uniform(0.8, 1.4), down * rng.uniform(0.5, 1.1)], 8, CROP_SIDE - 4)
    shape, shade = _shape(extent, rng), _shade(rng)
    sway = [_affine(0.0, shift=rng.normal(0.0, 0.3, 2).tolist()) for _ in behind]
    return np.stack([blend(shade, shape, empty, move) for empty, move in zip(behind, sway, strict=True)]), motion


KINDS: dict[str, Callable[[Cutout, Cutout, Crops, Motion, np.random.Generator], Example]] = {
    "lying": lying,
    "upside_down": upside_down,
    "stretched": stretched,
    "grafted": grafted,
    "unknown_shape": unknown_shape,
}
_KIND_FNS = tuple(KINDS.values())


def strange(cutout: Cutout, donor: Cutout, motion: Motion, rng: np.random.Generator) -> Example:
    """One object changed in one way drawn at random, half the time standing still.

    Args:
        cutout: The object.
        donor: Another of the same camera: it gives parts and, at times, the scene to be put in front of.
        motion: Of the object. ``(R, M)``.
        rng: Source of every random choice.
    """
    kind_fn = _KIND_FNS[rng.integers(len(_KIND_FNS))]
    crops, changed = kind_fn(cutout, donor, _behind(cutout, donor, rng), motion, rng)
    return _at_rest(crops, changed, rng) if rng.random() < STILL_SHARE else (crops, changed)


def _behind(cutout: Cutout, donor: Cutout, rng: np.random.Generator) -> Crops:
    return donor.behind if rng.random() < MOVED_SHARE else cutout.behind


def _at_rest(crops: Crops, motion: Motion, rng: np.random.Generator) -> Example:
    """The first picture over and over but for a camera's noise, and motion to fit."""
    noise = rng.integers(-_NOISE, _NOISE + 1, crops.shape, dtype=np.int16)
    still = motion.copy()
    still[:, _SPEEDS] *= rng.uniform(0.0, 0.1)
    still[:, _DWELL] = np.log1p(rng.uniform(0.0, _MOST_STAY_S))
    return np.asarray(np.clip(crops[:1] + noise, 0, 255), np.uint8), still


def _affine(angle: float, wide: float = 1.0, tall: float = 1.0, shift: Sequence[float] = (0.0, 0.0)) -> Affine:
    """Sizes by ``wide`` and ``tall``, then turns by ``angle`` (radians), then shifts (pixels)."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn * [wide, tall], shift])


def _shape(extent: npt.NDArray[np.float64], rng: np.random.Generator) -> Mask:
    """A filled outline about ``extent`` wide and tall: a circle with lobes, or a polygon. ``(S, S)``."""
    if rng.random() < 0.5:
        angles, radius = _CIRCLE, 1 + rng.uniform(0, 0.35) * np.cos(rng.integers(1, 5) * _CIRCLE + rng.uniform(0, 6))
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
        radius = rng.uniform(0.7, 1.2, len(angles))
    outline = np.column_stack([np.cos(angles), np.sin(angles)]) * radius[:, None] * extent / 2 + (CROP_SIDE - 1) / 2
    return np.asarray(
        cv2.fillPoly(np.zeros((CROP_SIDE, CROP_SIDE), np.uint8), [np.rint(outline).astype(np.int32)], 255), np.uint8
    )


def _shade(rng: np.random.Generator) -> Picture:
    """Grey of one level, striped, patchy or shaded. ``(S, S)``."""
    rows, columns = np.mgrid[:CROP_SIDE, :CROP_SIDE].astype(np.float32)
    grey = np.full((CROP_SIDE, CROP_SIDE), rng.uniform(30, 225), np.float32)
    surface = rng.integers(4)
    if surface == 1:
        angle = rng.uniform(0, np.pi)
        waves = (columns * np.cos(angle) + rows * np.sin(angle)) / rng.uniform(6, 24) + rng.random()
        grey += rng.uniform(20, 70) * np.sign(np.sin(2 * np.pi * waves))
    elif surface == 2:
        patches = rng.normal(0, rng.uniform(15, 50), (rng.integers(3, 9),) * 2).astype(np.float32)
        method = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_NEAREST
        grey += cv2.resize(patches, (CROP_SIDE, CROP_SIDE), interpolation=method)
    elif surface == 3:
        grey += (rng.uniform(-50, 50) * rows + rng.uniform(-50, 50) * columns) / CROP_SIDE
    return np.asarray(np.clip(grey, 0, 255), np.uint8)
