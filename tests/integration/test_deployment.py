"""The real thing on loopback: two sites watch and learn together, and one learns from its operator.

Every part is a real process, and the network starts from the model that ships. Only the deadline of the waits and the
length of the learning period are other than a user's.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from fl_client.errors import StateError
from fl_client.storage.tubelet_store import LABELS, TubeletStore
from fl_client.training.normality_sums import camera_stores
from fl_client.training.site_training import training_footage
from fl_server.rounds.checkpoint import load_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer
from model_zoo.default import DEFAULT_CHECKPOINT, DEFAULT_MODEL
from model_zoo.onnx_model import load_model
from model_zoo.perception.tubelet import Tubelets, concatenate
from tests.fakes.films import Scenes, Shot, pedestrian_scenes, street_scenes, write_film
from tests.integration.federation_processes import Federation, RunningSite

LEARN_FOR_S = 14.0
LEARNING_SHOT_FRAMES = 100
UNUSUAL_FRAMES = slice(20, 140)
QUIET_S = 6.0
"""Long enough after something unusual for its event to end."""
FILM_REPEATS = 16
"""The films run for a quarter of an hour: longer than any wait."""


def test_two_sites_learn_together_and_one_learns_from_its_operator(tmp_path: Path) -> None:
    watched, other = _films(tmp_path)
    with Federation(tmp_path / "federation") as federation:
        store42 = federation.start_site("store42", watched, LEARN_FOR_S)
        store43 = federation.start_site("store43", other, LEARN_FOR_S)
    ...
