"""Trinity-style alignment: context, appearance and motion of a normal tubelet belong together.

Each of the three is embedded, for the tubelet as a whole and for each area of its crop; every pair is aligned by
InfoNCE among the tubelets of a batch. A tubelet whose parts do not fit one another is unusual: the score is how far
the embeddings of each pair point apart.

Letters in shapes: N tubelets, R steps read, A areas, G channels of an area, M motion features, E size of the condition,
Z size of an embedding.

Source:
    Yang and Radke, 2024. https://arxiv.org/abs/2404.07887. There the parts are whole frames, their optical flow and
    the time of day; here tubelets, their motion features and the context vector.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from model_zoo.heads.tubelet_view import TubeletView, ViewShape
from model_zoo.pretraining.info_nce import info_nce

_EMBEDDING, _HIDDEN = 32, 64
_NUM_TERMS = 6


class Trinity(nn.Module):
    """Embeds context, appearance and motion, and tells how well they fit."""

    def __init__(self, shape: ViewShape) -> None:
        super().__init__()
        self.appearance = _branch(2 * shape.look_size)
        self.motion = _branch(2 * shape.num_motion)
        self.context = _branch(shape.condition_size)
        self.area_appearance = _branch(2 * shape.area_channels + shape.num_areas)
        self.area_motion = _branch(2 * shape.num_motion + shape.num_areas)
        self.area_context = _branch(shape.condition_size + shape.num_areas)

    def loss(self, view: TubeletView, pictures: Tensor) -> Tensor:
        """InfoNCE of every pair, as a whole and by area, in nats; ``pictures`` are not used."""
        del pictures
        whole = sum(info_nce(*pair) for pair in itertools.combinations(self._whole(view), 2))
        by_area = sum(
            info_nce(first.transpose(0, 1), second.transpose(0, 1))
            for first, second in itertools.combinations(self._by_area(view), 2)
        )
        return torch.as_tensor(whole + by_area) / _NUM_TERMS

    def scores(self, view: TubeletView) -> Tensor:
        """One minus the cosine of every pair: as a whole, then the mean over areas. ``(N, 6)``."""
        whole = [1 - cosine_similarity(*pair, dim=-1) for pair in itertools.combinations(self._whole(view), 2)]
        by_area = [
            1 - cosine_similarity(*pair, dim=-1).mean(dim=-1) for pair in itertools.combinations(self._by_area(view), 2)
        ]
        return torch.stack([*whole, *by_area], dim=-1)

    def _whole(self, view: TubeletView) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings of context, appearance and motion. ``(N, Z)`` each."""
        return (
            self.context(view.condition),
            self.appearance(_mean_and_spread(view.looks)),
            self.motion(_mean_and_spread(view.motion)),
        )

    def _by_area(self, view: TubeletView) -> tuple[Tensor, Tensor, Tensor]:
        """The same for every area, told which it is. ``(N, A, Z)`` each."""
        num_areas = view.areas.shape[-1]
        place = torch.eye(num_areas).expand(view.areas.shape[0], num_areas, num_areas)  # (N, A, A)
        appearance = _mean_and_spread(view.areas).transpose(1, 2)  # (N, A, 2 G)
        motion = _mean_and_spread(view.motion)[:, None].expand(-1, num_areas, -1)  # (N, A, 2 M)
        context = view.condition[:, None].expand(-1, num_areas, -1)  # (N, A, E)
        return (
            self.area_context(torch.cat([context, place], dim=-1)),
            self.area_appearance(torch.cat([appearance, place], dim=-1)),
            self.area_motion(torch.cat([motion, place], dim=-1)),
        )


def _branch(num_inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(num_inputs, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _EMBEDDING))


def _mean_and_spread(steps: Tensor) -> Tensor:
    """Mean and mean absolute deviation over the steps, side by side. ``(N, R, K, ...)`` to ``(N, 2 K, ...)``."""
    mean = steps.mean(dim=1, keepdim=True)
    return torch.cat([mean[:, 0], (steps - mean).abs().mean(dim=1)], dim=1)
