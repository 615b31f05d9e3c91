"""The Flower ServerApp: the same in the simulation and at the coordinator.

Its options are the run's configuration (``flwr run APP --run-config '...'``), see ``RunOptions``.

1. A run takes the database's lease: runs that began before it commit nothing any more.
2. Every round is committed whole before the next begins; a round that fails is tried again. Whoever kills this process
   loses the open round at most: the next run goes on from the last committed one.
3. A training is done when all its rounds are committed and the model is published.
"""

import datetime as dt
import functools
import logging
import time

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from context.schedule import STATES
from context.zone import ZONE_KINDS
from fl_protocol.errors import RosterError
from fl_protocol.messages import ClosedRound
from fl_runtime.atomic_file import write_atomically
from fl_server.errors import BudgetError, FencedError, NotFoundError, RoundError, StartError
from fl_server.noisy_strategy import NoisyRun, NoisyStrategy
from fl_server.rounds.checkpoint import TrainingState, encode_state
from fl_server.rounds.noise_plan import cohort_bounds, noise_plan
from fl_server.rounds.privacy_budget import PrivacyBudget
from fl_server.rounds.round_state import Phase, StepDone
from fl_server.run_options import RunOptions
from fl_server.secure_rounds import SecureRounds, SecureRun, secure_run
from fl_server.secure_strategy import SecureStrategy
from fl_server.starting_state import shape_of, starting_state
from fl_server.storage import Storage, open_storage
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
    reserve_epoch,
    store_accountant,
    stored_accountant,
    take_lease,
    want_training,
)
from fl_server.strategy import PlainStrategy, RoundReport, RoundSettings, Strategy
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


def train_and_publish(grid: Grid, options: RunOptions, storage: Storage) -> None:
    """Trains the rounds that are left of a training, from the last committed one, then publishes the model.

    Raises:
        StartError: The options contradict what is there; nothing was changed.
        RoundError: Too few sites came, or a round failed too often; earlier rounds stay committed.
        BudgetError: No further round is within the privacy budget; the model so far is published.
        FencedError: Another run has taken over; nothing was stored since.
    """
    _check_options(options)
    starting_state(options, storage, is_restarted=options.restart)  # a run that cannot begin takes nobody's lease
    training = _training(options, storage)
    lease = take_lease(storage, training.training_id)
    try:
        _train(grid, options, storage, lease)
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


def _train(grid: Grid, options: RunOptions, storage: Storage, lease: Lease) -> None:
    """The rounds that are left, and the publication; see ``train_and_publish``."""
    training = find_training(storage, lease.training_id)
    is_restarted = options.restart and not training.num_committed
    state = starting_state(options, storage, is_restarted=is_restarted)  # others may have committed before the lease
    num_left = training.num_rounds - training.num_committed
    if num_left:
        _wait_for_sites(grid, options.min_sites, options.deadline_s)
        strategy = _strategy(grid, options, storage, lease, state, num_left)
        state = _trained(strategy, options, storage, lease, state, num_left)
    _publish(state, options, storage, lease)
    finish_training(storage, lease)


def _trained(  # noqa: PLR0913, PLR0917  all that rounds need
    strategy: Strategy, options: RunOptions, storage: Storage, lease: Lease, state: TrainingState, num_rounds: int
) -> TrainingState:
    """The state after so many rounds, each of them committed.

    Raises:
        BudgetError: No further round is within the privacy budget; what was trained before is published.
    """
    closed = next((one for one in list_rounds(storage, 1) if one.round_number == state.round_number), None)
    for num_left in range(num_rounds, 0, -1):
        try:
            state, report = _tried(strategy, state, options.retries)
        except BudgetError:
            _publish(state, options, storage, lease)
            raise
        _tell_auc(storage, lease, closed, report.auc_before)
        closed = _commit(storage, lease, state, report)
        if num_left == 1 or not strategy.tells_before:
            _evaluate(strategy, state, storage, lease, closed)
    return state


def _check_options(options: RunOptions) -> None:
    if options.roster is not None:
        _secure_run(options)


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
    if training.status != "wanted":
        raise StartError(f"training: expected one that is wanted, {options.training} is {training.status}")
    return training


def _strategy(  # noqa: PLR0913, PLR0917  all that a run begins with
    grid: Grid, options: RunOptions, storage: Storage, lease: Lease, state: TrainingState, num_rounds: int
) -> Strategy:
    """Plain rounds without a roster; else secure ones, with noise where it is asked for; all sites are set up."""
    settings = RoundSettings(
        options.seed,
        options.num_steps,
        options.is_conditioned,
        options.min_sites,
        options.deadline_s,
        options.proximal_mu,
        options.robust,
        options.num_malicious,
        options.patience,
        options.part_choice,
    )
    if options.roster is None:
        return PlainStrategy(grid, settings)
    run = _secure_run(options)
    rounds = SecureRounds(
        grid,
        run,
        functools.partial(reserve_epoch, storage, lease),
        deadline_s=options.deadline_s,
        min_sites=options.min_sites,
        patience=options.patience,
    )
    rounds.set_up()
    logger.info("sites set up", extra={"sites": rounds.num_set_up, "rostered": len(run.roster.sites)})
    if not options.target_epsilon:
        return SecureStrategy(rounds, settings)
    return NoisyStrategy(rounds, settings, _noisy_run(options, rounds, state, storage, lease, num_rounds))


def _noisy_run(  # noqa: PLR0913, PLR0917  see above
    options: RunOptions, rounds: SecureRounds, state: TrainingState, storage: Storage, lease: Lease, num_rounds: int
) -> NoisyRun:
    """The noise that the promise, and what is spent of it, ask for.

    Raises:
        StartError: The promise cannot be kept over so many rounds.
    """
    stored = stored_accountant(storage)
    spent = (
        PrivacyBudget(options.target_epsilon, options.target_delta)
        if stored is None
        else PrivacyBudget.from_json(stored)
    )
    budget = spent.promising(options.target_epsilon, options.target_delta)
    try:
        cohort = cohort_bounds(rounds.group, options.min_sites)
        num_parameters = sum(array.size for array in only(state.parameters, options.part_choice.summed).values())
        plan = noise_plan(budget, num_rounds, cohort, num_parameters)
    except BudgetError as error:
        raise StartError(str(error)) from error
    facts = {"epsilon": budget.target_epsilon, "delta": budget.target_delta, "spent_epsilon": budget.spent()}
    facts |= {"noise_multiplier": plan.noise.update.noise_multiplier, "fewest_survivors": cohort.fewest_survivors}
    logger.info("noise is on", extra=facts)
    return NoisyRun(plan, budget, functools.partial(store_accountant, storage, lease), options.noise_max_norm)


def _secure_run(options: RunOptions) -> SecureRun:
    """A run over the roster that the options name.

    Raises:
        StartError: A file cannot be read, or the roster is not the operator's.
    """
    if options.roster is None or options.operator_key is None:
        raise StartError("roster: expected operator-key, the public key it is signed with")
    try:
        operator_key = bytes.fromhex(options.operator_key.read_text().strip())
        return secure_run(options.roster.read_bytes(), operator_key)
    except (OSError, ValueError, RosterError) as error:
        raise StartError(f"{options.roster}: {error}") from error


def _wait_for_sites(grid: Grid, min_sites: int, deadline_s: float) -> None:
    give_up = time.monotonic() + deadline_s
    while (num_sites := len(list(grid.get_node_ids()))) < min_sites:
        if time.monotonic() > give_up:
            raise RoundError(f"expected at least {min_sites} sites within {deadline_s:g} s, got {num_sites}")
        time.sleep(_POLL_S)


def _tried(strategy: Strategy, state: TrainingState, retries: int) -> tuple[TrainingState, RoundReport]:
    """One round, tried again when it fails.

    Raises:
        RoundError: It failed more than ``retries`` times.
        BudgetError: No further round is within the privacy budget.
    """
    pause_s = _FIRST_PAUSE_S
    for num_left in range(retries, -1, -1):
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


def _commit(storage: Storage, lease: Lease, state: TrainingState, report: RoundReport) -> ClosedRound:
    """Keeps a round.

    Raises:
        FencedError: Another run has taken over; nothing is stored.
    """
    closed = ClosedRound(
        training_id=lease.training_id,
        round_number=report.round_number,
        closed_utc=dt.datetime.now(dt.UTC),
        num_sites=report.num_survivors,
        loss=report.loss,
        auc=None,
        bytes_up=report.bytes_up,
        model_digest=None,
    )
    finished = FinishedRound(closed, encode_state(state), report.cohort, report.secure_epoch)
    commit_round(storage, lease, finished)
    report.running.tell(StepDone(Phase.AGGREGATED, time.monotonic()))
    facts = {"round_number": report.round_number, "loss": report.loss, "survivors": report.num_survivors}
    logger.info("round closed", extra=facts | {"bytes_up": report.bytes_up})
    return closed


def _tell_auc(storage: Storage, lease: Lease, closed: ClosedRound | None, auc: float | None) -> None:
    """Completes the record of a round by what was told of it later."""
    if closed is not None and auc is not None:
        complete_round(storage, lease, closed.model_copy(update={"auc": auc}))
        logger.info("round evaluated", extra={"round_number": closed.round_number, "auc": auc})


def _evaluate(strategy: Strategy, state: TrainingState, storage: Storage, lease: Lease, closed: ClosedRound) -> None:
    """Has sites tell how good a model is; one that cannot be told keeps no model back."""
    try:
        _tell_auc(storage, lease, closed, strategy.evaluate(state))
    except RoundError as error:
        logger.warning("model not evaluated", extra={"reason": str(error)})


def _publish(state: TrainingState, options: RunOptions, storage: Storage, lease: Lease) -> None:
    network = network_with(shape_of(options), state.parameters)
    metadata = ModelMetadata(
        state.round_number,
        network.shape.code_size,
        network.shape.num_context,
        network.shape.num_steps,
        tuple(ZONE_KINDS),
        tuple(STATES),
        tuple(state.normality.tolist()),
        personal_parts=options.personal_parts,
    )
    fp32 = export_onnx(network, metadata)
    int8 = quantize_int8(fp32)
    write_atomically(options.state_folder / FP32_FILE, fp32)
    write_atomically(options.state_folder / INT8_FILE, int8)
    card = {
        "round_number": state.round_number,
        "precision": "int8",
        "is_masked": options.roster is not None,
        "seed": options.seed,
    }
    publish_trained(storage, lease, int8, card, state.round_number)
