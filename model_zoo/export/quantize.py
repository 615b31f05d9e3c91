"""Static int8 quantization without calibration footage.

A coordinator has no footage to calibrate with. The network clips every activation that a convolution reads or
feeds to a constant range, so the ranges are read off the graph itself. Convolutions become int8 with per-channel
weights; the LSTM and the small matrix products stay in float32.
"""

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from model_zoo.errors import ModelFileError

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
        nodes_to_exclude=[],
        op_types_to_quantize=list(QUANTIZED_OPS),
        extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
    )
    return bytes(quantizer.quantize_model().SerializeToString(deterministic=True))


def _activation_ranges(graph: onnx.GraphProto) -> dict[str, TensorData]:
    """Ranges of every tensor that a convolution reads or writes, from the Clip nodes around it."""
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    bounds: dict[str, tuple[float, float]] = {}
    for node in graph.node:
        if node.op_type == "Clip":
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
