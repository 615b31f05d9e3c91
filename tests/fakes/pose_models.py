"""Pose model files of every kind that is read, which see the keypoints they are told to, whatever the picture."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Keypoints = npt.NDArray[np.float32]  # (17, 3) fractions of the crop, confidence

INPUT = (64, 48)
NUM_KEYPOINTS = 17
_SHOULDERS, _HIPS, _KNEES, _ANKLES = (5, 6), (11, 12), (13, 14), (15, 16)


def figure(tilt_rad: float, confidence: float = 0.9, leg_tilt_rad: float | None = None) -> Keypoints:
    """Somebody about the middle, head up at tilt 0 and turned to the right from there; legs may be held otherwise."""
    legs = tilt_rad if leg_tilt_rad is None else leg_tilt_rad
    found = np.full((NUM_KEYPOINTS, 3), [0.5, 0.5, 0.0], np.float32)
    for pair, length, angle in (
        (_SHOULDERS, 0.3, tilt_rad),
        (_HIPS, 0.0, 0.0),
        (_KNEES, -0.2, legs),
        (_ANKLES, -0.4, legs),
    ):
        found[list(pair)] = 0.5 + length * math.sin(angle), 0.5 - length * math.cos(angle), confidence
    return found


def model_file(outputs: Sequence[npt.NDArray[np.float32]], size: Sequence[int | str] = (1, 3, *INPUT)) -> bytes:
    """A model that gives these outputs, whatever it sees."""
    nodes = [
        helper.make_node("Constant", [], [f"output{number}"], value=numpy_helper.from_array(values))
        for number, values in enumerate(outputs)
    ]
    values = [
        helper.make_tensor_value_info(f"output{number}", TensorProto.FLOAT, one.shape)
        for number, one in enumerate(outputs)
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, size)]
    graph = helper.make_graph(nodes, "pose", inputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def simcc(found: Keypoints, steps: int = 2) -> bytes:
    """Like RTMPose: for each keypoint a curve along each axis, of some steps a pixel."""
    height, width = INPUT
    return model_file([_peaks(found, 0, width * steps), _peaks(found, 1, height * steps)])


def heatmaps(found: Keypoints, stride: int = 4) -> bytes:
    """Like ViTPose and HRNet: for each keypoint a map, coarser than the picture."""
    height, width = INPUT[0] // stride, INPUT[1] // stride
    maps = np.zeros((1, NUM_KEYPOINTS, height, width), np.float32)
    for row, (x, y, confidence) in enumerate(found):
        maps[0, row, int(y * height), int(x * width)] = confidence
    return model_file([maps])


def _peaks(found: Keypoints, axis: int, length: int) -> npt.NDArray[np.float32]:
    curves = np.zeros((1, NUM_KEYPOINTS, length), np.float32)
    curves[0, np.arange(NUM_KEYPOINTS), (found[:, axis] * length).astype(int)] = found[:, 2]
    return curves
