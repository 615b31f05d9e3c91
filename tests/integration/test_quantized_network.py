"""The network's int8 file: smaller, nearly the same, every convolution in int8."""

import numpy as np
import onnx
from onnx import TensorProto

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
