"""Training by secure rounds: bounds that one round's sums teach serve the next (``rounds.update_bounds``).

The sums of a round also tell how good the model was that it began with, so evaluation costs no exchange of its own. One
more round, without training, tells it of the last model.
"""

import dataclasses
import logging
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from context.schedule import STATES
from fl_protocol.round_vector import RoundSettingsMessage, Spread
from fl_server.rounds.aggregate import Parameters
from fl_server.rounds.checkpoint import TrainingState
from fl_server.rounds.update_bounds import RoundTerms, UpdateBounds
from fl_server.secure_rounds import OpenedRound, SecureRounds, SummedRound
from fl_server.strategy import HeldOut, RoundReport, RoundSettings
from model_zoo.architecture import NUM_STATES
from model_zoo.backbones.parts import only

logger = logging.getLogger(__name__)

NUM_EVALUATION = 3 * (1 + NUM_STATES)
"""Examples, losses and AUC: of all, and of each operational state."""

FIRST_MAX_NORM, FIRST_MAX_EXAMPLES = 20.0, 1
"""Before a round has told what is usual: a norm several times what a round moves the network, and every site counts
alike while examples are asked for."""
ROOM, DEVIATIONS = 1.25, 3.0
"""Later rounds bound norms and examples at the last mean and so many deviations, and at no less than that many means.
Of ten sites or fewer none was beyond, of more at most a tenth. All room is lost to the steps that updates are told in:
at twice the mean norm and four times the mean examples, rounding made up 7 % of the mean update of eight sites."""


class SecureStrategy:
    """Rounds in which the coordinator sees sums alone.

    Args:
        rounds: Set up.
        settings: Of the run.
    """

    tells_before = True

    def __init__(self, rounds: SecureRounds, settings: RoundSettings) -> None:
        self._rounds, self._settings = rounds, settings
        self._first = UpdateBounds(max_norm=FIRST_MAX_NORM, max_examples=FIRST_MAX_EXAMPLES, terms=terms_of(settings))

    def run_round(self, state: TrainingState) -> tuple[TrainingState, RoundReport]:
        """Trains one round.

        Raises:
            RoundError: Too few sites had keys, delivered or revealed.
        """
        bounds, asking_bytes = self._first.or_learned(state.bounds), 0
        if bounds is self._first:
            bounds, asking_bytes = self._with_examples(state)
        opened = self._opened(state, self._settings.num_steps, bounds)
        totals = opened.totals
        bounds = self._first.taught(_bound(totals.norms), math.ceil(_bound(totals.examples)))
        if totals.num_cut:
            logger.info("values cut", extra={"values": totals.num_cut, "sites": opened.summed.num_survivors})
        summed = only(state.parameters, self._settings.parts.summed)
        parameters, optimizer = state.optimizer.step(state.parameters, shaped(totals.mean_update, summed))
        number = state.round_number + 1
        report = report_of(opened.summed, number, totals.mean_loss, _held_out(totals.evaluation))
        report = dataclasses.replace(report, bytes_up=report.bytes_up + asking_bytes)
        trained = TrainingState(parameters, totals.normality, optimizer, number, state.tubelet_steps, bounds)
        return trained, report

    def evaluate(self, state: TrainingState) -> HeldOut | None:
        """How good the last model is, by a round without training; None when no site has held-out tubelets.

        Raises:
            RoundError: Too few sites had keys, delivered or revealed.
        """
        return _held_out(self._opened(state, 0, self._first.or_learned(state.bounds)).totals.evaluation)

    def _with_examples(self, state: TrainingState) -> tuple[UpdateBounds, int]:
        """The first bounds, but for examples, which a round without training tells; and the bytes it took.

        So sites weigh as they should from the first round on: where all weighed alike in it, eight sites ended it 12 %
        off plain averaging.
        """
        opened = self._opened(state, 0, self._first)
        bounds = self._first.taught(FIRST_MAX_NORM, math.ceil(_bound(opened.totals.examples)))
        return bounds, opened.summed.bytes_up

    def _opened(self, state: TrainingState, num_steps: int, bounds: UpdateBounds) -> OpenedRound:
        told = RoundSettingsMessage(
            round_number=state.round_number + 1,
            seed=self._settings.seed,
            num_steps=num_steps,
            is_conditioned=self._settings.is_conditioned,
            tubelet_steps=state.tubelet_steps,
            num_sites=self._rounds.group.parameters.num_sites,
            max_norm=bounds.max_norm,
            max_examples=bounds.max_examples,
            proximal_mu=self._settings.proximal_mu,
            trained_parts=self._settings.parts.trained_name,
            personal_parts=self._settings.parts.personal_name,
        )
        return self._rounds.run_round(state.parameters, told, (NUM_EVALUATION, len(state.normality)))


def _bound(told: Spread) -> float:
    return max(ROOM * told.mean, told.mean + DEVIATIONS * told.deviation)


def terms_of(settings: RoundSettings, first_noisy_norm: float | None = None) -> RoundTerms:
    """What bounds are learned under.

    Args:
        settings: Of the run.
        first_noisy_norm: Bound that rounds with noise begin with; None without noise.
    """
    return RoundTerms(
        num_steps=settings.num_steps,
        proximal_mu=settings.proximal_mu,
        trained_parts=settings.parts.trained_name,
        personal_parts=settings.parts.personal_name,
        first_noisy_norm=first_noisy_norm,
    )


def report_of(summed: SummedRound, round_number: int, loss: float, before: HeldOut | None) -> RoundReport:
    """What a secure round leaves to be told."""
    cohort = tuple(map(str, summed.cohort))
    return RoundReport(
        round_number,
        summed.num_survivors,
        loss,
        summed.bytes_up,
        before,
        cohort,
        summed.epoch,
        summed.running,
    )


def shaped(update: npt.NDArray[np.float32], like: Mapping[str, npt.NDArray[np.float32]]) -> Parameters:
    """A flat update by the names and shapes of the parameters it is of."""
    ends = np.cumsum([array.size for array in like.values()])[:-1]
    parts = np.split(update, ends)
    return {name: part.reshape(array.shape) for (name, array), part in zip(like.items(), parts, strict=True)}


def _held_out(evaluation: npt.NDArray[np.float64]) -> HeldOut | None:
    """What the sums of all, then of each operational state, say: examples, losses, AUC."""
    whole, *by_state = (_mean_auc(*row) for row in evaluation.reshape(1 + NUM_STATES, 3).tolist())
    if whole is None:
        return None
    return HeldOut(whole, {state.value: auc for state, auc in zip(STATES, by_state, strict=True) if auc is not None})


def _mean_auc(examples: float, _losses: float, auc: float) -> float | None:
    return min(max(auc / examples, 0.0), 1.0) if examples > 0 else None
