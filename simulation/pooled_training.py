"""The baseline without federation: one trainer has everybody's tubelets, and the steps of all sites together."""

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


def train_pooled(state_dirs: list[Path], num_steps: int, seed: int, model_path: Path) -> None:
    """Trains on batches of one site after the other and writes an int8 model.

    Args:
        state_dirs: The prepared sites.
        num_steps: Steps in all.
        seed: The federation's seed: both start from the same parameters.
        model_path: Where the model goes.
    """
    shape = FilmLstmShape()
    network = network_with(shape, initial_parameters(shape, seed))
    rng = np.random.default_rng([seed, _STREAM])
    cameras = [footage for state_dir in state_dirs for footage in training_footage(state_dir, is_held_out=False)]
    trainer = LocalTrainer(network, TrainingSettings())
    for _ in range(num_steps):
        trainer.step(cameras[rng.integers(len(cameras))], rng)
    sums = NormalitySums.zeros(NUM_FLEET_CONTEXTS, NUM_FEATURES)
    for state_dir in state_dirs:
        sums = sums + fleet_sums(state_dir)
    metadata = ModelMetadata(
        0, shape.code_size, shape.num_context, tuple(ZONE_KINDS), tuple(STATES), tuple(sums.vector.tolist())
    )
    write_atomically(model_path, quantize_int8(export_onnx(network, metadata)))
