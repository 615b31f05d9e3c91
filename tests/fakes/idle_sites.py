"""A ClientApp that watches and learns nothing: it answers at once, and every update moves the model a little."""

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fl_protocol import records
from model_zoo.architecture import USUAL_NUM_STEPS, empty_fleet_normality

STEP = np.float32(1e-3)

client_app = ClientApp()


@client_app.train()
def train(message: Message, _context: Context) -> Message:
    """The same small step for every parameter."""
    parameters = message.content[records.PARAMETERS]
    if not isinstance(parameters, ArrayRecord):
        raise TypeError("expected parameters")
    update = {name: np.full(array.numpy().shape, STEP) for name, array in parameters.items()}
    content: dict[str, ArrayRecord | MetricRecord | ConfigRecord] = {
        records.UPDATE: ArrayRecord({name: Array(array) for name, array in update.items()}),
        records.NORMALITY: ArrayRecord({records.NORMALITY_SUMS: Array(empty_fleet_normality())}),
        records.METRICS: _metrics({records.LOSS: 0.5}),
    }
    return Message(RecordDict(content), reply_to=message)


@client_app.evaluate()
def evaluate(message: Message, _context: Context) -> Message:
    """As good as a guess."""
    return Message(RecordDict({records.METRICS: _metrics({records.AUC: 0.5})}), reply_to=message)


def _metrics(told: dict[str, float]) -> MetricRecord:
    return MetricRecord({**told, records.NUM_EXAMPLES: 10, records.TUBELET_STEPS: USUAL_NUM_STEPS})
