"""One federated round over Flower's grid: send the model, add up what comes back.

Every wait is bounded. A site that answers with an error, with arrays we refuse, or not at all is left out of the
round and logged; a round with fewer survivors than the quorum fails.
"""

import dataclasses
import logging
import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MessageType, MetricRecord
from flwr.serverapp import Grid

from fl_protocol import records
from fl_protocol.errors import RecordError
from fl_server.grid_exchange import Handlers, QuorumWaiting, RunningRound, exchange
from fl_server.robust_update import RobustName, robust_update
from fl_server.rounds.aggregate import OrderedSums, Parameters, RoundSums, SiteReply
from fl_server.rounds.checkpoint import TrainingState
from fl_server.rounds.round_state import USUAL_PATIENCE, Patience, plain_plan
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
    patience: Patience = USUAL_PATIENCE
    """With stragglers."""
    parts: PartChoice = WHOLE_NETWORK


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """How well a model tells the sites' held-out tubelets from pseudo-anomalies."""

    auc: float
    """The sites' own, weighted by their tubelets."""
    auc_by_state: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """The same of each operational state in which there were any; empty where only the whole was told."""


@dataclasses.dataclass(frozen=True)
class RoundReport:
    """One closed round."""

    round_number: int
    num_survivors: int
    loss: float
    bytes_up: int
    before: HeldOut | None
    """Of the model that the round began with, where the round itself told."""
    cohort: tuple[str, ...]
    """Who was asked: nodes, or places on the roster."""
    secure_epoch: int | None
    """Of the secure sum; None for a plain round."""
    running: RunningRound
    """Aggregated, not committed yet."""


class Strategy(Protocol):
    """How rounds are run."""

    tells_before: bool
    """Whether each round tells how good the model was that it began with, so that but the last has to be evaluated."""

    def run_round(self, state: TrainingState) -> tuple[TrainingState, RoundReport]:
        """Trains one round.

        Raises:
            RoundError: It failed; the next try begins anew.
            BudgetError: No further round is within the privacy budget.
        """

    def evaluate(self, state: TrainingState) -> HeldOut | None:
        """How good a model is; None where nobody can tell.

        Raises:
            RoundError: Too few sites told.
        """


class PlainStrategy:
    """Rounds in which the coordinator sees every update.

    Args:
        grid: Of all sites.
        settings: Of the run.
    """

    tells_before = False

    def __init__(self, grid: Grid, settings: RoundSettings) -> None:
        self._grid, self._settings = grid, settings

    def run_round(self, state: TrainingState) -> tuple[TrainingState, RoundReport]:
        """See ``Strategy``."""
        return run_round(self._grid, sorted(self._grid.get_node_ids()), state, self._settings)

    def evaluate(self, state: TrainingState) -> HeldOut | None:
        """See ``Strategy``."""
        return evaluate(self._grid, sorted(self._grid.get_node_ids()), state, self._settings)


def run_round(
    grid: Grid, node_ids: list[int], state: TrainingState, settings: RoundSettings
) -> tuple[TrainingState, RoundReport]:
    """Trains one round at ``node_ids``.

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
    plan = plain_plan(settings.deadline_s, settings.min_sites, settings.patience)
    running = RunningRound(grid, round_number, node_ids, plan)
    running.all_have_answered()  # a plain round needs nothing of a site before its update
    summed, robust = only(state.parameters, settings.parts.summed), settings.robust
    ordered = OrderedSums(node_ids, RoundSums.empty(summed, len(state.normality)))
    bytes_up, kept = list[int](), dict[int, Message]()

    def take(node_id: int, reply: Message) -> str | None:
        try:
            ordered.add(node_id, _site_reply(reply, state, summed))
        except RecordError as error:
            logger.warning("update refused", extra={"node_id": node_id, "reason": str(error)})
            ordered.add(node_id, None)
            return str(error)
        bytes_up.append(_num_bytes(reply))
        kept.update({node_id: reply} if robust != "none" else {})  # a mean needs no reply once it is added
        return None

    content = _content(state, settings, round_number)
    handlers = Handlers(take, lambda node_id: ordered.add(node_id, None))
    running.ask(dict.fromkeys(node_ids, (MessageType.TRAIN, content)), handlers)
    sums = ordered.finish()
    replies = [reply for _, reply in sorted(kept.items())]
    update = sums.mean_update() if robust == "none" else robust_update(robust, settings.num_malicious, replies)
    parameters, optimizer = state.optimizer.step(state.parameters, update)
    new_state = TrainingState(parameters, sums.normality, optimizer, round_number, state.tubelet_steps)
    cohort = tuple(map(str, node_ids))
    report = RoundReport(round_number, sums.num_survivors, sums.mean_loss(), sum(bytes_up), None, cohort, None, running)
    return new_state, report


def evaluate(grid: Grid, node_ids: list[int], state: TrainingState, settings: RoundSettings) -> HeldOut | None:
    """How good the model is; ``None`` if no site replied that has held-out tubelets."""
    content, told = _content(state, settings, state.round_number), list[tuple[int, float]]()

    def take(node_id: int, reply: Message) -> str | None:
        try:
            metrics = _metrics(reply, records.AUC, state)
        except RecordError as error:
            logger.warning("evaluation refused", extra={"node_id": node_id, "reason": str(error)})
            return str(error)
        told.append((int(metrics[records.NUM_EXAMPLES]), metrics[records.AUC]))
        return None

    waiting = QuorumWaiting(settings.deadline_s, settings.min_sites, settings.patience)
    contents = dict.fromkeys(node_ids, (MessageType.EVALUATE, content))
    exchange(grid, contents, settings.deadline_s, Handlers(take), waiting)
    num_examples = sum(count for count, _ in told)
    return HeldOut(math.fsum(count * auc for count, auc in told) / num_examples) if num_examples else None


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
