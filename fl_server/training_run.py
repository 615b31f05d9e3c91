"""One run of a training: takes over from the run before, trains the rounds that are left, publishes the model."""

import datetime as dt
import logging
import time

from flwr.serverapp import Grid

from context.schedule import STATES
from context.zone import ZONE_KINDS
from fl_protocol.messages import ClosedRound
from fl_runtime.atomic_file import write_atomically
from fl_server.chosen_strategy import TrainingPlan, chosen_strategy, rostered_run
from fl_server.errors import BudgetError, FencedError, NotFoundError, RoundError, StartError
from fl_server.rounds.checkpoint import TrainingState, encode_state
from fl_server.rounds.round_state import Phase, StepDone
from fl_server.run_options import RunOptions
from fl_server.starting_state import shape_of, starting_state
from fl_server.storage import Storage
from fl_server.storage.rounds import list_rounds
from fl_server.storage.trainings import (
    FinishedRound,
    Lease,
    Training,
    commit_round,
    complete_round,
    find_training,
    finish_training,
    publish_trained,
    take_lease,
    want_training,
)
from fl_server.strategy import HeldOut, RoundReport, Strategy
from model_zoo.backbones.parameters import network_with
from model_zoo.backbones.parts import only
from model_zoo.export.onnx_export import export_onnx
from model_zoo.export.quantize import quantize_int8
from model_zoo.onnx_model import ModelMetadata

logger = logging.getLogger(__name__)

FP32_FILE, INT8_FILE = "model.onnx", "model.int8.onnx"
_POLL_S = 0.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
"""Between tries of a round: sites may have to start again first."""


def train_and_publish(grid: Grid, options: RunOptions, storage: Storage) -> None:
    """Trains the rounds that are left of a training, from the last committed one, then publishes the model.

    Raises:
        StartError: The options contradict what is there; nothing was changed.
        RoundError: Too few sites came, or a round failed too often; earlier rounds stay committed.
        BudgetError: No further round is within the privacy budget; the model so far is published.
        FencedError: Another run has taken over; nothing was stored since.
    """
    if options.roster is not None:
        rostered_run(options)
    starting_state(options, storage, is_restarted=options.restart)  # a run that cannot begin takes nobody's lease
    training = _training(options, storage)
    lease = take_lease(storage, training.training_id)
    _check_wanted(find_training(storage, training.training_id))  # it may have ended before the lease was ours
    try:
        TrainingRun(grid, options, storage, lease).train()
    except FencedError as error:
        logger.error("another run has taken over", extra={"reason": str(error)})  # noqa: TRY400  no defect, no trace
        raise
    except BudgetError as error:
        finish_training(storage, lease, failure=f"privacy budget used up: {error}")
        raise
    except (RoundError, StartError) as error:
        if not training.is_supervised:  # nobody is going to start it again
            finish_training(storage, lease, failure=str(error))
        raise


def _training(options: RunOptions, storage: Storage) -> Training:
    """The training that the options name, or a new one that nobody starts again.

    Raises:
        StartError: There is no such training, or it is over.
    """
    if not options.training:
        return want_training(storage, options.num_rounds, {}, is_supervised=False)
    try:
        training = find_training(storage, options.training)
    except NotFoundError as error:
        raise StartError(f"training: {error}") from error
    _check_wanted(training)
    return training


def _check_wanted(training: Training) -> None:
    """Refuses a training that has ended.

    Raises:
        StartError: The training is over.
    """
    if training.status != "wanted":
        raise StartError(f"training: expected one that is wanted, {training.training_id} is {training.status}")


class TrainingRun:
    """The work of one run under its lease. What it raises is what ``train_and_publish`` raises.

    Args:
        grid: Of all sites.
        options: Of the run.
        storage: The open storage.
        lease: The run's.
    """

    def __init__(self, grid: Grid, options: RunOptions, storage: Storage, lease: Lease) -> None:
        self._grid, self._options, self._storage, self._lease = grid, options, storage, lease

    def train(self) -> None:
        """Trains the rounds that are left, publishes the model, and ends the training."""
        options, storage = self._options, self._storage
        training = find_training(storage, self._lease.training_id)
        is_restarted = options.restart and not training.num_committed
        state = starting_state(
            options, storage, is_restarted=is_restarted
        )  # others may have committed before the lease
        num_left = training.num_rounds - training.num_committed
        if num_left:
            self._wait_for_sites()
            summed = only(state.parameters, options.part_choice.summed)
            plan = TrainingPlan(num_left, sum(array.size for array in summed.values()))
            strategy = chosen_strategy(self._grid, options, storage, self._lease, plan)
            state = self.train_rounds(strategy, state, num_left)
        self._publish(state)
        finish_training(storage, self._lease)

    def train_rounds(self, strategy: Strategy, state: TrainingState, num_rounds: int) -> TrainingState:
        """The state after so many rounds, each of them committed."""
        newest = list_rounds(self._storage, 1)
        closed = next((one for one in newest if one.round_number == state.round_number), None)
        for num_left in range(num_rounds, 0, -1):
            try:
                state, report = self._tried(strategy, state)
            except BudgetError:
                self._publish(state)
                raise
            self._tell_held_out(closed, report.before)
            closed = self._commit(state, report)
            if num_left == 1 or not strategy.tells_before:
                self.evaluate(strategy, state, closed)
        return state

    def evaluate(self, strategy: Strategy, state: TrainingState, closed: ClosedRound) -> None:
        """Has sites tell how good a model is; one that cannot be told keeps no model back."""
        try:
            self._tell_held_out(closed, strategy.evaluate(state))
        except RoundError as error:
            logger.warning("model not evaluated", extra={"reason": str(error)})

    def _wait_for_sites(self) -> None:
        expected, deadline_s = self._options.min_sites, self._options.deadline_s
        give_up = time.monotonic() + deadline_s
        while (num_sites := len(list(self._grid.get_node_ids()))) < expected:
            if time.monotonic() > give_up:
                raise RoundError(f"expected at least {expected} sites within {deadline_s:g} s, got {num_sites}")
            time.sleep(_POLL_S)

    def _tried(self, strategy: Strategy, state: TrainingState) -> tuple[TrainingState, RoundReport]:
        """One round, tried again when it fails."""
        pause_s = _FIRST_PAUSE_S
        for num_left in range(self._options.retries, -1, -1):
            try:
                return strategy.run_round(state)
            except RoundError as error:
                if not num_left:
                    raise
                facts = {"reason": str(error), "tries_left": num_left, "pause_s": pause_s}
                logger.warning("round failed; it is tried again", extra=facts)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        raise AssertionError("the last try returns or raises")

    def _commit(self, state: TrainingState, report: RoundReport) -> ClosedRound:
        """Keeps a round."""
        closed = ClosedRound(
            training_id=self._lease.training_id,
            round_number=report.round_number,
            closed_utc=dt.datetime.now(dt.UTC),
            num_sites=report.num_survivors,
            loss=report.loss,
            auc=None,
            bytes_up=report.bytes_up,
            model_digest=None,
        )
        finished = FinishedRound(closed, encode_state(state), report.cohort, report.secure_epoch)
        commit_round(self._storage, self._lease, finished)
        report.running.tell(StepDone(Phase.AGGREGATED, time.monotonic()))
        facts = {"round_number": report.round_number, "loss": report.loss, "survivors": report.num_survivors}
        logger.info("round closed", extra=facts | {"bytes_up": report.bytes_up})
        return closed

    def _tell_held_out(self, closed: ClosedRound | None, told: HeldOut | None) -> None:
        """Completes the record of a round by what was told of it later."""
        if closed is not None and told is not None:
            facts = {"auc": told.auc, "auc_by_state": dict(told.auc_by_state)}
            complete_round(self._storage, self._lease, closed.model_copy(update=facts))
            logger.info("round evaluated", extra={"round_number": closed.round_number} | facts)

    def _publish(self, state: TrainingState) -> None:
        network = network_with(shape_of(self._options), state.parameters)
        metadata = ModelMetadata(
            state.round_number,
            network.shape.code_size,
            network.shape.num_context,
            network.shape.num_steps,
            tuple(ZONE_KINDS),
            tuple(STATES),
            tuple(state.normality.tolist()),
            personal_parts=self._options.personal_parts,
        )
        fp32 = export_onnx(network, metadata)
        int8 = quantize_int8(fp32)
        write_atomically(self._options.state_folder / FP32_FILE, fp32)
        write_atomically(self._options.state_folder / INT8_FILE, int8)
        card = {
            "round_number": state.round_number,
            "precision": "int8",
            "is_masked": self._options.roster is not None,
            "seed": self._options.seed,
        }
        publish_trained(self._storage, self._lease, int8, card, state.round_number)
