"""A ServerApp that trains a tiny model by real rounds, and commits each under the lease of its training."""

import datetime as dt
import time
from pathlib import Path

import numpy as np
from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from fl_protocol.messages import ClosedRound
from fl_server.rounds.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer
from fl_server.storage import Storage, open_storage, publish_model
from fl_server.storage.trainings import (
    FinishedRound,
    Lease,
    commit_round,
    find_training,
    finish_training,
    last_committed,
    take_lease,
)
from fl_server.strategy import RoundReport, RoundSettings, run_round
from model_zoo.architecture import empty_fleet_normality

_POLL_S = 0.2

server_app = ServerApp()


@server_app.main()
def main(grid: Grid, run_context: Context) -> None:
    """Trains until all rounds of ``training`` are there."""
    options = run_context.run_config
    num_rounds, min_sites = int(options["num-rounds"]), int(options["min-sites"])
    storage = open_storage(None, Path(str(options["state"])))
    lease = take_lease(storage, str(options["training"]))
    settings = RoundSettings(0, 1, is_conditioned=True, min_sites=min_sites, deadline_s=float(options["deadline-s"]))
    state = _last_state(storage, storage.folder / f"{lease.epoch}.npz")
    while find_training(storage, lease.training_id).num_committed < num_rounds:
        while len(nodes := sorted(grid.get_node_ids())) < min_sites:  # asked anew: a SuperNode may be another by now
            time.sleep(_POLL_S)
        state, report = run_round(grid, nodes, state, settings)
        _commit(storage, lease, state, report)
    publish_model(storage, b"a tiny model", {}, state.round_number)
    finish_training(storage, lease)
    storage.close()


def _last_state(storage: Storage, path: Path) -> TrainingState:
    committed = last_committed(storage)
    if committed is None:
        tiny = {"weight": np.zeros((3, 4), dtype=np.float32)}
        return TrainingState(tiny, empty_fleet_normality(), ServerOptimizer(), 0)
    path.write_bytes(committed.arrays)
    return load_checkpoint(path, ServerOptimizer())


def _commit(storage: Storage, lease: Lease, state: TrainingState, report: RoundReport) -> None:
    path = storage.folder / f"{lease.epoch}.npz"
    save_checkpoint(state, path)
    closed = ClosedRound(
        training_id=lease.training_id,
        round_number=report.round_number,
        closed_utc=dt.datetime.now(dt.UTC),
        num_sites=report.num_survivors,
        loss=report.loss,
        bytes_up=report.bytes_up,
    )
    commit_round(storage, lease, FinishedRound(closed, path.read_bytes(), ("all",)))
