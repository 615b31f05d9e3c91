"""Running the real ServerApp and ClientApp over the local grid."""

import dataclasses
from pathlib import Path
from typing import Literal

from fl_server.server_app import app as server_app
from simulation.local_grid import LocalGrid

CLIENT_APP = "fl_client.client_app:app"


Initial = Literal["default", "random"]
"""What a federation starts from: the model that ships, or nothing."""


@dataclasses.dataclass(frozen=True)
class FederationSettings:
    """One training run over all sites."""

    num_rounds: int
    num_steps: int
    seed: int
    initial: Initial
    is_conditioned: bool = True


def run_federation(grid: LocalGrid, coordinator_dir: Path, settings: FederationSettings) -> None:
    """Runs the rounds; a training state in ``coordinator_dir`` is continued, the model is published there.

    Raises:
        RoundError: A round lacked updates.
    """
    num_sites = len(list(grid.get_node_ids()))
    run_config: dict[str, bool | float | int | str] = {
        "num-rounds": settings.num_rounds,
        "num-steps": settings.num_steps,
        "seed": settings.seed,
        "min-sites": num_sites,
        "conditioned": settings.is_conditioned,
        "initial": settings.initial,
        "state": str(coordinator_dir),
        "deadline-s": 3600.0,
    }
    grid.run_server_app(server_app, run_config)


def local_grid(state_dirs: list[Path], num_workers: int) -> LocalGrid:
    """A grid with one node for each site's folder."""
    return LocalGrid(CLIENT_APP, [{"state": str(folder)} for folder in state_dirs], num_workers)
