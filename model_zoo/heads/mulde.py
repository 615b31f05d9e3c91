"""MULDE: an estimate of the negative log density of looks, learned by denoising at several scales of noise.

The network's gradient is trained to point from a noisy look away from the clean one, which makes the network itself
the negative logarithm of the density of noisy looks, up to a constant; a small penalty holds the constant near zero.

Source:
    Micorek et al., 2024, equations 5 to 7. https://arxiv.org/abs/2403.14497
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from model_zoo.heads.tubelet_view import TubeletView, ViewShape

SCALES = (0.1, 0.3, 1.0)
"""Deviations of the noise a tubelet is scored at; in training they are drawn between the first and the last."""
PENALTY = 0.1
_HIDDEN = 64


class Mulde(nn.Module):
    """Negative log density of looks at three scales."""

    def __init__(self, shape: ViewShape) -> None:
        super().__init__()
        self.energy = nn.Sequential(
            nn.Linear(shape.look_size + 1, _HIDDEN),
            nn.GELU(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.GELU(),
            nn.Linear(_HIDDEN, 1),
        )

    def loss(self, view: TubeletView, pictures: Tensor) -> Tensor:
        """Denoising score matching of normal tubelets; ``pictures`` are not used."""
        del pictures
        clean = _pooled(view.looks.detach())  # (N, P)
        low, high = (torch.tensor(scale).log() for scale in (SCALES[0], SCALES[-1]))
        scale = (low + (high - low) * torch.rand(len(clean), 1)).exp()  # (N, 1)
        return self.matching_loss(clean, scale, torch.randn_like(clean))

    def matching_loss(self, clean: Tensor, scale: Tensor, noise: Tensor) -> Tensor:
        """Squared error of the scaled gradient against the noise, with the penalty on the clean energy.

        Args:
            clean: ``(N, P)``.
            scale: Deviation of the noise. ``(N, 1)``.
            noise: Of unit deviation. ``(N, P)``.
        """
        noisy = (clean + scale * noise).requires_grad_()
        (gradient,) = torch.autograd.grad(self.energy_of(noisy, scale).sum(), noisy, create_graph=True)
        error = (scale * gradient - noise).square().sum(dim=-1).mean()
        return error + PENALTY * self.energy_of(clean, scale).square().mean()

    def energy_of(self, looks: Tensor, scale: Tensor) -> Tensor:
        """Negative log density of noisy looks ``(N, P)`` at a scale ``(N, 1)``, up to a constant. ``(N,)``."""
        energy: Tensor = self.energy(torch.cat([looks, scale.log()], dim=-1))  # (N, 1)
        return energy[:, 0]

    def scores(self, view: TubeletView) -> Tensor:
        """Negative log density at each of ``SCALES``. ``(N, 3)``."""
        looks = _pooled(view.looks)
        columns = [self.energy_of(looks, torch.full_like(looks[:, :1], scale)) for scale in SCALES]
        return torch.stack(columns, dim=-1)


def _pooled(looks: Tensor) -> Tensor:
    mean = looks.mean(dim=1)
    return layer_norm(mean, mean.shape[-1:])
