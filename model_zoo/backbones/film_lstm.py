"""FiLM-conditioned CNN+LSTM over tubelets.

Every crop is encoded once; a tubelet's score reads the codes of its last steps, so that a live frame costs one new
crop per object. Every activation between convolutions is clipped to a constant range, so that the int8 export
knows its ranges without calibration footage: a coordinator has none.

Two things are read from the crops. What sees the context feeds the LSTM, whose score says how foreign a tubelet is to
its context. Looks do not see it: they keep what an object looks like where, and heads judge from them how odd that is
for an object that moves so in such a context. A cached code holds both.

Letters in shapes: N tubelets, T steps, R steps read, S crop side, M motion features, C context values, E size of the
condition, B size of what feeds the LSTM, A areas of a crop, G channels of an area, D size of a code (B + G * A),
P size of a look, H size of the LSTM's state, X pixels of a small picture.

Source:
    FiLM: Perez et al., 2018. https://arxiv.org/abs/1709.07871
"""

import dataclasses
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, hardtanh

from model_zoo.architecture import (
    NUM_CAMERAS,
    NUM_CONTEXT,
    NUM_ZONE_KINDS,
    STEPS_READ,
    USUAL_NUM_STEPS,
    NumSteps,
    checked_num_steps,
)
from model_zoo.heads.next_frame import PICTURE_SIDE
from model_zoo.heads.registry import HEADS
from model_zoo.heads.tubelet_view import TubeletView, ViewShape
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION

ACTIVATION_LIMIT = 6.0
INPUT_LIMIT = 3.0
LEAST_CONTRAST = 0.05
"""Crops are brought to equal mean and contrast, so that day and night look alike; a plain wall's noise stays low."""


@dataclasses.dataclass(frozen=True)
class FilmLstmShape:
    """Sizes of the network; two networks with equal shape exchange parameters.

    Raises:
        ValueError: ``num_steps`` is none of ``NumSteps``.
    """

    num_context: int = NUM_CONTEXT
    num_motion: int = NUM_MOTION
    num_zone_kinds: int = NUM_ZONE_KINDS
    num_cameras: int = NUM_CAMERAS
    channels: tuple[int, int, int, int] = (16, 32, 96, 160)
    """Few where the picture is large, many where it is small: int8 pays there."""
    condition_size: int = 32
    lstm_size: int = 64
    area_channels: int = 8
    look_size: int = 32
    conditioning: Literal["film", "concatenation", "none"] = "film"
    """How the context comes in; with none the network gets a constant instead: the blind baseline."""
    heads: tuple[str, ...] = ("next_frame", "trinity")
    """Names in ``HEADS``; each adds its loss to training, and the last judges how odd a tubelet is."""
    num_steps: NumSteps = USUAL_NUM_STEPS
    """Last steps of a tubelet that are looked at; parameters fit whatever it is, and mean something else."""

    def __post_init__(self) -> None:
        checked_num_steps(self.num_steps)

    @classmethod
    def conditioned(cls, is_conditioned: bool, num_steps: NumSteps = USUAL_NUM_STEPS) -> "FilmLstmShape":
        """The network that ships, or the same blind to context; it may look at more steps or fewer."""
        return cls(conditioning="film" if is_conditioned else "none", num_steps=num_steps)

    @property
    def num_areas(self) -> int:
        """Areas of a crop."""
        return (CROP_SIDE // 16) ** 2

    @property
    def num_read(self) -> int:
        """Steps that the LSTM reads."""
        return len(range(self.num_steps)[STEPS_READ])

    @property
    def code_size(self) -> int:
        """Values cached for each step."""
        return self.channels[-1] + self.area_channels * self.num_areas

    @property
    def view(self) -> ViewShape:
        """Sizes of what heads are given."""
        return ViewShape(self.num_areas, self.area_channels, self.look_size, self.num_motion, self.condition_size)


class _Film(nn.Module):
    """Scales and shifts channels by a function of the condition; starts as the identity."""

    def __init__(self, condition_size: int, num_channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(condition_size, 2 * num_channels)
        nn.init.normal_(self.project.weight, std=0.02)
        nn.init.zeros_(self.project.bias)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        gamma, beta = self.project(condition).chunk(2, dim=-1)  # (N, channels) each
        if features.dim() == 4:
            gamma, beta = gamma[:, :, None, None], beta[:, :, None, None]
        modulated: Tensor = features * (1 + gamma) + beta
        return modulated


class FilmLstm(nn.Module):
    """Scores tubelets in their context; a positive score is unusual."""

    def __init__(self, shape: FilmLstmShape) -> None:
        super().__init__()
        self.shape = shape
        first, second, third, fourth = shape.channels
        self.conv1 = nn.Conv2d(1, first, 6, stride=4, padding=1)
        self.conv2 = nn.Conv2d(first, second, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(second, third, 3, stride=2, padding=1)
        self.conv4 = nn.Conv2d(third, fourth, 3, stride=2, padding=1)
        self.zone_embedding = nn.Embedding(shape.num_zone_kinds, 8)
        self.camera_embedding = nn.Embedding(shape.num_cameras, 8)
        self.conditioner = nn.Sequential(
            nn.Linear(shape.num_context + 16, 64), nn.ReLU(), nn.Linear(64, shape.condition_size), nn.Tanh()
        )
        self.films = nn.ModuleDict(_films(shape) if shape.conditioning == "film" else {})
        beside = shape.condition_size if shape.conditioning == "concatenation" else 0
        self.lstm = nn.LSTM(fourth + shape.num_motion + beside, shape.lstm_size, batch_first=True)
        self.head = nn.Sequential(nn.Linear(shape.lstm_size + shape.condition_size, 64), nn.ReLU(), nn.Linear(64, 1))
        self.area = nn.Conv2d(third, shape.area_channels, 1)
        self.look = nn.Linear(shape.area_channels * shape.num_areas, shape.look_size)
        self.heads = nn.ModuleDict({name: HEADS[name](shape.view) for name in shape.heads})
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4, self.area):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # every convolution above has a bias

    def condition(self, context: Tensor, zone_kind: Tensor, camera: Tensor) -> Tensor:
        """Maps a context ``(N, C)``, zone kinds ``(N,)`` and camera indices ``(N,)`` to a condition ``(N, E)``."""
        zone, place = self.zone_embedding(zone_kind), self.camera_embedding(camera)  # (N, 8) each
        condition: Tensor = self.conditioner(torch.cat([context, zone, place], dim=-1))  # (N, E)
        return torch.zeros_like(condition) if self.shape.conditioning == "none" else condition

    def features(self, crops: Tensor) -> Tensor:
        """The part of the encoder that knows nothing of the context.

        Args:
            crops: Grey values in ``[0, 1]``, ``(N, 1, S, S)``.

        Returns:
            ``(N, 96, S/16, S/16)``.
        """
        hidden = hardtanh(_even(crops), -INPUT_LIMIT, INPUT_LIMIT)
        hidden = hardtanh(self.conv1(hidden), 0.0, ACTIVATION_LIMIT)  # (N, 16, S/4, S/4)
        hidden = hardtanh(self.conv2(hidden), 0.0, ACTIVATION_LIMIT)  # (N, 32, S/8, S/8)
        return hardtanh(self.conv3(hidden), 0.0, ACTIVATION_LIMIT)

    def code(self, features: Tensor, condition: Tensor) -> Tensor:
        """Codes of crops in their context.

        Args:
            features: ``(N, 96, S/16, S/16)``.
            condition: ``(N, E)``.

        Returns:
            What feeds the LSTM, then the areas. ``(N, D)``.
        """
        hidden = hardtanh(self._modulated("third", features, condition), -ACTIVATION_LIMIT, ACTIVATION_LIMIT)
        hidden = hardtanh(self.conv4(hidden), 0.0, ACTIVATION_LIMIT)  # (N, B, S/32, S/32)
        conditioned = self._modulated("fourth", hidden.mean(dim=(2, 3)), condition)  # (N, B)
        areas = hardtanh(self.area(features), -ACTIVATION_LIMIT, ACTIVATION_LIMIT)  # (N, G, S/16, S/16)
        return torch.cat([conditioned, areas.flatten(1)], dim=-1)

    def score(self, codes: Tensor, motion: Tensor, condition: Tensor) -> Tensor:
        """Scores tubelets from the codes of the ``STEPS_READ`` of their last steps.

        Args:
            codes: ``(N, R, D)``, oldest first.
            motion: ``(N, R, M)``.
            condition: ``(N, E)``.

        Returns:
            Log odds that the tubelet is foreign to its context. ``(N,)``.

        Raises:
            ValueError: There are more codes or fewer than the network reads.
        """
        if codes.shape[1] != self.shape.num_read:
            raise ValueError(f"expected codes of {self.shape.num_read} steps, got {codes.shape[1]}")
        conditioned = codes[..., : self.shape.channels[-1]]  # (N, R, B)
        parts = [conditioned, motion]
        if self.shape.conditioning == "concatenation":
            parts.append(condition[:, None].expand(-1, codes.shape[1], -1))
        steps, _ = self.lstm(torch.cat(parts, dim=-1))  # (N, R, H)
        state = self._modulated("state", steps[:, -1], condition)  # (N, H)
        logits: Tensor = self.head(torch.cat([state, condition], dim=-1))  # (N, 1)
        return logits[:, 0]

    def view(self, codes: Tensor, motion: Tensor, condition: Tensor) -> TubeletView:
        """What heads are given of tubelets; arguments as for ``score``."""
        areas = codes[..., self.shape.channels[-1] :]  # (N, R, G * A)
        by_area = areas.view(*areas.shape[:2], self.shape.area_channels, self.shape.num_areas)  # (N, R, G, A)
        return TubeletView(by_area, self.look(areas), motion, condition)

    def oddity(self, view: TubeletView) -> Tensor:
        """The mean of the last head's scores; nothing is odd without a head. ``(N,)``."""
        if not self.heads:
            return torch.zeros(view.looks.shape[0])
        judge = self.heads[self.shape.heads[-1]]
        scores: Tensor = judge.scores(view)  # type: ignore[operator]  # every head has scores; (N, K)
        return scores.mean(dim=-1)

    def head_losses(self, view: TubeletView, pictures: Tensor) -> dict[str, Tensor]:
        """Loss of every head on normal tubelets, with ``small_pictures`` of their crops ``(N, R, X)``."""
        return {name: head.loss(view, pictures) for name, head in self.heads.items()}  # type: ignore[operator]  # as above

    def _modulated(self, stage: str, features: Tensor, condition: Tensor) -> Tensor:
        if stage not in self.films:
            return features
        modulated: Tensor = self.films[stage](features, condition)
        return modulated


def small_pictures(crops: Tensor) -> Tensor:
    """Crops ``(N, 1, S, S)`` at equal mean and contrast, small. ``(N, X)``."""
    return adaptive_avg_pool2d(_even(crops), PICTURE_SIDE).flatten(1)


def _even(crops: Tensor) -> Tensor:
    """Crops brought to mean 0 and about unit contrast. ``(N, 1, S, S)``."""
    centred = crops - crops.mean(dim=(2, 3), keepdim=True)
    contrast = centred.square().mean(dim=(2, 3), keepdim=True).sqrt()  # (N, 1, 1, 1)
    return centred / (contrast + LEAST_CONTRAST)


def _films(shape: FilmLstmShape) -> dict[str, nn.Module]:
    sizes = {"third": shape.channels[2], "fourth": shape.channels[3], "state": shape.lstm_size}
    return {stage: _Film(shape.condition_size, size) for stage, size in sizes.items()}
