"""Static int8 quantization without calibration footage.

A coordinator has no footage to calibrate with. The network clips every activation that a convolution reads or
feeds to a constant range, so the ranges are read off the graph itself. Convolutions become int8 with per-channel
weights. The LSTM and the matrix products compute in float32, but their weights are stored as int8 with one scale for
each output: they are half of the file.
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from model_zoo.errors import ModelFileError
from model_zoo.export.int8_matrix import LEAST_STORED_VALUES, int8_matrix

QUANTIZED_OPS = ("Conv", "Clip")


def quantize_int8(model_bytes: bytes) -> bytes:
    """Quantizes an exported model to int8 (QDQ format, per channel).

    Args:
        model_bytes: What ``export_onnx`` returned.

    Returns:
        The serialized quantized model, with the same inputs, outputs and metadata.

    Raises:
        ModelFileError: A convolution reads or feeds an activation of unknown range.
    """
    model = onnx.load_from_string(model_bytes)
    ranges = _activation_ranges(model.graph)
    quantizer = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, ranges),
        nodes_to_quantize=[],
        nodes_to_exclude=[node.name for node in model.graph.node if node.op_type == "Clip" and not _is_bounded(node)],
        op_types_to_quantize=list(QUANTIZED_OPS),
        extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
    )
    quantized = quantizer.quantize_model()
    _store_weights_as_int8(quantized.graph)
    for node in quantized.graph.node:
        node.ClearField("name")  # nothing reads them, and they are a tenth of what is not weights
    quantized.graph.ClearField("value_info")  # whoever loads the file infers the shapes in between
    return bytes(quantized.SerializeToString(deterministic=True))


def _store_weights_as_int8(graph: onnx.GraphProto) -> None:
    """Replaces large float32 matrices by int8 ones with a scale for each output, brought back where they are read."""
    by_column = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for tensor in list(graph.initializer):
        weights = onnx.numpy_helper.to_array(tensor)
        if weights.dtype == np.float32 and weights.ndim == 2 and weights.size >= LEAST_STORED_VALUES:
            _store_as_int8(graph, tensor, weights, axis=int(tensor.name in by_column))


def _store_as_int8(
    graph: onnx.GraphProto, tensor: onnx.TensorProto, weights: npt.NDArray[np.float32], axis: int
) -> None:
    """Stores one matrix with a scale for each index of ``axis``."""
    stored, scale = int8_matrix(weights, axis)
    parts: dict[str, npt.NDArray[np.generic]] = {"int8": stored, "float32": scale}
    names = [f"{tensor.name}.{part}" for part in parts]
    graph.initializer.remove(tensor)
    graph.initializer.extend(
        onnx.numpy_helper.from_array(array, name) for name, array in zip(names, parts.values(), strict=True)
    )
    # Not DequantizeLinear: ONNX Runtime folds these two away when it loads the file, and keeps that one for every run.
    cast = onnx.helper.make_node("Cast", [names[0]], [f"{tensor.name}.cast"], to=onnx.TensorProto.FLOAT)
    graph.node.insert(0, onnx.helper.make_node("Mul", [f"{tensor.name}.cast", names[1]], [tensor.name]))
    graph.node.insert(0, cast)


def _is_bounded(node: onnx.NodeProto) -> bool:
    """Whether a Clip has both limits."""
    return len(node.input) == 3 and all(node.input)


def _activation_ranges(graph: onnx.GraphProto) -> dict[str, TensorData]:
    """Ranges of every tensor that a convolution reads or writes, from the Clip nodes around it."""
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    bounds: dict[str, tuple[float, float]] = {}
    for node in graph.node:
        if node.op_type == "Clip" and _is_bounded(node):
            limits = (float(constants[node.input[1]]), float(constants[node.input[2]]))
            bounds[node.output[0]] = limits
            bounds.setdefault(node.input[0], limits)  # a value beyond the limits saturates, which is what Clip does
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    for node in convolutions:
        for name in (node.input[0], node.output[0]):
            if name not in bounds:
                raise ModelFileError(
                    f"convolution {node.name}: expected {name} to be clipped, but its range is unknown"
                )
    return {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in bounds.items()}
