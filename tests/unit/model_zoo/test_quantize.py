"""Quantization of one convolution: no range is guessed."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_zoo.errors import ModelFileError
from model_zoo.export.quantize import quantize_int8


def convolution(*, is_clipped: bool) -> bytes:
    """One convolution of a clipped picture, its output clipped or not."""
    nodes = [
        helper.make_node("Clip", ["picture", "least", "most"], ["x"]),
        helper.make_node("Conv", ["x", "weight"], ["hidden"], name="conv"),
    ]
    if is_clipped:
        nodes.append(helper.make_node("Clip", ["hidden", "low", "high"], ["y"]))
    constants = {
        "weight": np.ones((1, 1, 3, 3)),
        "low": np.array(0.0),
        "high": np.array(6.0),
        "least": np.array(-0.5),
        "most": np.array(0.5),
    }
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("y" if is_clipped else "hidden", TensorProto.FLOAT, [1, 1, 6, 6])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


def test_convolution_of_unknown_range_is_refused_by_name() -> None:
    with pytest.raises(ModelFileError) as refusal:
        quantize_int8(convolution(is_clipped=False))
    assert str(refusal.value) == "convolution conv: expected hidden to be clipped, but its range is unknown"


def test_scale_of_an_activation_is_that_of_the_clip_before_or_after_it() -> None:
    graph = onnx.load_from_string(quantize_int8(convolution(is_clipped=True))).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert values["x_scale"] == pytest.approx(1.0 / 255)
    assert values["y_scale"] == pytest.approx(6.0 / 255)
