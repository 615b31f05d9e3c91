"""The Flower ClientApp: the same in the simulation and on the box.

It does one thing: hand a message to ``fl_client.training`` and put the answer into records. An exception's text would
reach the coordinator verbatim, so only the fact of a failure leaves the site; the reason goes to the site's own log.
The folder of the site comes from the node's configuration (``state``).
"""

import logging
from pathlib import Path

import cv2
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Error, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fl_client.errors import StateError
from fl_client.training.site_training import Assignment, evaluate_site, train_site
from fl_protocol import records
from fl_protocol.errors import ProtocolError, RecordError
from model_zoo.architecture import USUAL_NUM_STEPS, NumSteps, checked_num_steps
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters

logger = logging.getLogger(__name__)

SITE_NOT_READY = 1000
"""Error code of a site that has nothing to train on yet or got a message it refuses; application codes start here."""

MAX_COUNT = 1_000_000

app = ClientApp()
cv2.setNumThreads(1)  # objects are cut out of crops so small that sharing one among threads takes longer than the work


@app.train()
def train(message: Message, run_context: Context) -> Message:
    """Trains one round on the site's tubelets."""
    try:
        assignment = _assignment(message)
        result = train_site(_state_dir(run_context), assignment)
    except (StateError, ProtocolError) as error:
        return _refusal(message, error)
    metrics = MetricRecord(
        {
            records.LOSS: result.loss,
            records.NUM_EXAMPLES: result.num_examples,
            records.TUBELET_STEPS: assignment.shape.num_steps,
        }
    )
    content: dict[str, ArrayRecord | MetricRecord | ConfigRecord] = {
        records.UPDATE: ArrayRecord({name: Array(array) for name, array in result.update.items()}),
        records.NORMALITY: ArrayRecord({records.NORMALITY_SUMS: Array(result.normality.vector)}),
        records.METRICS: metrics,
    }
    return Message(RecordDict(content), reply_to=message)


@app.evaluate()
def evaluate(message: Message, run_context: Context) -> Message:
    """Evaluates the received parameters on the site's held-out tubelets."""
    try:
        assignment = _assignment(message)
        report = evaluate_site(_state_dir(run_context), assignment)
    except (StateError, ProtocolError) as error:
        return _refusal(message, error)
    metrics = MetricRecord(
        {
            records.LOSS: report.loss,
            records.AUC: report.auc,
            records.NUM_EXAMPLES: report.num_examples,
            records.TUBELET_STEPS: assignment.shape.num_steps,
        }
    )
    return Message(RecordDict({records.METRICS: metrics}), reply_to=message)


def _assignment(message: Message) -> Assignment:
    settings = message.content.get(records.SETTINGS)
    parameters = message.content.get(records.PARAMETERS)
    if not (isinstance(settings, ConfigRecord) and isinstance(parameters, ArrayRecord)):
        raise RecordError("expected settings and parameters")
    shape = FilmLstmShape.conditioned(bool(settings.get(records.IS_CONDITIONED, True)), _tubelet_steps(settings))
    received = {name: array.numpy() for name, array in parameters.items()}
    records.check_arrays(received, initial_parameters(shape, 0), "parameters")
    round_number, seed, num_steps = (
        _count(settings, name) for name in (records.ROUND_NUMBER, records.SEED, records.NUM_STEPS)
    )
    return Assignment(received, round_number, seed, num_steps, shape)


def _tubelet_steps(settings: ConfigRecord) -> NumSteps:
    try:
        return checked_num_steps(settings.get(records.TUBELET_STEPS, USUAL_NUM_STEPS))
    except ValueError as error:
        raise RecordError(f"settings: {error}") from error


def _count(settings: ConfigRecord, name: str) -> int:
    value = settings.get(name)
    if not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise RecordError(f"settings: expected {name} from 0 to {MAX_COUNT}, got {value!r}")
    return value


def _state_dir(run_context: Context) -> Path:
    state = run_context.node_config.get("state")
    if not isinstance(state, str):
        raise StateError("node configuration: expected state to be the site's folder")
    return Path(state)


def _refusal(message: Message, error: Exception) -> Message:
    logger.warning("message refused", extra={"reason": str(error)})
    return Message(Error(code=SITE_NOT_READY, reason="site not ready"), reply_to=message)
