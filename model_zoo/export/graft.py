"""Puts parameters into an exported model: what a site keeps to itself takes the place of what was released.

Grafting parameters into the int8 file of a network gives the int8 file of the network with these parameters, value for
value: integers and scales are made as in the export. Parameters that the graph does not read, such as those of a head
that only teaches, are left out.

Where the export turns a matrix round it drops its name; such a one is found by the bias that is added to its product.
A bias of nothing but zeros, as films have before they are trained, is left out of the export; it is put in again.
Convolutions, whose biases depend on the scales of what they read, cannot be grafted, nor can the LSTM.
"""

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import onnx

from model_zoo.backbones.parts import part_of
from model_zoo.errors import ModelFileError
from model_zoo.export.int8_matrix import int8_matrix

_PREFIX = "network."
_WEIGHT, _BIAS = ".weight", ".bias"
_INPUTS_WITHOUT_BIAS = 2


def graft(model_bytes: bytes, parameters: Mapping[str, npt.NDArray[np.float32]]) -> bytes:
    """Replaces parameters of an exported model, in float32 or int8.

    Args:
        model_bytes: What ``export_onnx`` or ``quantize_int8`` returned.
        parameters: By their name in ``parameters_of``; of films and heads alone.

    Returns:
        The serialized model with these parameters.

    Raises:
        ModelFileError: One parameter of a module is in the file and the other is not, a shape is another one, or a
            parameter cannot be grafted.
    """
    model = onnx.load_from_string(model_bytes)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    turned = _turned_weights(model.graph)
    _put_biases_in(model.graph, tensors, parameters)
    places = {name: _place(tensors, turned, name) for name in parameters}
    _check_places(places)
    for name, (tensor_name, is_turned) in places.items():
        if tensor_name:
            _put(tensors, tensor_name, parameters[name].T if is_turned else parameters[name], axis=int(is_turned))
    return bytes(model.SerializeToString(deterministic=True))


def _put_biases_in(graph: onnx.GraphProto, tensors: dict[str, onnx.TensorProto], names: Collection[str]) -> None:
    """Gives a bias of zeros to every product that was exported without, and adds it to ``tensors``."""
    missing = {_PREFIX + name for name in names if name.endswith(_BIAS)} - set(tensors)
    for node in graph.node:
        bias = node.input[1].removesuffix(_WEIGHT) + _BIAS if node.op_type == "Gemm" else ""
        if bias in missing and len(node.input) == _INPUTS_WITHOUT_BIAS:
            node.input.append(bias)
            zeros = np.zeros(_num_outputs(tensors, node.input[1]), np.float32)
            graph.initializer.append(onnx.numpy_helper.from_array(zeros, bias))
            tensors[bias] = graph.initializer[-1]


def _num_outputs(tensors: Mapping[str, onnx.TensorProto], name: str) -> int:
    tensor = tensors[f"{name}.int8" if f"{name}.int8" in tensors else name]
    return int(tensor.dims[0])


_Place = tuple[str, bool]
"""Name of a tensor, empty where the graph does not read it, and whether it is turned round."""


def _place(known: Collection[str], turned: Mapping[str, str], name: str) -> _Place:
    if part_of(name) == "trunk":
        raise ModelFileError(f"graft: expected parameters of films and heads, got {name}")
    own_name, turned_name = _PREFIX + name, turned.get(_PREFIX + name, "")
    if _is_stored(own_name, known):
        return own_name, False
    return (turned_name, True) if _is_stored(turned_name, known) else ("", False)


def _turned_weights(graph: onnx.GraphProto) -> dict[str, str]:
    """The second factor of every product that a bias is added to, by the name of the weight that goes with the bias."""
    products = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    pairs = [tuple(node.input) for node in graph.node if node.op_type == "Add"]
    return {
        bias.removesuffix(_BIAS) + _WEIGHT: products[product]
        for one, other in pairs
        for product, bias in ((one, other), (other, one))
        if product in products and bias.endswith(_BIAS)
    }


def _is_stored(name: str, known: Collection[str]) -> bool:
    return name in known or f"{name}.int8" in known


def _check_places(places: Mapping[str, _Place]) -> None:
    """Every module is in the graph as a whole or not at all."""
    found_by_module: dict[str, set[bool]] = {}
    for name, (tensor_name, _) in places.items():
        found_by_module.setdefault(name.rpartition(".")[0], set()).add(bool(tensor_name))
    halves = [module for module, found in found_by_module.items() if len(found) > 1]
    if halves:
        raise ModelFileError(f"graft: expected weight and bias in the model, got one of them: {', '.join(halves)}")


def _put(tensors: Mapping[str, onnx.TensorProto], name: str, values: npt.NDArray[np.float32], *, axis: int) -> None:
    if f"{name}.int8" in tensors:
        stored, scale = int8_matrix(values, axis)
        _write(tensors[f"{name}.int8"], stored)
        _write(tensors[f"{name}.float32"], scale)
    else:
        _write(tensors[name], values)


def _write(tensor: onnx.TensorProto, values: npt.NDArray[np.generic]) -> None:
    if tuple(tensor.dims) != values.shape:
        raise ModelFileError(f"graft: {tensor.name}: expected shape {list(tensor.dims)}, got {list(values.shape)}")
    tensor.raw_data = onnx.numpy_helper.from_array(np.ascontiguousarray(values)).raw_data
