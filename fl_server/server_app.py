"""The Flower ServerApp: the same in the simulation and at the coordinator.

Its options are the run's configuration (``flwr run APP --run-config '...'``), see ``RunOptions``.

1. A run takes the database's lease: runs that began before it commit nothing any more.
2. Every round is committed whole before the next begins; a round that fails is tried again. Whoever kills this process
   loses the open round at most: the next run goes on from the last committed one.
3. A training is done when all its rounds are committed and the model is published.
"""

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from fl_server.run_options import RunOptions
from fl_server.storage import open_storage
from fl_server.training_run import train_and_publish

app = ServerApp()


@app.main()
def main(grid: Grid, run_context: Context) -> None:
    """Runs the configured rounds and publishes the result."""
    options = RunOptions.model_validate(run_context.run_config)
    storage = open_storage(options.database or None, options.state_folder)
    try:
        train_and_publish(grid, options, storage)
    finally:
        storage.close()
