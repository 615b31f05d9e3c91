"""What masks, rounding and bounding cost a detector, beside what chance alone does to it.

The same sites train three times from the same start: masked, plain, and plain from a start whose parameters were moved
by a millionth. Training amplifies any difference, so the last arm tells which differences mean something. The start is
the shipped model, as in a deployment, or nothing.
"""

import dataclasses
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fl_server.rounds.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer
from fl_server.starting_state import CHECKPOINT_FILE
from fl_server.training_run import INT8_FILE
from model_zoo.architecture import empty_fleet_normality
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters
from model_zoo.default import DEFAULT_CHECKPOINT
from simulation import metrics
from simulation.federation import FederationSettings, enrol_all, local_grid, run_federation
from simulation.footage import Fleet, synthetic_fleet
from simulation.site_pool import site_pool
from simulation.site_preparation import prepare_site
from simulation.site_scoring import Variant, score_clips

_ARMS = ("masked", "plain", "moved")
_CHANNELS = ("fused", "network")
_DISTANCE = "distance"
_MOVED_BY = 1e-6


def beside_plain(sizes: dict[str, Any]) -> dict[str, Any]:
    """Trains each seed three times and tests the models on the same clips.

    Args:
        sizes: ``start`` (``default`` or ``random``), ``clients``, ``rounds``, ``steps``, ``seeds``, ``workers``.

    Returns:
        By arm and seed: AUC in percent of the whole detector (int8) and of the network alone, which every update goes
        into, and how far the parameters are from plain averaging's, as a share of how far that moved them. Then by how
        many points of AUC the masked and the moved arm differ from the plain one, and the mean of it.
    """
    found: dict[str, Any] = {arm: {} for arm in _ARMS}
    for seed in sizes["seeds"]:
        for arm, figures in _figures_of(sizes, seed).items():
            found[arm][str(seed)] = figures
    differences = {
        arm: {
            channel: [found[arm][seed][channel] - plain[channel] for seed, plain in found["plain"].items()]
            for channel in _CHANNELS
        }
        for arm in ("masked", "moved")
    }
    means = {arm: {name: float(np.mean(one)) for name, one in by.items()} for arm, by in differences.items()}
    return found | {"points": differences, "mean_points": means}


def _figures_of(sizes: dict[str, Any], seed: int) -> dict[str, dict[str, float]]:
    fleet = synthetic_fleet(sizes["clients"], seed)
    with tempfile.TemporaryDirectory() as folder, site_pool(sizes["workers"]) as pool:
        site_dirs = [Path(folder) / "sites" / f"{index:04d}" for index in range(sizes["clients"])]
        list(pool.map(prepare_site, fleet.sites, site_dirs))
        enrol_all(site_dirs, Path(folder) / "roster")
        figures, ends = dict[str, dict[str, float]](), dict[str, npt.NDArray[np.float64]]()
        for arm in _ARMS:
            out = Path(folder) / arm
            if arm == "moved":
                _put_moved_start(out, sizes["start"], seed)
            run = FederationSettings(sizes["rounds"], sizes["steps"], seed, sizes["start"], is_secure=arm == "masked")
            with local_grid(site_dirs, sizes["workers"]) as grid:
                run_federation(grid, out, Path(folder) / "roster", run)
            figures[arm] = _test_aucs(pool, fleet, site_dirs, out / INT8_FILE)
            ends[arm] = _flat(load_checkpoint(out / CHECKPOINT_FILE, ServerOptimizer()))
    moved = np.linalg.norm(ends["plain"] - _flat(_start(sizes["start"], seed)))
    for arm in _ARMS:
        figures[arm][_DISTANCE] = float(np.linalg.norm(ends[arm] - ends["plain"]) / moved)
    return figures


def _put_moved_start(out: Path, start: str, seed: int) -> None:
    """A training state like the start, which the run begins from."""
    out.mkdir()
    rng, state = np.random.default_rng(seed), _start(start, seed)
    moved = {
        name: (array * (1 + _MOVED_BY * rng.standard_normal(array.shape))).astype(np.float32)
        for name, array in state.parameters.items()
    }
    save_checkpoint(dataclasses.replace(state, parameters=moved), out / CHECKPOINT_FILE)


def _start(start: str, seed: int) -> TrainingState:
    if start == "default":
        return load_checkpoint(DEFAULT_CHECKPOINT, ServerOptimizer())
    return TrainingState(initial_parameters(FilmLstmShape(), seed), empty_fleet_normality(), ServerOptimizer(), 0)


def _flat(state: TrainingState) -> npt.NDArray[np.float64]:
    return np.concatenate([array.ravel() for _, array in sorted(state.parameters.items())]).astype(np.float64)


def _test_aucs(pool: ProcessPoolExecutor, fleet: Fleet, site_dirs: list[Path], model: Path) -> dict[str, float]:
    testing = [site.testing for site in fleet.sites]
    variants = [(Variant("int8", model),)] * len(site_dirs)
    clips = metrics.flattened(pool.map(score_clips, fleet.sites, testing, site_dirs, variants))
    aucs = metrics.channel_aucs(clips, "int8")
    return {channel: 100 * float(aucs[channel] or 0.0) for channel in _CHANNELS}
