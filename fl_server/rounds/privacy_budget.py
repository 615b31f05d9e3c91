"""What the rounds of one federation have given away, and the refusal of a round that would give too much.

1. A round is paid for before its sum is unmasked, and the new state is on disk before that: a coordinator killed in
   between has paid for a round that nobody saw, never seen a round that nobody paid for.
2. Every round is charged its worst case (``fl_protocol.privacy.round_cost``), so what is spent does not depend on who
   dropped out.
3. Rounds add up as concentrated differential privacy, without amplification: the coordinator, against whom the noise
   stands, draws the cohorts and knows them.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fl_protocol.privacy import MAX_EPSILON, RoundCost
from fl_server.errors import BudgetError, CheckpointError

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class PrivacyBudget:
    """A promise to every site, and how much of it is used up.

    Raises:
        ValueError: The promise is none: epsilon or delta is outside its range.
    """

    target_epsilon: float
    """Over all rounds, in (0, ``MAX_EPSILON``]."""
    target_delta: float
    """In (0, 1); much less than one over the number of sites."""
    num_rounds: int = 0
    rho: float = 0.0
    """Sum of what the rounds cost; see ``RoundCost``."""
    distance: float = 0.0
    """Sum of the rounds' distances; see ``RoundCost``."""

    def __post_init__(self) -> None:
        if not 0.0 < self.target_epsilon <= MAX_EPSILON:
            raise ValueError(f"target_epsilon: expected more than 0, at most {MAX_EPSILON}, got {self.target_epsilon}")
        if not 0.0 < self.target_delta < 1.0:
            raise ValueError(f"target_delta: expected more than 0, less than 1, got {self.target_delta}")

    def promising(self, target_epsilon: float, target_delta: float) -> "PrivacyBudget":
        """The same rounds under another promise: a run may promise more or less than the one before it.

        Raises:
            ValueError: The promise is none.
        """
        return replace(self, target_epsilon=target_epsilon, target_delta=target_delta)

    def spent(self) -> float:
        """Epsilon at ``target_delta`` of all rounds so far; infinite where nothing can be promised.

        Noise at a distance t in total variation from what was accounted for costs (1 + exp(epsilon)) t of delta.

        Source:
            Bun and Steinke, 2016, for the composition. https://arxiv.org/abs/1605.02065
        """
        delta = self.target_delta - (1 + math.exp(self.target_epsilon)) * self.distance
        return _epsilon(self.rho, delta) if delta > 0 else math.inf

    def after_round(self, cost: RoundCost) -> "PrivacyBudget":
        """The state with one more round; store it before the round is unmasked.

        Raises:
            BudgetError: The round would spend more than is left.
        """
        charged = replace(
            self, num_rounds=self.num_rounds + 1, rho=self.rho + cost.rho, distance=self.distance + cost.distance
        )
        epsilon = charged.spent()
        if epsilon > self.target_epsilon:
            raise BudgetError(
                f"round {charged.num_rounds}: expected epsilon of at most {self.target_epsilon:g} "
                f"at delta {self.target_delta:g}, got {epsilon:.4g}"
            )
        return charged

    def to_json(self) -> dict[str, int | float]:
        """The state as JSON values; they come back bit for bit."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> "PrivacyBudget":
        """The state that ``to_json`` gave.

        Raises:
            CheckpointError: It is of another schema, or a value is missing, unknown or outside its range.
        """
        try:
            values = _StoredBudget.model_validate(stored).model_dump(exclude={"schema_version"})
            return PrivacyBudget(**values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise CheckpointError(f"privacy budget: {place}: {first['msg']} (got {first['input']!r})") from error


class _StoredBudget(BaseModel):
    """The stored form, checked."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1] = Field(description="Counts changes of meaning")
    target_epsilon: float = Field(gt=0, le=MAX_EPSILON, description="Promised epsilon")
    target_delta: float = Field(gt=0, lt=1, description="Promised delta")
    num_rounds: int = Field(ge=0, description="Rounds paid for")
    rho: float = Field(ge=0, description="What they cost")
    distance: float = Field(ge=0, description="Their noise's distance from what was accounted for")


def _epsilon(rho: float, delta: float) -> float:
    from dp_accounting import ZCDpEvent
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant()
    accountant.compose(ZCDpEvent(rho))
    return float(accountant.get_epsilon(delta))
