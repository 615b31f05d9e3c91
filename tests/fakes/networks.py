"""The real network with parameters nobody trained, and its exported files; each is made once in a process."""

import functools

from context.schedule import STATES
from context.zone import ZONE_KINDS
from model_zoo.backbones.film_lstm import FilmLstm, FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters, network_with
from model_zoo.export.onnx_export import export_onnx
from model_zoo.export.quantize import quantize_int8
from model_zoo.onnx_model import ModelMetadata


def untrained_network(seed: int = 0, *, is_conditioned: bool = True) -> FilmLstm:
    """A network of the shipped shape; the same for the same seed."""
    shape = FilmLstmShape.conditioned(is_conditioned)
    return network_with(shape, initial_parameters(shape, seed))


@functools.cache
def exported_fp32() -> bytes:
    """``untrained_network()`` as an ONNX file."""
    shape = FilmLstmShape()
    metadata = ModelMetadata(1, shape.code_size, shape.num_context, tuple(ZONE_KINDS), tuple(STATES), ())
    return export_onnx(untrained_network(), metadata)


@functools.cache
def exported_int8() -> bytes:
    """The same, quantized."""
    return quantize_int8(exported_fp32())
