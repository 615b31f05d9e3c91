"""Model files drawn by hand: they load at once, and every score can be worked out on paper."""

import dataclasses
import functools
import json

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from context.context_vector import CONTEXT_SIZE
from context.schedule import STATES
from context.zone import ZONE_KINDS
from model_zoo.architecture import STEPS_READ, USUAL_NUM_STEPS, NumSteps
from model_zoo.onnx_model import METADATA_KEY, ModelMetadata
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION

METADATA = ModelMetadata(3, 1, CONTEXT_SIZE, USUAL_NUM_STEPS, tuple(ZONE_KINDS), tuple(STATES), ())


def step_weights(num_steps: int) -> npt.NDArray[np.float32]:
    """Weight of each step's brightness: a step out of place changes the score; as in our network, some are not read."""
    weights = np.zeros(num_steps, dtype=np.float32)
    weights[STEPS_READ] = np.arange(1.0, num_steps + 1, dtype=np.float32)[STEPS_READ]
    return weights


@dataclasses.dataclass(frozen=True)
class Weights:
    """How a drawn model weighs what it reads."""

    brightness: float = 1.0
    motion: float = 0.0
    context: tuple[float, ...] = (0.0,) * CONTEXT_SIZE
    zone_kind: float = 0.0
    camera: float = 0.0
    offset: float = 0.0
    oddity: float = 0.0
    """Of the newest crop's brightness."""


def score_by_hand(
    weights: Weights,
    crops: npt.NDArray[np.uint8],
    motion: npt.NDArray[np.float32],
    context: npt.NDArray[np.float32],
    num_steps: NumSteps = USUAL_NUM_STEPS,
) -> npt.NDArray[np.float64]:
    """What a model drawn with ``weights`` says of whole tubelets of zone kind 0 and camera 0. ``(N,)``."""
    by_step = step_weights(num_steps)
    brightness = crops[:, -len(by_step) :].mean(axis=(2, 3)) / 255.0  # (N, T)
    by_motion = (motion[:, -len(by_step) :] * by_step[None, :, None]).sum(axis=(1, 2))
    by_context = context @ np.array(weights.context)
    total = weights.brightness * (brightness @ by_step) + weights.motion * by_motion + by_context + weights.offset
    return np.asarray(total, dtype=np.float64)


@functools.cache
def drawn_model(weights: Weights = Weights(), metadata: ModelMetadata = METADATA) -> bytes:
    """A model whose code is the crop's mean brightness, whose score is a weighted sum of all it reads.

    Its oddity is the weighted brightness of the newest crop.
    """
    num_steps = metadata.num_steps
    by_step = step_weights(num_steps)
    constants = {
        "pixels": np.array([1, 2], dtype=np.int64),
        "last": np.array([1], dtype=np.int64),
        "white": np.float32(255.0),
        "step_weights": weights.brightness * by_step.reshape(num_steps, 1),
        "motion_weights": weights.motion * np.repeat(by_step[:, None], NUM_MOTION, axis=1),
        "context_weights": np.array(weights.context, dtype=np.float32),
        "zone_weight": np.float32(weights.zone_kind),
        "camera_weight": np.float32(weights.camera),
        "offset": np.float32(weights.offset),
        "oddity_weight": np.float32(weights.oddity),
    }
    nodes = [
        helper.make_node("Cast", ["crop"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["grey", "pixels"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["brightness"]),
        helper.make_node("Unsqueeze", ["brightness", "last"], ["code"]),
        helper.make_node("Unsqueeze", ["code", "last"], ["step"]),
        helper.make_node("Concat", ["codes", "step"], ["steps"], axis=1),
        *_weighted("steps", "step_weights", "pixels", "by_brightness"),
        *_weighted("motion", "motion_weights", "pixels", "by_motion"),
        *_weighted("context", "context_weights", "last", "by_context"),
        helper.make_node("Cast", ["zone_kind"], ["kind"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["kind", "zone_weight"], ["by_zone"]),
        helper.make_node("Cast", ["camera"], ["place"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["place", "camera_weight"], ["by_camera"]),
        helper.make_node("Sum", ["by_brightness", "by_motion", "by_context", "by_zone", "by_camera"], ["sum"]),
        helper.make_node("Add", ["sum", "offset"], ["score"]),
        helper.make_node("Mul", ["brightness", "oddity_weight"], ["oddity"]),
    ]
    graph = helper.make_graph(
        nodes,
        "drawn",
        _inputs(num_steps),
        [_tensor("code", TensorProto.FLOAT, 1), *(_tensor(name, TensorProto.FLOAT) for name in ("score", "oddity"))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return with_metadata(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), metadata)


def with_metadata(model: onnx.ModelProto, metadata: ModelMetadata) -> bytes:
    """The model's file with our facts in it."""
    helper.set_model_props(model, {METADATA_KEY: json.dumps(metadata.as_json(), sort_keys=True)})
    return bytes(model.SerializeToString(deterministic=True))


def _weighted(values: str, weights: str, axes: str, total: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Mul", [values, weights], [f"{total}_parts"]),
        helper.make_node("ReduceSum", [f"{total}_parts", axes], [total], keepdims=0),
    ]


def _inputs(num_steps: int) -> list[onnx.ValueInfoProto]:
    return [
        _tensor("crop", TensorProto.UINT8, CROP_SIDE, CROP_SIDE),
        _tensor("codes", TensorProto.FLOAT, num_steps - 1, 1),
        _tensor("motion", TensorProto.FLOAT, num_steps, NUM_MOTION),
        _tensor("context", TensorProto.FLOAT, CONTEXT_SIZE),
        _tensor("zone_kind", TensorProto.INT64),
        _tensor("camera", TensorProto.INT64),
    ]


def _tensor(name: str, kind: int, *sizes: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["objects", *sizes])
