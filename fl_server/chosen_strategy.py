"""The strategy that a run's options ask for: plain rounds, secure ones, or secure ones with noise."""

import dataclasses
import functools
import logging

from flwr.serverapp import Grid

from fl_protocol.errors import RosterError
from fl_server.errors import BudgetError, StartError
from fl_server.noisy_strategy import NoisyRun, NoisyStrategy
from fl_server.rounds.noise_plan import cohort_bounds, noise_plan
from fl_server.rounds.privacy_budget import PrivacyBudget
from fl_server.run_options import RunOptions
from fl_server.secure_rounds import SecureRounds, SecureRun, secure_run
from fl_server.secure_strategy import SecureStrategy
from fl_server.storage import Storage
from fl_server.storage.trainings import Lease, reserve_epoch, store_accountant, stored_accountant
from fl_server.strategy import PlainStrategy, RoundSettings, Strategy

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """What is left to be trained."""

    num_rounds: int
    num_parameters: int
    """Of those that are summed."""


def chosen_strategy(grid: Grid, options: RunOptions, storage: Storage, lease: Lease, plan: TrainingPlan) -> Strategy:
    """Plain rounds without a roster; else secure ones, with noise where it is asked for; all sites are set up then.

    Raises:
        StartError: The roster cannot be used, or the promise of privacy cannot be kept over so many rounds.
    """
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
    run = rostered_run(options)
    rounds = SecureRounds(
        grid,
        run,
        functools.partial(reserve_epoch, storage, lease, run.roster.digest),
        deadline_s=options.deadline_s,
        min_sites=options.min_sites,
        patience=options.patience,
    )
    rounds.set_up()
    logger.info("sites set up", extra={"sites": rounds.num_set_up, "rostered": len(run.roster.sites)})
    if not options.target_epsilon:
        return SecureStrategy(rounds, settings)
    return NoisyStrategy(rounds, settings, _noisy_run(options, rounds, storage, lease, plan))


def rostered_run(options: RunOptions) -> SecureRun:
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


def _noisy_run(
    options: RunOptions, rounds: SecureRounds, storage: Storage, lease: Lease, plan: TrainingPlan
) -> NoisyRun:
    """The noise that the promise, and what is spent of it, ask for."""
    stored = stored_accountant(storage)
    spent = (
        PrivacyBudget(options.target_epsilon, options.target_delta)
        if stored is None
        else PrivacyBudget.from_json(stored)
    )
    budget = spent.promising(options.target_epsilon, options.target_delta)
    try:
        cohort = cohort_bounds(rounds.group, options.min_sites)
        noise = noise_plan(budget, plan.num_rounds, cohort, plan.num_parameters)
    except BudgetError as error:
        raise StartError(str(error)) from error
    facts = {"epsilon": budget.target_epsilon, "delta": budget.target_delta, "spent_epsilon": budget.spent()}
    facts |= {"noise_multiplier": noise.noise.update.noise_multiplier, "fewest_survivors": cohort.fewest_survivors}
    logger.info("noise is on", extra=facts)
    return NoisyRun(noise, budget, functools.partial(store_accountant, storage, lease), options.noise_max_norm)
