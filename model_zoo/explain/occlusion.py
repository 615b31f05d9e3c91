"""What in an object's picture drives the network's score: parts are covered, and the score is asked again.

It needs nothing but the model file, so that it explains what a site runs, quantized as it is.

Letters in shapes: S crop side, P places of the patch, T steps that the network looks at.

Source:
    Zeiler and Fergus, 2014. https://arxiv.org/abs/1311.2901
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from model_zoo.architecture import NUM_CONTEXT
from model_zoo.onnx_model import Floats, Judged, OnnxModel
from model_zoo.perception.collector import Window
from model_zoo.perception.tubelet import CROP_SIDE, Crop

PATCH_PX = 12
STRIDE_PX = 4

Heat = npt.NDArray[np.float64]  # (S, S)


@dataclasses.dataclass(frozen=True)
class Occlusion:
    """The network's score of a window, and how it changes.

    Attributes:
        score: With nothing covered; unbounded, higher is more unusual.
        heat: How much the score falls, in the mean over the patches that cover a pixel of the newest crop: above 0 what
            is there makes the object unusual, below 0 usual. ``(S, S)``.
    """

    score: float
    heat: Heat


def occlusion_map(model: OnnxModel, window: Window) -> Occlusion:
    """Slides a patch of the crop's mean grey over the newest crop of a window.

    The steps before stay as they were, and so does the motion. The network is conditioned on nothing in particular.

    Args:
        model: The network.
        window: The last steps of one object.
    """
    newest = window.crops[-1]
    corners = [(row, column) for row in _starts() for column in _starts()]
    covered = np.stack([newest, *(_covered(newest, row, column) for row, column in corners)])  # (1 + P, S, S)
    score, *others = _scores(model, window, covered).tolist()
    total, times = np.zeros(newest.shape), np.zeros(newest.shape)
    for (row, column), other in zip(corners, others, strict=True):
        patch = np.s_[row : row + PATCH_PX, column : column + PATCH_PX]
        total[patch] += score - other
        times[patch] += 1
    return Occlusion(score, total / times)


def _starts() -> range:
    return range(0, CROP_SIDE - PATCH_PX + 1, STRIDE_PX)


def _covered(crop: Crop, row: int, column: int) -> Crop:
    covered = crop.copy()
    covered[row : row + PATCH_PX, column : column + PATCH_PX] = round(float(crop.mean()))
    return covered


def _scores(model: OnnxModel, window: Window, newest: npt.NDArray[np.uint8]) -> Floats:
    """The score with each of ``(N, S, S)`` as the newest crop. ``(N,)``."""
    before = window.crops[-model.metadata.num_steps : -1]  # (T - 1, S, S)
    no_codes = np.zeros((len(before), len(before), model.metadata.code_size), np.float32)
    codes = _step(model, before, no_codes, window).code  # (T - 1, D): a code depends on its crop alone
    return _step(model, newest, np.repeat(codes[None], len(newest), axis=0), window).score


def _step(model: OnnxModel, crops: npt.NDArray[np.uint8], codes: Floats, window: Window) -> Judged:
    nowhere = np.zeros(len(crops), np.int64)
    condition = (np.zeros((len(crops), NUM_CONTEXT), np.float32), nowhere, nowhere)
    motion = window.motion[-model.metadata.num_steps :]  # (T, M)
    return model.step(crops, codes, np.repeat(motion[None], len(crops), axis=0), condition)
