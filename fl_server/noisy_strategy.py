"""Training by secure rounds with noise: what the coordinator learns of all rounds together stays within a budget.

1. A round is paid for, on the disk, when its survivors are known and before anything opens their sum.
2. Only what is noised travels. So the normality of the fleet stays as it was, examples are not counted, and the last
   model, which no round evaluates, is not evaluated.
3. The norm bound follows a quantile of the sites' norms by one noised bit of each, and is committed with the round.
"""

import dataclasses
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from fl_protocol.noisy_vector import LARGEST_LOSS, NoisyTotals, NoisyVector, noisy_totals
from fl_protocol.norm_quantile import next_max_norm
from fl_protocol.privacy import check_survivors
from fl_protocol.round_vector import RoundSettingsMessage, noisy_round_vector
from fl_server.rounds.checkpoint import TrainingState
from fl_server.rounds.noise_plan import NoisePlan
from fl_server.rounds.privacy_budget import PrivacyBudget
from fl_server.rounds.update_bounds import UpdateBounds
from fl_server.secure_rounds import SecureRounds
from fl_server.secure_strategy import report_of, shaped, terms_of
from fl_server.strategy import HeldOut, RoundReport, RoundSettings
from model_zoo.backbones.parts import only

logger = logging.getLogger(__name__)

QUANTILE, QUANTILE_RATE = 0.5, 0.2
"""The bound follows the sites' median norm, by about a tenth in a round at most: the values of Andrew et al. (2021)."""
LARGEST_TOLD_DEVIATION = 0.05
"""An AUC whose noise is larger is not told: it would be read as if it meant something."""

StoreAccountant = Callable[[Mapping[str, Any]], None]
"""Keeps a budget's state; on the disk when it returns."""


@dataclasses.dataclass(frozen=True)
class NoisyRun:
    """What a run with noise begins with."""

    plan: NoisePlan
    """The noise of every round."""
    budget: PrivacyBudget
    """What is promised, and was spent before."""
    store: StoreAccountant
    first_max_norm: float
    """L2 bound of an update where no round before has taught another."""


class NoisyStrategy:
    """Rounds in which the coordinator sees noised sums alone.

    Args:
        rounds: Set up.
        settings: Of the run.
        run: Noise and budget.
    """

    tells_before = True

    def __init__(self, rounds: SecureRounds, settings: RoundSettings, run: NoisyRun) -> None:
        self._rounds, self._settings, self._plan, self._store = rounds, settings, run.plan, run.store
        terms = terms_of(settings, run.first_max_norm)
        self._first = UpdateBounds(max_norm=run.first_max_norm, max_examples=1, terms=terms)
        self.budget = run.budget
        """What is promised, and spent."""

    def run_round(self, state: TrainingState) -> tuple[TrainingState, RoundReport]:
        """Trains one round.

        Raises:
            RoundError: Too few sites had keys, delivered or revealed; if it was paid for, it stays paid for.
            BudgetError: The round would spend more than is left; nothing of it was opened.
        """
        told = self._told(state)
        summed_parameters = only(state.parameters, self._settings.parts.summed)
        num_summed = sum(array.size for array in summed_parameters.values())
        vector = noisy_round_vector(told, self._plan.noise, num_summed)
        summed = self._rounds.sum_round(state.parameters, told, vector.layout, self._pay)
        totals = noisy_totals(summed.values, summed.num_survivors, vector)
        before = self._told_before(totals, vector, summed.num_survivors)
        loss = min(max(totals.mean_loss, 0.0), LARGEST_LOSS)
        report = report_of(summed, told.round_number, loss, before)
        max_norm = next_max_norm(told.max_norm, totals.inside_fraction, QUANTILE, QUANTILE_RATE)
        bounds = self._first.taught(max_norm, max_examples=1)
        facts = {"round_number": told.round_number, "epsilon": self.budget.spent(), "next_max_norm": bounds.max_norm}
        logger.info("privacy spent", extra=facts)
        parameters, optimizer = state.optimizer.step(state.parameters, shaped(totals.mean_update, summed_parameters))
        trained = TrainingState(parameters, state.normality, optimizer, told.round_number, state.tubelet_steps, bounds)
        return trained, report

    def evaluate(self, state: TrainingState) -> HeldOut | None:  # noqa: ARG002  it would cost as much as a round
        """Nothing is told of the last model (rule 2)."""
        return None

    def _told(self, state: TrainingState) -> RoundSettingsMessage:
        return RoundSettingsMessage(
            round_number=state.round_number + 1,
            seed=self._settings.seed,
            num_steps=self._settings.num_steps,
            is_conditioned=self._settings.is_conditioned,
            tubelet_steps=state.tubelet_steps,
            num_sites=self._plan.cohort.num_sites,
            max_norm=self._first.or_learned(state.bounds).max_norm,
            max_examples=1,
            proximal_mu=self._settings.proximal_mu,
            noise=self._plan.noise,
            trained_parts=self._settings.parts.trained_name,
            personal_parts=self._settings.parts.personal_name,
        )

    def _pay(self, num_survivors: int) -> None:
        check_survivors(num_survivors, self._plan.cohort)
        charged = self.budget.after_round(self._plan.cost)
        self._store(charged.to_json())
        self.budget = charged

    def _told_before(self, totals: NoisyTotals, vector: NoisyVector, num_survivors: int) -> HeldOut | None:
        part = vector.statistics
        deviation = part.sigma * math.sqrt(num_survivors) * part.step / (2 * num_survivors)
        return HeldOut(min(max(totals.mean_auc, 0.0), 1.0)) if deviation <= LARGEST_TOLD_DEVIATION else None
