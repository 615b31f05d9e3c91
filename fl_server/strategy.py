"""One federated round over Flower's grid: send the model, add up what comes back.

Every wait is bounded. A site that answers with an error, with arrays we refuse, or not at all is left out of the
round and logged; a round with fewer survivors than the quorum fails.
"""

import dataclasses
import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MessageType, MetricRecord, RecordDict
from flwr.serverapp import Grid

from fl_protocol import records
from fl_protocol.errors import RecordError
from fl_server.errors import RoundError
from fl_server.robust_update import RobustName, robust_update
from fl_server.rounds.aggregate import Parameters, RoundSums, SiteReply
from fl_server.rounds.checkpoint import TrainingState
from model_zoo.architecture import USUAL_NUM_STEPS
from model_zoo.backbones.parts import WHOLE_NETWORK, PartChoice, only

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class RoundSettings:
    """What stays the same over the rounds of a run."""

    seed: int
    num_steps: int
    is_conditioned: bool
    min_sites: int
    deadline_s: float
    proximal_mu: float = 0.0
    """Pull of local training towards the global parameters (FedProx)."""
    robust: RobustName = "none"
    num_malicious: int = 0
    """Sites that a robust rule has to stand."""
    parts: PartChoice = WHOLE_NETWORK


@dataclasses.dataclass(frozen=True)
class RoundReport:
    """One closed round."""

    round_number: int
    num_survivors: int
    loss: float
    bytes_up: int
    auc: float | None
    """Of the model that the round gave; None where it is not known yet."""
    auc_before: float | None = None
    """Of the model that the round began with, where the round itself told."""


def run_round(
    grid: Grid, node_ids: list[int], state: TrainingState, settings: RoundSettings
) -> tuple[TrainingState, RoundReport]:
    """Trains one round at ``node_ids`` and evaluates its result there.

    Args:
        grid: Where messages go.
        node_ids: The cohort, sorted.
        state: State after the rounds before.
        settings: Seed, steps, quorum and deadline.

    Returns:
        The state after this round, and its report.

    Raises:
        RoundError: Fewer sites than ``settings.min_sites`` delivered an update we accept.
    """
    round_number = state.round_number + 1
    replies = _exchange(grid, node_ids, MessageType.TRAIN, _content(state, settings, round_number), settings)
    summed = only(state.parameters, settings.parts.summed)
    sums, bytes_up, kept = RoundSums.empty(summed, len(state.normality)), 0, list[Message]()
    for reply in replies:
        try:
            sums = sums.add(_site_reply(reply, state, summed))
            bytes_up += _num_bytes(reply)
            kept += [reply] * (settings.robust != "none")  # a mean needs no reply once it is added
        except RecordError as error:
            logger.warning("update refused", extra={"node_id": reply.metadata.src_node_id, "reason": str(error)})
    if sums.num_survivors < settings.min_sites:
        raise RoundError(
            f"round {round_number}: expected at least {settings.min_sites} updates, got {sums.num_survivors}"
        )
    robust = settings.robust
    update = sums.mean_update() if robust == "none" else robust_update(robust, settings.num_malicious, kept)
    parameters, optimizer = state.optimizer.step(state.parameters, update)
    new_state = TrainingState(parameters, sums.normality, optimizer, round_number, state.tubelet_steps)
    auc = _evaluate(grid, node_ids, new_state, settings)
    return new_state, RoundReport(round_number, sums.num_survivors, sums.mean_loss(), bytes_up, auc)


def _evaluate(grid: Grid, node_ids: list[int], state: TrainingState, settings: RoundSettings) -> float | None:
    """Mean over held-out tubelets of how well the model tells pseudo-anomalies from them; ``None`` if none replied."""
    content = _content(state, settings, state.round_number)
    total, num_examples = 0.0, 0
    for reply in _exchange(grid, node_ids, MessageType.EVALUATE, content, settings):
        try:
            metrics = _metrics(reply, records.AUC, state)
            count = int(metrics[records.NUM_EXAMPLES])
            total, num_examples = total + count * metrics[records.AUC], num_examples + count
        except RecordError as error:
            logger.warning("evaluation refused", extra={"node_id": reply.metadata.src_node_id, "reason": str(error)})
    return total / num_examples if num_examples else None


def _content(state: TrainingState, settings: RoundSettings, round_number: int) -> dict[str, ArrayRecord | ConfigRecord]:
    return {
        records.PARAMETERS: ArrayRecord({name: Array(array) for name, array in state.parameters.items()}),
        records.SETTINGS: ConfigRecord(
            {
                records.ROUND_NUMBER: round_number,
                records.SEED: settings.seed,
                records.NUM_STEPS: settings.num_steps,
                records.IS_CONDITIONED: settings.is_conditioned,
                records.TUBELET_STEPS: state.tubelet_steps,
                records.PROXIMAL_MU: settings.proximal_mu,
                records.TRAINED_PARTS: settings.parts.trained_name,
                records.PERSONAL_PARTS: settings.parts.personal_name,
            }
        ),
    }


def _exchange(
    grid: Grid,
    node_ids: list[int],
    message_type: str,
    content: dict[str, ArrayRecord | ConfigRecord],
    settings: RoundSettings,
) -> list[Message]:
    """Sends the same content to every node; the replies without error, in the order of their nodes."""
    messages = [
        Message(RecordDict(dict(content)), dst_node_id=node_id, message_type=message_type, ttl=settings.deadline_s)
        for node_id in node_ids
    ]
    replies = list(grid.send_and_receive(messages, timeout=settings.deadline_s))
    for reply in replies:
        if reply.has_error():
            logger.warning("site failed", extra={"code": reply.error.code, "reason": reply.error.reason})
    if len(replies) < len(node_ids):
        logger.warning("sites did not answer", extra={"expected": len(node_ids), "answered": len(replies)})
    return sorted(_without_errors(replies), key=lambda reply: reply.metadata.src_node_id)


def _without_errors(replies: Iterable[Message]) -> list[Message]:
    return [reply for reply in replies if not reply.has_error()]


def _site_reply(reply: Message, state: TrainingState, summed: Parameters) -> SiteReply:
    """Checks a training reply before it may be added.

    Raises:
        RecordError: A record is missing, of another shape or not finite.
    """
    update = _arrays(reply, records.UPDATE)
    records.check_arrays(update, summed, "update")
    normality = _arrays(reply, records.NORMALITY).get(records.NORMALITY_SUMS)
    if normality is None:
        raise RecordError("normality: expected sums")
    records.check_array(normality, state.normality, "normality sums")
    metrics = _metrics(reply, records.LOSS, state)
    return SiteReply(update, normality, metrics[records.LOSS], int(metrics[records.NUM_EXAMPLES]))


def _arrays(reply: Message, name: str) -> dict[str, npt.NDArray[Any]]:
    record = reply.content.get(name)
    if not isinstance(record, ArrayRecord):
        raise RecordError(f"{name}: expected an array record")
    try:
        return {key: array.numpy() for key, array in record.items()}
    except (ValueError, TypeError, EOFError, OSError) as error:  # whatever NumPy's reader says of other bytes
        raise RecordError(f"{name}: expected arrays that can be read") from error


def _num_bytes(reply: Message) -> int:
    """Bytes of the arrays a site sent."""
    arrays = [record for record in reply.content.values() if isinstance(record, ArrayRecord)]
    return sum(array.numpy().nbytes for record in arrays for array in record.values())


def _metrics(reply: Message, needed: str, state: TrainingState) -> dict[str, float]:
    """The reply's metrics: all finite, with the number of examples and ``needed`` among them, of a network as ours."""
    record = reply.content.get(records.METRICS)
    if not isinstance(record, MetricRecord):
        raise RecordError("metrics: expected a metric record")
    metrics = {name: float(value) for name, value in record.items() if isinstance(value, int | float)}
    if not np.isfinite(list(metrics.values())).all() or not 1 <= metrics.get(records.NUM_EXAMPLES, 0) < 1e9:
        raise RecordError(f"metrics: expected finite values and a positive {records.NUM_EXAMPLES}")
    if needed not in metrics:
        raise RecordError(f"metrics: expected {needed}")
    steps = metrics.get(records.TUBELET_STEPS, USUAL_NUM_STEPS)
    if steps != state.tubelet_steps:
        raise RecordError(f"metrics: expected {records.TUBELET_STEPS} {state.tubelet_steps}, got {steps:g}")
    return metrics
