"""Pose models of both kinds: where their keypoints are in the frame, what they see, and what is refused."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_zoo.errors import ModelFileError
from model_zoo.perception.pose import NUM_KEYPOINTS, Keypoints, PoseModel
from tests.fakes.pose_models import INPUT, figure, heatmaps, model_file, simcc

FRAME = np.zeros((240, 360, 3), np.uint8)
BOX = np.array([0.4, 0.25, 0.5, 0.75], np.float32)  # 36 x 120 px in the middle of (162, 120) px
SEEN = figure(0.4)[:, 2] > 0
CROP_PX = (1.25 * 120 * INPUT[1] / INPUT[0], 1.25 * 120)


@pytest.mark.parametrize("file", [simcc, heatmaps])
def test_keypoints_come_back_from_the_crop_to_the_frame(file: Callable[[Keypoints], bytes]) -> None:
    told = figure(0.4)
    found = PoseModel(file(told), "m").keypoints(FRAME, BOX)
    expected_px = [162.0, 120.0] + (told[:, :2] - 0.5) * CROP_PX
    np.testing.assert_allclose(found[SEEN, :2] * 240, expected_px[SEEN], atol=CROP_PX[1] / (INPUT[0] / 4) / 2 + 0.5)
    np.testing.assert_allclose(found[:, 2], told[:, 2])


def test_curves_are_read_to_half_a_step() -> None:
    told = figure(0.4)
    found = PoseModel(simcc(told, steps=4), "m").keypoints(FRAME, BOX)
    expected_px = [162.0, 120.0] + (told[:, :2] - 0.5) * CROP_PX
    np.testing.assert_allclose(found[SEEN, :2] * 240, expected_px[SEEN], atol=CROP_PX[1] / (INPUT[0] * 4))


def _seeing() -> bytes:
    """A model whose heatmaps are the picture's own red, minus its blue, every fourth pixel."""
    starts = {"red": 0, "blue": 2}
    nodes = [helper.make_node("Slice", ["input", f"{name}_from", f"{name}_to", "channels"], [name]) for name in starts]
    nodes += [
        helper.make_node("Sub", ["red", "blue"], ["tint"]),
        helper.make_node("AveragePool", ["tint"], ["coarse"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Tile", ["coarse", "copies"], ["maps"]),
    ]
    constants = {"channels": [1], "copies": [1, NUM_KEYPOINTS, 1, 1]}
    for name, start in starts.items():
        constants |= {f"{name}_from": [start], f"{name}_to": [start + 1]}
    graph = helper.make_graph(
        nodes,
        "seeing",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, *INPUT])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["batch", NUM_KEYPOINTS, 16, 12])],
        [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("place_px", [(150, 80), (170, 150)])
def test_model_sees_the_crop_in_red_green_and_blue(place_px: tuple[int, int]) -> None:
    frame, (x, y) = FRAME.copy(), place_px
    frame[y - 6 : y + 6, x - 6 : x + 6] = 0, 0, 255  # red, as cameras give it
    found = PoseModel(_seeing(), "m").keypoints(frame, BOX)
    np.testing.assert_allclose(found[:, :2] * 240, [place_px] * NUM_KEYPOINTS, atol=6.0)


def test_grey_frames_and_boxes_beyond_the_border_are_looked_at_too() -> None:
    model, wide = PoseModel(_seeing(), "m"), np.array([-0.2, 0.9, 0.3, 1.4], np.float32)
    assert np.isfinite(model.keypoints(FRAME[..., 0], wide)).all()
    assert np.isfinite(model.keypoints(FRAME, np.zeros(4, np.float32))).all()


def _zeros(*shape: int) -> npt.NDArray[np.float32]:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"just some words", "m: not an ONNX model, or damaged"),
        (model_file([_zeros(1, 17, 16, 12)], (1, 3, 64, "w")), "expected a pose model with one input (1, 3, H, W)"),
        (model_file([_zeros(1, 17, 16, 12)], (1, 64, 48, 3)), "got [[1, 64, 48, 3]]"),
        (model_file([_zeros(1, 133, 16, 12)]), "got outputs [(1, 133, 16, 12)] for an input of 48x64"),
        (model_file([_zeros(1, 17, 3)]), "got outputs [(1, 17, 3)]"),
        (
            model_file([_zeros(1, 17, 96), _zeros(1, 17, 100)]),
            "expected keypoints as SimCC (1, 17, s W) and (1, 17, s H)",
        ),
        (model_file([_zeros(1, 17, 128), _zeros(1, 17, 96)]), "got outputs [(1, 17, 128), (1, 17, 96)]"),
    ],
    ids=["text", "open size", "channels last", "whole body", "points", "other steps", "axes swapped"],
)
def test_what_is_no_pose_model_known_here_is_refused_with_what_was_expected_and_got(file: bytes, words: str) -> None:
    with pytest.raises(ModelFileError) as refused:
        PoseModel(file, "m")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
