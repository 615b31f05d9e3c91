"""Exports the network to one ONNX graph that both streams and scores.

Inputs: ``crop`` (N, S, S) uint8, the newest crop of each object; ``codes`` (N, T - 1, D), cached codes of the steps
before it; ``motion`` (N, T, M); ``context`` (N, C); ``zone_kind`` and ``camera`` (N,) int64.
Outputs: ``code`` (N, D), to be cached; ``score`` (N,); ``oddity`` (N,).
T is the number of steps that the network looks at.
"""

import json
import logging
import warnings

import onnx
import torch
from torch import Tensor, nn

from model_zoo.architecture import STEPS_READ
from model_zoo.backbones.film_lstm import FilmLstm
from model_zoo.onnx_model import METADATA_KEY, ModelMetadata
from model_zoo.perception.tubelet import CROP_SIDE

OPSET = 18
INPUT_NAMES = ("crop", "codes", "motion", "context", "zone_kind", "camera")
OUTPUT_NAMES = ("code", "score", "oddity")


class _StreamingStep(nn.Module):
    """One live frame: encode the newest crop, then score it with the cached codes."""

    def __init__(self, network: FilmLstm) -> None:
        super().__init__()
        self.network = network

    def forward(  # noqa: PLR0913, PLR0917  # one argument for each input of the graph
        self, crop: Tensor, codes: Tensor, motion: Tensor, context: Tensor, zone_kind: Tensor, camera: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        condition = self.network.condition(context, zone_kind, camera)  # (N, E)
        code = self.network.code(self.network.features(crop[:, None].float() / 255), condition)  # (N, D)
        read = torch.cat([codes, code[:, None]], dim=1)[:, STEPS_READ]  # (N, R, D)
        steps = motion[:, STEPS_READ]
        score = self.network.score(read, steps, condition)  # (N,)
        oddity = self.network.oddity(self.network.view(read, steps, condition))  # (N,)
        return code, score, oddity


def export_onnx(network: FilmLstm, metadata: ModelMetadata) -> bytes:
    """Exports ``network`` in float32.

    Args:
        network: The trained network; left in evaluation mode.
        metadata: Stored inside the file, so that a release is one file with one digest.

    Returns:
        The serialized ONNX model.
    """
    shape, rows = network.shape, 2
    example = (
        torch.zeros(rows, CROP_SIDE, CROP_SIDE, dtype=torch.uint8),
        torch.zeros(rows, shape.num_steps - 1, shape.code_size),
        torch.zeros(rows, shape.num_steps, shape.num_motion),
        torch.zeros(rows, shape.num_context),
        torch.zeros(rows, dtype=torch.int64),
        torch.zeros(rows, dtype=torch.int64),
    )
    objects = torch.export.Dim("objects", min=1, max=4096)
    step = _StreamingStep(network).eval()
    for talkative in ("torch.onnx", "onnxscript", "onnx_ir"):  # they tell of their own internals
        logging.getLogger(talkative).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so does the exporter
        program = torch.onnx.export(
            step,
            example,
            input_names=INPUT_NAMES,
            output_names=OUTPUT_NAMES,
            opset_version=OPSET,
            dynamic_shapes=tuple({0: objects} for _ in example),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = onnx.load_from_string(program.model_proto.SerializeToString())
    _strip_traces(model)
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(metadata.as_json(), sort_keys=True)})
    return bytes(model.SerializeToString(deterministic=True))


def _strip_traces(model: onnx.ModelProto) -> None:
    """Removes the exporter's traces of source code: they name paths, and differ from run to run."""
    model.graph.ClearField("value_info")
    del model.metadata_props[:]
    model.graph.ClearField("metadata_props")
    for entry in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        entry.ClearField("metadata_props")
        entry.ClearField("doc_string")
