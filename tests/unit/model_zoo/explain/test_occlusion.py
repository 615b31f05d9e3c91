"""Occlusion maps of a model whose score can be worked out on paper."""

import numpy as np
import numpy.typing as npt
import pytest

from model_zoo.architecture import NUM_CONTEXT
from model_zoo.explain.occlusion import PATCH_PX, STRIDE_PX, occlusion_map
from model_zoo.onnx_model import OnnxModel
from model_zoo.perception.collector import Window
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, NUM_STEPS
from tests.fakes.onnx_models import Weights, drawn_model, score_by_hand

WEIGHTS = Weights(brightness=2.0, motion=0.5, offset=-1.0)


def window(newest: npt.NDArray[np.uint8]) -> Window:
    random = np.random.default_rng([1])
    crops = random.integers(0, 255, (NUM_STEPS, CROP_SIDE, CROP_SIDE)).astype(np.uint8)
    crops[-1] = newest
    motion = random.normal(size=(NUM_STEPS, NUM_MOTION)).astype(np.float32)
    return Window(1, crops, np.zeros((NUM_STEPS, 4), np.float32), motion)


def by_hand(seen: Window, newest: npt.NDArray[np.uint8]) -> float:
    crops = np.concatenate([seen.crops[:-1], newest[None]])[None]
    return float(score_by_hand(WEIGHTS, crops, seen.motion[None], np.zeros((1, NUM_CONTEXT), np.float32))[0])


def half_bright() -> npt.NDArray[np.uint8]:
    crop = np.full((CROP_SIDE, CROP_SIDE), 20, np.uint8)
    crop[:, CROP_SIDE // 2 :] = 220
    return crop


def test_the_score_is_that_of_the_whole_window() -> None:
    seen = window(half_bright())
    found = occlusion_map(OnnxModel(drawn_model(WEIGHTS), "drawn"), seen)
    assert found.score == pytest.approx(by_hand(seen, seen.crops[-1]), abs=1e-4)


def test_what_raises_the_score_is_hot_and_what_lowers_it_cold() -> None:
    found = occlusion_map(OnnxModel(drawn_model(WEIGHTS), "drawn"), window(half_bright()))
    assert found.heat.shape == (CROP_SIDE, CROP_SIDE)
    assert (found.heat[:, -PATCH_PX:] > 0.01).all()
    assert (found.heat[:, :PATCH_PX] < -0.01).all()


def test_a_corner_is_worth_what_covering_it_changes() -> None:
    seen = window(half_bright())
    covered = seen.crops[-1].copy()
    covered[:PATCH_PX, -PATCH_PX:] = 120  # the mean of the crop
    fall = by_hand(seen, seen.crops[-1]) - by_hand(seen, covered)
    found = occlusion_map(OnnxModel(drawn_model(WEIGHTS), "drawn"), seen)
    assert found.heat[:STRIDE_PX, -STRIDE_PX:] == pytest.approx(np.full((STRIDE_PX, STRIDE_PX), fall), abs=1e-4)


def test_an_even_crop_explains_nothing() -> None:
    even = np.full((CROP_SIDE, CROP_SIDE), 90, np.uint8)
    assert not occlusion_map(OnnxModel(drawn_model(WEIGHTS), "drawn"), window(even)).heat.any()
