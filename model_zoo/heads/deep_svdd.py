"""Deep SVDD: normal looks are mapped close to one point, and what ends far from it is unusual.

The map has no biases and the point is not the origin, so that a constant map is not a solution; looks are learned by
others and only read here. Unlike the source, the centre is fixed, so that all sites share it, where theirs is the mean
of first outputs; and weights are not penalised.

Source:
    Ruff et al., 2018, equation 4. https://proceedings.mlr.press/v80/ruff18a.html
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from model_zoo.heads.tubelet_view import TubeletView, ViewShape

_HIDDEN, _MAPPED = 32, 16


class DeepSvdd(nn.Module):
    """Distance to the centre of what is normal."""

    def __init__(self, shape: ViewShape) -> None:
        super().__init__()
        self.map = nn.Sequential(
            nn.Linear(shape.look_size, _HIDDEN, bias=False), nn.ReLU(), nn.Linear(_HIDDEN, _MAPPED, bias=False)
        )
        self.register_buffer("centre", torch.ones(_MAPPED))

    def loss(self, view: TubeletView, pictures: Tensor) -> Tensor:
        """Mean squared distance of normal tubelets; ``pictures`` are not used."""
        del pictures
        return self._distance(view.looks.detach()).mean()

    def scores(self, view: TubeletView) -> Tensor:
        """Squared distance to the centre. ``(N, 1)``."""
        return self._distance(view.looks)[:, None]

    def _distance(self, looks: Tensor) -> Tensor:
        mean = looks.mean(dim=1)  # (N, P)
        mapped = self.map(layer_norm(mean, mean.shape[-1:]))
        distance: Tensor = (mapped - self.centre).square().sum(dim=-1)  # (N,)
        return distance
