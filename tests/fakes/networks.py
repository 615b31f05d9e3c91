"""The real network with parameters nobody trained, and its exported files; each is made once in a process."""

import functools

from context.schedule import STATES
from context.zone import ZONE_KINDS
from model_zoo.architecture import USUAL_NUM_STEPS, NumSteps
from model_zoo.backbones.film_lstm import FilmLstm, FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters, network_with
from model_zoo.export.onnx_export import export_onnx
from model_zoo.export.quantize import quantize_int8
from model_zoo.onnx_model import ModelMetadata


def untrained_network(seed: int = 0, *, is_conditioned: bool = True, num_steps: NumSteps = USUAL_NUM_STEPS) -> FilmLstm:
    """A network of the shipped shape; the same for the same seed."""
    shape = FilmLstmShape.conditioned(is_conditioned, num_steps)
    return network_with(shape, initial_parameters(shape, seed))


def exported_fp32(num_steps: NumSteps = USUAL_NUM_STEPS) -> bytes:
    """``untrained_network()`` as an ONNX file."""
    return _exported(num_steps)


@functools.cache
def _exported(num_steps: NumSteps) -> bytes:
    shape = FilmLstmShape(num_steps=num_steps)
    metadata = ModelMetadata(1, shape.code_size, shape.num_context, num_steps, tuple(ZONE_KINDS), tuple(STATES), ())
    return export_onnx(untrained_network(num_steps=num_steps), metadata)


@functools.cache
def exported_int8() -> bytes:
    """The same, quantized."""
    return quantize_int8(exported_fp32())
