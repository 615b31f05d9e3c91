"""Detector files of every kind that is read, which find what they are told to."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Box = tuple[float, float, float, float]
"""xyxy, fractions."""
Found = tuple[Box, int, float]
"""A box, its class and its confidence."""

NUM_CLASSES = 80


def _file(inputs: list[onnx.ValueInfoProto], arrays: dict[str, np.ndarray]) -> bytes:
    """A model that gives constant outputs, whatever it sees."""
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(values))
        for name, values in arrays.items()
    ]
    outputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape)
        for name, values in arrays.items()
    ]
    graph = helper.make_graph(nodes, "detector", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def _picture(size: tuple[int, int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, *size])


def cells(size: tuple[int, int], found: Sequence[Found]) -> bytes:
    """Like YOLOX: each box in the cell of stride 32 that its centre lies in."""
    height, width = size
    num_cells = [(height // stride) * (width // stride) for stride in (8, 16, 32)]
    output = np.zeros((1, sum(num_cells), 5 + NUM_CLASSES), np.float32)
    for (left, top, right, bottom), kind, confidence in found:
        centre = np.array([(left + right) / 2 * width, (top + bottom) / 2 * height]) / 32
        column, row = np.floor(centre)
        values = output[0, num_cells[0] + num_cells[1] + int(row) * (width // 32) + int(column)]
        values[:2] = centre - [column, row]
        values[2:4] = np.log(np.array([(right - left) * width, (bottom - top) * height]) / 32)
        values[4], values[5 + kind] = confidence, 1.0
    return _file([_picture(size)], {"output": output})


def post_processed(size: tuple[int, int], found: Sequence[Found]) -> bytes:
    """Like RT-DETR and D-FINE: labels, boxes in pixels of the size asked for, and scores."""
    height, width = size
    scale = np.array([width, height, width, height], np.float32)
    corners = np.array([box for box, _, _ in found], np.float32).reshape(1, -1, 4) * scale
    sizes = helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [1, 2])
    return _file(
        [_picture(size), sizes],
        {
            "labels": np.array([[kind for _, kind, _ in found]], np.int64),
            "boxes": corners,
            "scores": np.array([[confidence for _, _, confidence in found]], np.float32),
        },
    )


def queries(size: tuple[int, int], found: Sequence[Found]) -> bytes:
    """Like DETR: logits of each class and boxes by centre and size, in fractions."""
    logits = np.full((1, len(found), NUM_CLASSES), -9.0, np.float32)
    boxes = np.zeros((1, len(found), 4), np.float32)
    for row, ((left, top, right, bottom), kind, confidence) in enumerate(found):
        logits[0, row, kind] = np.log(confidence / (1 - confidence))
        boxes[0, row] = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    return _file([_picture(size)], {"logits": logits, "pred_boxes": boxes})
