"""Next-frame prediction: a look must tell what the object looks like now, and what it will look like next.

Pictures are predicted small; what is compared when a tubelet is scored are looks, which are cached, so that a live
frame decodes nothing.

Source:
    Liu et al., 2018. https://arxiv.org/abs/1712.09867
"""

import torch
from torch import Tensor, nn

from model_zoo.heads.tubelet_view import TubeletView, ViewShape

PICTURE_SIDE = 16


class NextFrame(nn.Module):
    """Predicts the look of the next step read, and draws looks as small pictures."""

    def __init__(self, shape: ViewShape) -> None:
        super().__init__()
        self.predict = nn.Sequential(
            nn.Linear(shape.look_size, 2 * shape.look_size), nn.ReLU(), nn.Linear(2 * shape.look_size, shape.look_size)
        )
        self.draw = nn.Linear(shape.look_size, PICTURE_SIDE**2)

    def loss(self, view: TubeletView, pictures: Tensor) -> Tensor:
        """Mean squared error of the pictures drawn from each look and from each prediction.

        Args:
            view: Normal tubelets.
            pictures: Crops at ``PICTURE_SIDE``, mean 0 and contrast 1. ``(N, R, X)``.
        """
        now = (self.draw(view.looks) - pictures).square().mean()
        following = (self.draw(self._predicted(view.looks)) - pictures[:, 1:]).square().mean()
        return torch.as_tensor(0.5 * (now + following))

    def scores(self, view: TubeletView) -> Tensor:
        """Mean squared error of the predicted looks. ``(N, 1)``."""
        return (self._predicted(view.looks) - view.looks[:, 1:]).square().mean(dim=(1, 2))[:, None]

    def _predicted(self, looks: Tensor) -> Tensor:
        """Looks of all steps but the first, each from the one before. ``(N, R - 1, P)``."""
        before = looks[:, :-1]
        predicted: Tensor = before + self.predict(before)
        return predicted
