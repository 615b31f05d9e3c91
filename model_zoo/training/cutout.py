"""Objects cut out of their crops: what a camera's empty scene shows behind an object tells which pixels are its own.

A cut-out can be put back turned, stretched or onto another piece of the scene, so that what the crop shows around an
object no longer tells whether something was done to it.

Letters in shapes: R steps, S crop side.
"""

import dataclasses
from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.architecture import STEPS_READ
from model_zoo.perception.background import Picture
from model_zoo.perception.perceiver import crop_around
from model_zoo.perception.tubelet import CROP_SIDE, Tubelets

Crops = npt.NDArray[np.uint8]  # (R, S, S)
Mask = npt.NDArray[np.uint8]  # (S, S) 255 on the object, 0 off it, between at its border
Affine = npt.NDArray[np.float64]  # (2, 3) from pixels of the cut-out to pixels of the crop it is put into

MOST_KEPT = 256
"""Cut-outs of a camera: 12 MB."""

_COARSE_SIDE = CROP_SIDE // 2
_CONTRAST = 0.13
_LEAST_DIFFERENCE = 10
_GAIN_BOUNDS = (0.5, 2.0)
_DARKEST = 8
_REACH = 9.0  # coarse pixels from the middle at which a piece counts as much as one of 60 % of its size there
_CLOSING = np.ones((3, 3), np.uint8)
_CENTRE = (CROP_SIDE - 1) / 2


@dataclasses.dataclass(frozen=True)
class Cutout:
    """One object over the steps of a tubelet, and the empty scene behind it in the light of the crops."""

    crops: Crops
    behind: Crops
    masks: npt.NDArray[np.uint8]  # (R, S, S) as Mask


class CutoutCache:
    """Cuts tubelets of one camera out of their crops, and keeps the last ones.

    Args:
        tubelets: The camera's.
        backgrounds: The empty scene by operational state; tubelets of other states cannot be cut out.
    """

    def __init__(self, tubelets: Tubelets, backgrounds: Mapping[int, Picture]) -> None:
        self._tubelets, self._backgrounds = tubelets, backgrounds
        self._kept: dict[int, Cutout] = {}

    def pair(self, row: int, rng: np.random.Generator) -> tuple[Cutout, Cutout] | None:
        """The object of the tubelet at ``row``, at ``STEPS_READ``, and one of those kept, at times the same.

        Returns:
            ``None`` where no empty scene is known.
        """
        background = self._backgrounds.get(int(self._tubelets.state[row]))
        if background is None:
            return None
        if row not in self._kept:
            crops, boxes = self._tubelets.crops[row, STEPS_READ], self._tubelets.boxes[row, STEPS_READ]
            self._kept[row] = cut_out(crops, boxes, background)
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        kept = list(self._kept.values())
        return self._kept[row], kept[rng.integers(len(kept))]


def cut_out(crops: Crops, boxes: npt.NDArray[np.float32], background: Picture) -> Cutout:
    """Finds the object in each crop: the largest piece near the middle that differs from the empty scene.

    Args:
        crops: ``(R, S, S)``.
        boxes: Where they were cut. ``(R, 4)`` xyxy, fractions.
        background: The empty scene.
    """
    behind = [
        _in_light_of(crop, crop_around(background, box.astype(np.float64)))
        for crop, box in zip(crops, boxes, strict=True)
    ]
    masks = [_mask(crop, empty) for crop, empty in zip(crops, behind, strict=True)]
    return Cutout(crops, np.stack(behind), np.stack(masks))


def put_back(cutout: Cutout, behind: Crops, affine: Affine) -> Crops:
    """The object moved by ``affine`` about its own middle, in front of ``behind``. ``(R, S, S)``."""
    return np.stack(
        [
            blend(crop, mask, empty, about_middle(mask, affine))
            for crop, mask, empty in zip(cutout.crops, cutout.masks, behind, strict=True)
        ]
    )


def blend(picture: Picture, mask: Mask, behind: Picture, affine: Affine) -> Picture:
    """``picture`` moved by ``affine``, shown in front of ``behind`` where the moved ``mask`` says. ``(S, S)``."""
    size = (CROP_SIDE, CROP_SIDE)
    moved = cv2.warpAffine(picture, affine, size, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    share = cv2.warpAffine(mask, affine, size).astype(np.float32) / 255
    return np.asarray(np.rint(behind + share * (moved - behind)), np.uint8)


def about_middle(mask: Mask, affine: Affine) -> Affine:
    """The affine map that leaves the middle of the masked pixels where it is but for the shift of ``affine``."""
    moments = cv2.moments(mask)
    area = moments["m00"]
    middle = np.array([moments["m10"] / area, moments["m01"] / area]) if area else np.full(2, _CENTRE)
    shift = affine[:, 2] + middle - affine[:, :2] @ middle
    return np.column_stack([affine[:, :2], shift])


def _in_light_of(crop: Picture, empty: Picture) -> Picture:
    """The empty scene as bright as the crop's border, most of which is scene."""
    border = [np.concatenate([one[0], one[-1], one[:, 0], one[:, -1]])[::2].astype(np.float32) for one in (crop, empty)]
    gain = float(np.median(border[0] / np.maximum(border[1], _DARKEST)))
    return np.asarray(cv2.convertScaleAbs(empty, alpha=float(np.clip(gain, *_GAIN_BOUNDS))), np.uint8)


def _mask(crop: Picture, empty: Picture) -> Mask:
    size = (_COARSE_SIDE, _COARSE_SIDE)
    seen, scene = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (crop, empty))
    least = np.maximum(cv2.convertScaleAbs(scene, alpha=_CONTRAST), _LEAST_DIFFERENCE)
    different = cv2.morphologyEx((cv2.absdiff(seen, scene) > least).astype(np.uint8), cv2.MORPH_CLOSE, _CLOSING)
    count, pieces, facts, middles = cv2.connectedComponentsWithStats(different)
    if count == 1:
        return np.zeros((CROP_SIDE, CROP_SIDE), np.uint8)
    away = ((middles[1:] - (_COARSE_SIDE - 1) / 2) ** 2).sum(axis=1)  # (pieces,)
    best = 1 + int(np.argmax(facts[1:, cv2.CC_STAT_AREA] * np.exp(-away / (2 * _REACH**2))))
    coarse = np.where(pieces == best, np.uint8(255), np.uint8(0))
    return np.asarray(cv2.resize(coarse, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)
