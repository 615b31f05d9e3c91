"""The server's step: momentum over mean updates (FedAvgM).

Source:
    Hsu, Qi and Brown, 2019, section 4.2. https://arxiv.org/abs/1909.06335
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Parameters = dict[str, npt.NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class ServerOptimizer:
    """State of the server's optimizer; ``velocity`` is empty before the first step."""

    server_lr: float = 1.0
    momentum: float = 0.5
    velocity: Mapping[str, npt.NDArray[np.float32]] = dataclasses.field(default_factory=dict)

    def step(
        self, parameters: Mapping[str, npt.NDArray[np.float32]], mean_update: Mapping[str, npt.NDArray[np.float32]]
    ) -> tuple[Parameters, "ServerOptimizer"]:
        """Applies one round's mean update.

        Args:
            parameters: Global parameters of the round.
            mean_update: Mean of local minus global parameters: a direction to go, not a gradient.

        Returns:
            The new global parameters and the optimizer's new state.
        """
        velocity = {
            name: update + np.float32(self.momentum) * self.velocity[name] if name in self.velocity else update
            for name, update in mean_update.items()
        }
        new = {name: array + np.float32(self.server_lr) * velocity[name] for name, array in parameters.items()}
        return new, dataclasses.replace(self, velocity=velocity)
