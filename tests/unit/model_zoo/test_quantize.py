"""The int8 model: smaller, nearly the same, every convolution in int8, no range guessed."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_zoo.errors import ModelFileError
from model_zoo.export.quantize import quantize_int8
from model_zoo.onnx_model import OnnxModel
from tests.fakes.networks import exported_fp32, exported_int8
from tests.fakes.tubelets import Look, drawn_tubelets

TOLERANCE = 0.1
"""Of the spread of scores, small in a network that nobody trained: how far int8 may be off, root mean square."""


def test_int8_scores_stay_close_to_float32() -> None:
    looks = [Look(stripes=stripes, spread=1.0) for stripes in ("", "rows", "columns")]
    fp32, int8 = (
        np.concatenate(
            [OnnxModel(file, "m").judge_tubelets(drawn_tubelets(8, 3, look=look), 0).score for look in looks]
        )
        for file in (exported_fp32(), exported_int8())
    )
    assert np.sqrt(np.mean((int8 - fp32) ** 2)) < TOLERANCE * fp32.std()


def test_int8_file_is_smaller_and_quantized_twice_it_is_the_same() -> None:
    assert len(exported_int8()) < 0.3 * len(exported_fp32())
    assert quantize_int8(exported_fp32()) == exported_int8()


def test_every_convolution_reads_int8_weights_and_uint8_activations() -> None:
    graph = onnx.load_from_string(exported_int8()).graph
    kind_by_name = {tensor.name: tensor.data_type for tensor in graph.initializer}
    maker = {name: node for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 5
    for node in convolutions:
        activation, weight = (maker[name] for name in node.input[:2])
        assert {activation.op_type, weight.op_type} == {"DequantizeLinear"}
        assert kind_by_name[activation.input[2]] == TensorProto.UINT8
        assert kind_by_name[weight.input[0]] == TensorProto.INT8


def test_facts_in_the_file_are_kept() -> None:
    assert OnnxModel(exported_int8(), "int8").metadata == OnnxModel(exported_fp32(), "fp32").metadata


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
