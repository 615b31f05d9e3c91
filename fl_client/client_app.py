"""The Flower ClientApp: the same in the simulation and on the box.

It does one thing: hand a message to ``fl_client.training`` and put the answer into records. An exception's text would
reach the coordinator verbatim, so only the fact of a failure leaves the site; the reason goes to the site's own log.
The folder of the site comes from the node's configuration (``state``).

Flower starts a process for every message. What only hands a message on to the trainer must not load torch, so training
is imported where it is done.
"""

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Error, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fl_client.errors import StateError
from fl_client.training.trainer_process import ask_trainer
from fl_protocol import records
from fl_protocol.errors import ProtocolError, RecordError
from model_zoo.architecture import USUAL_NUM_STEPS, NumSteps, checked_num_steps
from model_zoo.backbones.parts import PartChoice

if TYPE_CHECKING:
    from fl_client.training.site_training import Assignment
    from fl_client.training.trainer import Trainer

logger = logging.getLogger(__name__)

SITE_NOT_READY = 1000
"""Error code of a site that has nothing to train on yet or got a message it refuses; application codes start here."""

MAX_COUNT, MAX_PROXIMAL_MU = 1_000_000, 1000.0

TRAINER, TRAINER_PROCESS = "trainer", "process"
"""Node configuration of a box: Flower starts a process for every message, so secrets live in one of our own."""

app = ClientApp()


@app.train()
def train(message: Message, run_context: Context) -> Message:
    """Trains one round on the site's tubelets."""
    from fl_client.training.site_training import train_site

    try:
        assignment = _assignment(message, run_context)
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
    from fl_client.training.site_training import evaluate_site

    try:
        assignment = _assignment(message, run_context)
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


@app.query(records.SET_UP)
def set_up(message: Message, run_context: Context) -> Message:
    """Tells this site's channel key for a run of secure rounds."""
    return _answered(message, run_context, records.SET_UP)


@app.query(records.KEYS)
def keys(message: Message, run_context: Context) -> Message:
    """Makes and shares the keys of an epoch."""
    return _answered(message, run_context, records.KEYS)


@app.train(records.MASKED)
def train_masked(message: Message, run_context: Context) -> Message:
    """Trains one round and answers under masks; also evaluates the parameters it received."""
    return _answered(message, run_context, records.MASKED)


@app.query(records.UNMASK)
def unmask(message: Message, run_context: Context) -> Message:
    """Reveals shares, and gives the keys of the next epoch where they are asked for."""
    return _answered(message, run_context, records.UNMASK)


def _assignment(message: Message, run_context: Context) -> "Assignment":
    """What a plain round asks; a box on a roster gives nothing outside masks, whoever asks.

    Raises:
        RecordError: The message cannot be read, or this site takes part under masks alone.
    """
    from fl_client.training.site_training import Assignment
    from model_zoo.backbones.film_lstm import FilmLstmShape
    from model_zoo.backbones.parameters import initial_parameters

    if run_context.node_config.get(TRAINER) == TRAINER_PROCESS:
        raise RecordError("expected a round under masks: this site is on a roster")
    settings = message.content.get(records.SETTINGS)
    if not isinstance(settings, ConfigRecord):
        raise RecordError("expected settings")
    shape = FilmLstmShape.conditioned(bool(settings.get(records.IS_CONDITIONED, True)), _tubelet_steps(settings))
    received = _arrays(message, records.PARAMETERS)
    records.check_arrays(received, initial_parameters(shape, 0), "parameters")
    round_number, seed, num_steps = (
        _count(settings, name) for name in (records.ROUND_NUMBER, records.SEED, records.NUM_STEPS)
    )
    return Assignment(received, round_number, seed, num_steps, shape, _proximal_mu(settings), _parts(settings))


def _tubelet_steps(settings: ConfigRecord) -> NumSteps:
    try:
        return checked_num_steps(settings.get(records.TUBELET_STEPS, USUAL_NUM_STEPS))
    except ValueError as error:
        raise RecordError(f"settings: {error}") from error


def _proximal_mu(settings: ConfigRecord) -> float:
    value = settings.get(records.PROXIMAL_MU, 0.0)
    if not isinstance(value, float) or not 0.0 <= value <= MAX_PROXIMAL_MU:
        raise RecordError(f"settings: expected {records.PROXIMAL_MU} from 0 to {MAX_PROXIMAL_MU:g}, got {value!r}")
    return value


def _parts(settings: ConfigRecord) -> PartChoice:
    trained, personal = settings.get(records.TRAINED_PARTS, "all"), settings.get(records.PERSONAL_PARTS, "none")
    try:
        return PartChoice(str(trained), str(personal))
    except ValueError as error:
        raise RecordError(f"settings: {error}") from error


def _count(settings: ConfigRecord, name: str) -> int:
    value = settings.get(name)
    if not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise RecordError(f"settings: expected {name} from 0 to {MAX_COUNT}, got {value!r}")
    return value


def _state_dir(run_context: Context) -> Path:
    return _node_folder(run_context, "state")


def _node_folder(run_context: Context, name: str) -> Path:
    folder = run_context.node_config.get(name)
    if not isinstance(folder, str):
        raise StateError(f"node configuration: expected {name} to be a folder of the site")
    return Path(folder)


def _refusal(message: Message, error: Exception) -> Message:
    logger.warning("message refused", extra={"reason": str(error)})
    return Message(Error(code=SITE_NOT_READY, reason="site not ready"), reply_to=message)


def _answered(message: Message, run_context: Context, action: str) -> Message:
    """Asks the trainer: its process where the node has one (``trainer``), else one in this process."""
    try:
        parts = records.byte_parts(_arrays(message, records.SECURE))
        parameters = _arrays(message, records.PARAMETERS) if action == records.MASKED else {}
        state_dir = _state_dir(run_context)
        if run_context.node_config.get(TRAINER) == TRAINER_PROCESS:
            answers = ask_trainer(state_dir, action, parts, parameters)
        else:
            answers = _own_trainer(_node_folder(run_context, "membership"), state_dir).answer(action, parts, parameters)
    except (StateError, ProtocolError) as error:
        return _refusal(message, error)
    record = ArrayRecord({name: Array(part) for name, part in records.byte_arrays(answers).items()})
    return Message(RecordDict({records.SECURE: record}), reply_to=message)


@functools.cache
def _own_trainer(membership_dir: Path, state_dir: Path) -> "Trainer":
    """The one of this process: its secrets live as long as the process."""
    from fl_client.training.trainer import Trainer

    return Trainer(membership_dir, state_dir)


def _arrays(message: Message, name: str) -> dict[str, npt.NDArray[Any]]:
    record = message.content.get(name)
    if not isinstance(record, ArrayRecord):
        raise RecordError(f"{name}: expected an array record")
    return {key: array.numpy() for key, array in record.items()}
