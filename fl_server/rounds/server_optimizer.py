"""The server's step on the mean update: FedAvg, FedAvgM, FedAdam and FedYogi.

All of them take the mean update for a direction to go. FedAvg goes it; FedAvgM adds momentum; FedAdam and FedYogi also
divide by how much each parameter's updates vary. They need the mean alone, so they work on the secure sum.

Source:
    McMahan et al., 2017. https://arxiv.org/abs/1602.05629 (FedAvg). Hsu, Qi and Brown, 2019, section 4.2.
    https://arxiv.org/abs/1909.06335 (FedAvgM). Reddi et al., 2021, algorithm 2. https://arxiv.org/abs/2003.00295
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

Parameters = dict[str, npt.NDArray[np.float32]]
Moments = Mapping[str, npt.NDArray[np.float32]]

StrategyName = Literal["fedavg", "fedavgm", "fedadam", "fedyogi"]
_USUAL_LR: dict[StrategyName, float] = {"fedavg": 1.0, "fedavgm": 1.0, "fedadam": 0.01, "fedyogi": 0.01}
_USUAL_MOMENTUM: dict[StrategyName, float] = {"fedavg": 0.0, "fedavgm": 0.5, "fedadam": 0.9, "fedyogi": 0.9}
SECOND_MOMENTUM, TAU = 0.99, 1e-3
"""Of FedAdam and FedYogi: how slowly the second moment moves, and what is added to its root; the paper's values."""


@dataclasses.dataclass(frozen=True)
class ServerOptimizer:
    """State of the server's optimizer; moments are empty before the first step."""

    server_lr: float = 1.0
    momentum: float = 0.5
    velocity: Moments = dataclasses.field(default_factory=dict)
    """First moment. FedAdam and FedYogi weigh an update by 1 - momentum, FedAvgM in full, as their papers do."""
    name: StrategyName = "fedavgm"
    second_moment: Moments = dataclasses.field(default_factory=dict)
    """Of FedAdam and FedYogi; it begins at ``TAU`` squared."""

    def step(self, parameters: Moments, mean_update: Moments) -> tuple[Parameters, "ServerOptimizer"]:
        """Applies one round's mean update.

        Args:
            parameters: Global parameters of the round.
            mean_update: Mean of local minus global parameters: a direction to go, not a gradient. What it does not
                name stays as it is, with its moments.

        Returns:
            The new global parameters and the optimizer's new state.
        """
        is_adaptive = self.name in {"fedadam", "fedyogi"}
        share = np.float32(1.0 - self.momentum if is_adaptive else 1.0)
        velocity = {
            name: share * update + np.float32(self.momentum) * self.velocity[name]
            if name in self.velocity
            else share * update
            for name, update in mean_update.items()
        }
        second = self._second_moment(mean_update) if is_adaptive else {}
        new = {
            name: array + np.float32(self.server_lr) * _scaled(velocity[name], second.get(name))
            if name in mean_update
            else array
            for name, array in parameters.items()
        }
        velocity, second = {**self.velocity, **velocity}, {**self.second_moment, **second}
        return new, dataclasses.replace(self, velocity=velocity, second_moment=second)

    def _second_moment(self, mean_update: Moments) -> Parameters:
        second = {}
        for name, update in mean_update.items():
            before = self.second_moment.get(name, np.full_like(update, TAU**2))
            square, share = np.square(update), np.float32(1.0 - SECOND_MOMENTUM)
            towards = np.sign(square - before) * square if self.name == "fedyogi" else square - before
            second[name] = (before + share * towards).astype(np.float32)
        return second


def server_optimizer(name: StrategyName, server_lr: float | None = None) -> ServerOptimizer:
    """An optimizer before its first step, at its usual rate where none is given."""
    return ServerOptimizer(_USUAL_LR[name] if server_lr is None else server_lr, _USUAL_MOMENTUM[name], {}, name)


def _scaled(velocity: npt.NDArray[np.float32], second: npt.NDArray[np.float32] | None) -> npt.NDArray[np.float32]:
    return velocity if second is None else (velocity / (np.sqrt(second) + np.float32(TAU))).astype(np.float32)
