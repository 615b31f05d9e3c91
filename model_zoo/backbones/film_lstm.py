"""FiLM-conditioned CNN+LSTM over tubelets.

Every crop is encoded once; a tubelet's score reads the codes of its last steps, so that a live frame costs one new
crop per object. Every activation between convolutions is clipped to a constant range, so that the int8 export
knows its ranges without calibration footage: a coordinator has none.

Letters in shapes: N tubelets, T steps, R steps read, S crop side, M motion features, C context values, E size of the
condition, D size of a code, H size of the LSTM's state.

Source:
    FiLM: Perez et al., 2018. https://arxiv.org/abs/1709.07871
"""

import dataclasses

import torch
from torch import Tensor, nn
from torch.nn.functional import hardtanh

from model_zoo.architecture import NUM_CAMERAS, NUM_CONTEXT, NUM_ZONE_KINDS
from model_zoo.perception.tubelet import NUM_MOTION

ACTIVATION_LIMIT = 6.0
INPUT_LIMIT = 3.0
LEAST_CONTRAST = 0.05
"""Crops are brought to equal mean and contrast, so that day and night look alike; a plain wall's noise stays low."""


@dataclasses.dataclass(frozen=True)
class FilmLstmShape:
    """Sizes of the network; two networks with equal shape exchange parameters."""

    num_context: int = NUM_CONTEXT
    num_motion: int = NUM_MOTION
    num_zone_kinds: int = NUM_ZONE_KINDS
    num_cameras: int = NUM_CAMERAS
    channels: tuple[int, int, int, int] = (16, 32, 64, 96)
    condition_size: int = 32
    lstm_size: int = 64
    is_conditioned: bool = True
    """Without conditioning the network gets a constant instead of the context: the blind baseline."""


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
        self.film3 = _Film(shape.condition_size, third)
        self.film4 = _Film(shape.condition_size, fourth)
        self.lstm = nn.LSTM(fourth + shape.num_motion, shape.lstm_size, batch_first=True)
        self.film_state = _Film(shape.condition_size, shape.lstm_size)
        self.head = nn.Sequential(nn.Linear(shape.lstm_size + shape.condition_size, 64), nn.ReLU(), nn.Linear(64, 1))
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # every convolution above has a bias

    def condition(self, context: Tensor, zone_kind: Tensor, camera: Tensor) -> Tensor:
        """Maps a context ``(N, C)``, zone kinds ``(N,)`` and camera indices ``(N,)`` to a condition ``(N, E)``."""
        zone, place = self.zone_embedding(zone_kind), self.camera_embedding(camera)  # (N, 8) each
        condition: Tensor = self.conditioner(torch.cat([context, zone, place], dim=-1))  # (N, E)
        return condition if self.shape.is_conditioned else torch.zeros_like(condition)

    def features(self, crops: Tensor) -> Tensor:
        """The part of the encoder that knows nothing of the context.

        Args:
            crops: Grey values in ``[0, 1]``, ``(N, 1, S, S)``.

        Returns:
            ``(N, 64, S/16, S/16)``.
        """
        centred = crops - crops.mean(dim=(2, 3), keepdim=True)
        contrast = centred.square().mean(dim=(2, 3), keepdim=True).sqrt()  # (N, 1, 1, 1)
        hidden = hardtanh(centred / (contrast + LEAST_CONTRAST), -INPUT_LIMIT, INPUT_LIMIT)
        hidden = hardtanh(self.conv1(hidden), 0.0, ACTIVATION_LIMIT)  # (N, 16, S/4, S/4)
        hidden = hardtanh(self.conv2(hidden), 0.0, ACTIVATION_LIMIT)  # (N, 32, S/8, S/8)
        return hardtanh(self.conv3(hidden), 0.0, ACTIVATION_LIMIT)

    def code(self, features: Tensor, condition: Tensor) -> Tensor:
        """Codes of crops in their context.

        Args:
            features: ``(N, 64, S/16, S/16)``.
            condition: ``(N, E)``.

        Returns:
            ``(N, D)``.
        """
        hidden = hardtanh(self.film3(features, condition), -ACTIVATION_LIMIT, ACTIVATION_LIMIT)
        hidden = hardtanh(self.conv4(hidden), 0.0, ACTIVATION_LIMIT)  # (N, D, S/32, S/32)
        code: Tensor = self.film4(hidden.mean(dim=(2, 3)), condition)  # (N, D)
        return code

    def score(self, codes: Tensor, motion: Tensor, condition: Tensor) -> Tensor:
        """Scores tubelets from the codes of their ``STEPS_READ``.

        Args:
            codes: ``(N, R, D)``, oldest first.
            motion: ``(N, R, M)``.
            condition: ``(N, E)``.

        Returns:
            Log odds that the tubelet is foreign to its context. ``(N,)``.
        """
        steps, _ = self.lstm(torch.cat([codes, motion], dim=-1))  # (N, R, H)
        state = self.film_state(steps[:, -1], condition)  # (N, H)
        logits: Tensor = self.head(torch.cat([state, condition], dim=-1))  # (N, 1)
        return logits[:, 0]
