"""Plain averaging by Flower's own strategy, with clients that do next to nothing; the same on our grid and on Ray."""

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from benchmarks.simulation_scale.job import Job

_MODEL = "model"
_LARGEST_ERROR = 1e-3
"""Relative, of a mean that Flower adds up in float32."""

client_app = ClientApp()


@client_app.train()
def train(message: Message, _context: Context) -> Message:
    """Answers with the model it got, one higher."""
    model = message.content["arrays"]
    if not isinstance(model, ArrayRecord):
        raise TypeError("arrays: expected an array record")
    trained = ArrayRecord({_MODEL: Array(model[_MODEL].numpy() + np.float32(1.0))})
    return Message(
        RecordDict({"arrays": trained, "metrics": MetricRecord({"num-examples": 1})}),
        reply_to=message,
    )


def server_app(job: Job) -> ServerApp:
    """A ServerApp that asks all clients in every round, and marks when each has ended."""
    app = ServerApp()

    @app.main()
    def main(grid: Grid, _context: Context) -> None:
        everybody = job.num_clients
        strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=everybody, min_available_nodes=everybody)

        def ended(round_number: int, model: ArrayRecord) -> MetricRecord:
            if round_number:
                _check(model, round_number)
                job.mark()
            return MetricRecord()

        first = ArrayRecord({_MODEL: Array(np.zeros(job.num_parameters, dtype=np.float32))})
        strategy.start(grid, first, job.num_rounds, timeout=job.deadline_s, evaluate_fn=ended)

    return app


def _check(model: ArrayRecord, round_number: int) -> None:
    mean = model[_MODEL].numpy()
    if not np.allclose(mean, round_number, rtol=_LARGEST_ERROR):
        raise ArithmeticError(
            f"expected a model of {round_number} after as many rounds, got {mean.min()}..{mean.max()}"
        )
