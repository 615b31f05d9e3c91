"""Laws of the int8 export."""

import numpy as np
import onnxruntime
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from model_zoo.export.quantize import quantize_int8

_SIDE = 8


def _clipped_convolution(weight: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", limit: float) -> bytes:
    limits = {"least": -0.5, "most": 0.5, "low": 0.0, "high": limit}
    constants = {"weight": weight} | {name: np.array(value, dtype=np.float32) for name, value in limits.items()}
    graph = helper.make_graph(
        [
            helper.make_node("Clip", ["picture", "least", "most"], ["x"]),
            helper.make_node("Conv", ["x", "weight"], ["h"]),
            helper.make_node("Clip", ["h", "low", "high"], ["y"]),
        ],
        "one",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 1, _SIDE, _SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, _SIDE - 2, _SIDE - 2])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


def _run(
    model: bytes, x: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"picture": x})[0])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), limit=st.floats(0.5, 6.0), scale=st.floats(0.01, 2.0))
def test_quantized_convolution_stays_within_its_steps_and_its_limits(seed: int, limit: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    weight = (scale * rng.normal(size=(2, 1, 3, 3))).astype(np.float32)
    x = rng.uniform(-0.5, 0.5, (1, 1, _SIDE, _SIDE)).astype(np.float32)
    model = _clipped_convolution(weight, limit)
    whole, quantized = _run(model, x), _run(quantize_int8(model), x)
    largest = np.abs(weight).max(axis=(1, 2, 3))
    # Rounding of nine inputs, of nine weights and of the output, at most one step each.
    bound = np.abs(weight).sum(axis=(1, 2, 3)) / 255 + 9 * 0.5 * largest / 127 + limit / 255
    assert (np.abs(whole - quantized).max(axis=(0, 2, 3)) <= bound).all()
    assert quantized.min() >= 0.0
    assert quantized.max() <= limit * (1 + 1e-5)
