"""Running the real ServerApp and ClientApp over the local grid."""

import dataclasses
from pathlib import Path
from typing import Literal

from fl_protocol.membership import ROSTER_FILE, make_federation
from fl_runtime.atomic_file import write_atomically
from fl_server.server_app import app as server_app
from fl_server.starting_state import CHECKPOINT_FILE
from fl_server.storage import open_storage
from fl_server.storage.trainings import last_committed
from model_zoo.backbones.parts import WHOLE_NETWORK, PartChoice
from simulation.local_grid import LocalGrid

CLIENT_APP = "fl_client.client_app:app"
MEMBERSHIP, OPERATOR_KEY_FILE = "membership", "operator.pub"


Initial = Literal["default", "random"]
"""What a federation starts from: the model that ships, or nothing."""


@dataclasses.dataclass(frozen=True)
class FederationSettings:
    """One training run over all sites."""

    num_rounds: int
    num_steps: int
    seed: int
    initial: Initial
    is_secure: bool
    """Whether the coordinator sees sums of masked updates alone."""
    is_conditioned: bool = True
    target_epsilon: float = 0.0
    """What the rounds may give away of one site, with noise; 0: no noise. Needs ``is_secure``."""
    parts: PartChoice = WHOLE_NETWORK
    """What is trained, and what of it stays at the sites."""


def run_federation(grid: LocalGrid, coordinator_dir: Path, roster_dir: Path, settings: FederationSettings) -> None:
    """Runs the rounds; the training in ``coordinator_dir`` is continued, the model is published there.

    Args:
        grid: Of all sites.
        coordinator_dir: Where the coordinator keeps its files.
        roster_dir: What ``enrol_all`` wrote; read by secure rounds alone.
        settings: Of the run.

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
        "trained-parts": settings.parts.trained_name,
        "personal-parts": settings.parts.personal_name,
    }
    if settings.is_secure:
        run_config |= {"target-epsilon": settings.target_epsilon}
        run_config |= {"roster": str(roster_dir / ROSTER_FILE), "operator-key": str(roster_dir / OPERATOR_KEY_FILE)}
    grid.run_server_app(server_app, run_config)
    _keep_state(coordinator_dir)


def _keep_state(coordinator_dir: Path) -> None:
    """Puts the state after the last round beside the models, as a file."""
    storage = open_storage(None, coordinator_dir)
    try:
        committed = last_committed(storage)
    finally:
        storage.close()
    if committed is not None:
        write_atomically(coordinator_dir / CHECKPOINT_FILE, committed.arrays)


def local_grid(state_dirs: list[Path], num_workers: int) -> LocalGrid:
    """A grid with one node for each site's folder."""
    configs: list[dict[str, bool | float | int | str]] = [
        {"state": str(folder), "membership": str(folder / MEMBERSHIP)} for folder in state_dirs
    ]
    return LocalGrid(CLIENT_APP, configs, num_workers)


def enrol_all(state_dirs: list[Path], roster_dir: Path) -> None:
    """Makes every folder a site of one federation, whose roster is signed by a key that is forgotten at once."""
    folder_of = {f"site-{index:04d}": folder / MEMBERSHIP for index, folder in enumerate(state_dirs)}
    made = make_federation("simulation", list(folder_of))
    for site, folder in folder_of.items():
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in made.files_by_site[site].items():
            (folder / name).write_bytes(content)
    roster_dir.mkdir(parents=True, exist_ok=True)
    (roster_dir / ROSTER_FILE).write_bytes(made.signed_roster)
    (roster_dir / OPERATOR_KEY_FILE).write_text(made.operator_key.hex())
