"""The baseline without federation: one trainer has everybody's tubelets, and the steps of all sites together."""

import dataclasses
from pathlib import Path

import numpy as np

from context.schedule import STATES
from context.zone import ZONE_KINDS
from fl_client.training.normality_sums import fleet_sums
from fl_client.training.site_training import training_footage
from fl_runtime.atomic_file import write_atomically
from model_zoo.architecture import NUM_FLEET_CONTEXTS
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters, network_with
from model_zoo.export.onnx_export import export_onnx
from model_zoo.export.quantize import quantize_int8
from model_zoo.normality.features import NUM_FEATURES
from model_zoo.normality.intensity import NormalitySums
from model_zoo.onnx_model import ModelMetadata
from model_zoo.training.local_training import LocalTrainer, TrainingSettings

_STREAM = 3


@dataclasses.dataclass(frozen=True)
class PooledSettings:
    """How a network is trained without federation."""

    num_steps: int
    seed: int
    """The federation's seed: both start from the same parameters."""
    shape: FilmLstmShape = dataclasses.field(default_factory=FilmLstmShape)
    num_pretraining_steps: int = 0
    """Before the others."""
    has_strange_looks: bool = True
    """Whether some pseudo-anomalies look wrong."""


def train_pooled(state_dirs: list[Path], settings: PooledSettings, model_path: Path) -> None:
    """Trains on batches of one site after the other and writes an int8 model, and beside it the same in float32.

    Args:
        state_dirs: The prepared sites.
        settings: How to train.
        model_path: Where the model goes.
    """
    shape = settings.shape
    network = network_with(shape, initial_parameters(shape, settings.seed))
    rng = np.random.default_rng([settings.seed, _STREAM])
    cameras = [
        footage
        for state_dir in state_dirs
        for footage in training_footage(state_dir, shape.num_steps, is_held_out=False)
    ]
    for is_pretraining, num_steps in ((True, settings.num_pretraining_steps), (False, settings.num_steps)):
        usual = TrainingSettings(is_pretraining=is_pretraining)
        share = usual.strange_look_share if settings.has_strange_looks else 0.0
        trainer = LocalTrainer(network, dataclasses.replace(usual, strange_look_share=share))
        for _ in range(num_steps):
            trainer.step(cameras[rng.integers(len(cameras))], rng)
    sums = NormalitySums.zeros(NUM_FLEET_CONTEXTS, NUM_FEATURES)
    for state_dir in state_dirs:
        sums = sums + fleet_sums(state_dir)
    metadata = ModelMetadata(
        0,
        shape.code_size,
        shape.num_context,
        shape.num_steps,
        tuple(ZONE_KINDS),
        tuple(STATES),
        tuple(sums.vector.tolist()),
    )
    fp32 = export_onnx(network, metadata)
    write_atomically(model_path.with_suffix(".fp32.onnx"), fp32)
    write_atomically(model_path, quantize_int8(fp32))
