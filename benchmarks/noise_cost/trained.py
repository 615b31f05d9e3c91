"""How well a model does that was trained with noise, beside one trained the same way without."""

import tempfile
from pathlib import Path
from typing import Any

from fl_protocol.membership import ROSTER_FILE
from fl_server.rounds.checkpoint import TrainingState, load_checkpoint
from fl_server.rounds.server_optimizer import server_optimizer
from fl_server.secure_rounds import SecureRounds, secure_run
from fl_server.secure_strategy import SecureStrategy
from fl_server.starting_state import CHECKPOINT_FILE
from fl_server.strategy import RoundSettings
from simulation.federation import OPERATOR_KEY_FILE, FederationSettings, enrol_all, local_grid, run_federation
from simulation.footage import synthetic_fleet
from simulation.local_grid import LocalGrid
from simulation.site_pool import site_pool
from simulation.site_preparation import prepare_site


def held_out_aucs(sizes: dict[str, Any], seed: int) -> dict[str, float]:
    """Trains the shipped model further with each epsilon, and evaluates it on the sites' held-out tubelets.

    Args:
        sizes: ``sites``, ``rounds``, ``steps``, ``epsilons``, ``workers``.
        seed: Of world and training.

    Returns:
        AUC by epsilon; 0 is training without noise.
    """
    fleet = synthetic_fleet(sizes["sites"], seed)
    with tempfile.TemporaryDirectory() as folder:
        site_dirs = [Path(folder) / "sites" / f"{index:04d}" for index in range(sizes["sites"])]
        with site_pool(sizes["workers"]) as pool:
            list(pool.map(prepare_site, fleet.sites, site_dirs))
        roster_dir = Path(folder) / "roster"
        enrol_all(site_dirs, roster_dir)
        found = {}
        with local_grid(site_dirs, sizes["workers"]) as grid:
            for epsilon in sizes["epsilons"]:
                out = Path(folder) / f"epsilon-{epsilon:g}"
                run = FederationSettings(
                    sizes["rounds"], sizes["steps"], seed, "default", is_secure=True, target_epsilon=epsilon
                )
                run_federation(grid, out, roster_dir, run)
                state = load_checkpoint(out / CHECKPOINT_FILE, server_optimizer("fedavgm", None))
                found[f"{epsilon:g}"] = _evaluated(grid, roster_dir, state, seed)
    return found


def _evaluated(grid: LocalGrid, roster_dir: Path, state: TrainingState, seed: int) -> float:
    operator_key = bytes.fromhex((roster_dir / OPERATOR_KEY_FILE).read_text())
    run = secure_run((roster_dir / ROSTER_FILE).read_bytes(), operator_key)
    rounds = SecureRounds(grid, run, lambda newest: newest + 1, deadline_s=3600.0)
    rounds.set_up()
    settings = RoundSettings(seed, 1, is_conditioned=True, min_sites=3, deadline_s=3600.0)
    told = SecureStrategy(rounds, settings).evaluate(state)
    if told is None:
        raise RuntimeError("no site has held-out tubelets")
    return told.auc
