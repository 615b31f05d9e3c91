"""Local training: one site teaches the network what belongs to its contexts.

The network tells tubelets as they were seen from tubelets in a foreign context and from pseudo-anomalies (noise-
contrastive estimation): its score estimates the log odds that a tubelet is foreign to its context. Foreign contexts
are drawn by how long each was watched, so a context in which nothing ever moves makes everything foreign. The heads
learn beside it from the normal tubelets alone; before it, when a site is asked to pretrain.

Source:
    Gutmann and Hyvärinen, 2010. https://proceedings.mlr.press/v9/gutmann10a.html; Li et al., 2020 (FedProx).
    https://arxiv.org/abs/1812.06127
"""

import dataclasses

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from model_zoo.architecture import NUM_STATES
from model_zoo.backbones.film_lstm import FilmLstm, small_pictures
from model_zoo.backbones.parts import ALL_PARTS, Part, part_of
from model_zoo.evaluation.frame_auc import roc_auc
from model_zoo.training.batch import LABEL_CONFIRMED, Batch, CameraFootage, batch_of, draw_batch, draw_rows

MAX_GRADIENT_NORM = 5.0
UNKNOWN_CAMERA = 0
KNOWN_CAMERA_SHARE = 0.75
"""The other batches are trained as an unknown camera's, so that the model also serves a camera it has never seen."""


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How much and how fast a site trains in one round."""

    batch_size: int = 16
    learning_rate: float = 2e-3
    confirmed_share: float = 0.25
    """Share of a batch drawn from confirmed anomalies, when there are any."""
    strange_look_share: float = 0.5
    """Share of the pseudo-anomalies that look wrong, where the empty scene is known; the others move or size wrong."""
    proximal_mu: float = 0.0
    """Pull towards the parameters that training began with (FedProx): half of it times their squared distance."""
    parts: frozenset[Part] = ALL_PARTS
    """What is trained; other parts of the network stay as they are."""
    is_pretraining: bool = False
    """Pretraining teaches the heads alone, on batches of normal tubelets as large as both halves of the others."""


class LocalTrainer:
    """Trains a network in place, one batch of one camera at a time.

    Args:
        network: Starts from the global parameters.
        settings: Batch size and learning rate.
    """

    def __init__(self, network: FilmLstm, settings: TrainingSettings) -> None:
        # Convolutions of few channels train a quarter faster with channels last.
        self._network = network.to(memory_format=torch.channels_last).train()
        self._settings = settings
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(part_of(name) in settings.parts)
        self._trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.Adam(self._trained, lr=settings.learning_rate)
        self._start = [parameter.detach().clone() for parameter in self._trained] if settings.proximal_mu else []

    def step(self, footage: CameraFootage, rng: np.random.Generator) -> float:
        """Takes one step.

        Args:
            footage: At least one tubelet.
            rng: Source of every random choice.

        Returns:
            Before the step, in nats: the loss of telling what is foreign, or when pretraining that of the heads.
        """
        if self._settings.is_pretraining:
            told = loss = self._pretraining_loss(footage, rng)
        else:
            settings = self._settings
            rows = draw_rows(footage.tubelets.label, settings.batch_size, settings.confirmed_share, rng)
            batch = draw_batch(footage, rows, settings.strange_look_share, rng)
            encoded = _encoded(self._network, batch, _known_or_not(footage, rng))
            told = functional.binary_cross_entropy_with_logits(encoded.scores(self._network), batch.is_foreign)
            loss = told + _head_loss(self._network, encoded.normal(batch))
        self._optimizer.zero_grad(set_to_none=True)
        if self._start:
            loss = loss + 0.5 * self._settings.proximal_mu * self._distance()
        loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
        torch.nn.utils.clip_grad_norm_(self._trained, MAX_GRADIENT_NORM)
        self._optimizer.step()
        return float(told.item())

    def _distance(self) -> Tensor:
        """Squared L2 distance to where training began. Scalar."""
        pairs = zip(self._trained, self._start, strict=True)
        return torch.stack([(parameter - start).square().sum() for parameter, start in pairs]).sum()

    def _pretraining_loss(self, footage: CameraFootage, rng: np.random.Generator) -> Tensor:
        normal = np.flatnonzero(footage.tubelets.label != LABEL_CONFIRMED)
        if not len(normal):
            raise ValueError("expected a normal tubelet to pretrain on")
        rows = rng.choice(normal, min(2 * self._settings.batch_size, len(normal)), replace=False)
        batch = batch_of(footage.tubelets.select(rows))
        return _head_loss(self._network, _encoded(self._network, batch, _known_or_not(footage, rng)))


@dataclasses.dataclass(frozen=True)
class HeldOutReport:
    """How well the network tells held-out tubelets from their pseudo-anomalies."""

    sums: npt.NDArray[np.float64]
    """Of all, then of each operational state: examples, their losses, their AUC. ``(1 + NUM_STATES, 3)``; adding two
    reports' sums pools them."""

    @property
    def num_examples(self) -> int:
        """Tubelets that were scored."""
        return int(self.sums[0, 0])

    @property
    def loss(self) -> float:
        """Mean, in nats."""
        return float(self.sums[0, 1] / self.sums[0, 0])

    @property
    def auc(self) -> float:
        """Mean of the sites' or cameras' own, weighted by examples."""
        return float(self.sums[0, 2] / self.sums[0, 0])


def evaluate_held_out(network: FilmLstm, footage: CameraFootage, rng: np.random.Generator) -> HeldOutReport:
    """Scores up to 128 held-out tubelets against one pseudo-anomaly or foreign context each.

    No labels are needed, so every site can do it at any time.
    """
    network.eval()
    rows = rng.permutation(len(footage.tubelets))[:128]
    batch = draw_batch(footage, rows, TrainingSettings().strange_look_share, rng)
    with torch.inference_mode():
        scores = _encoded(network, batch, footage.camera_index).scores(network)
        losses = functional.binary_cross_entropy_with_logits(scores, batch.is_foreign, reduction="none").numpy()
    states = np.tile(footage.tubelets.state[rows], 2)
    is_foreign = batch.is_foreign.numpy().astype(np.int64)
    groups = [np.ones(len(states), dtype=np.bool_), *(states == state for state in range(NUM_STATES))]
    return HeldOutReport(
        np.array([_held_out_sums(is_foreign[rows], scores.numpy()[rows], losses[rows]) for rows in groups])
    )


def _held_out_sums(
    is_foreign: npt.NDArray[np.int64], scores: npt.NDArray[np.float32], losses: npt.NDArray[np.float32]
) -> tuple[float, float, float]:
    """One row of ``HeldOutReport.sums``: as many pseudo-anomalies as tubelets."""
    count = len(scores) / 2
    if not 0 < is_foreign.sum() < len(scores):
        return 0.0, 0.0, 0.0
    return count, count * float(losses.mean()), count * roc_auc(is_foreign, scores.astype(np.float64))


@dataclasses.dataclass(frozen=True)
class _Encoded:
    """Q rows as the network sees them, and what it needs besides."""

    codes: Tensor  # (Q, R, D)
    motion: Tensor  # (Q, R, M)
    condition: Tensor  # (Q, E)
    pictures: Tensor  # (Q, R, X)

    def scores(self, network: FilmLstm) -> Tensor:
        return network.score(self.codes, self.motion, self.condition)

    def normal(self, batch: Batch) -> "_Encoded":
        """The rows that are not foreign."""
        rows = batch.is_foreign == 0
        return _Encoded(self.codes[rows], self.motion[rows], self.condition[rows], self.pictures[rows])


def _encoded(network: FilmLstm, batch: Batch, camera_index: int) -> _Encoded:
    num_read = batch.crops.shape[1]
    condition = network.condition(batch.context, batch.zone_kind, torch.full_like(batch.zone_kind, camera_index))
    crops = batch.crops.flatten(0, 1)[:, None].contiguous(memory_format=torch.channels_last)  # (U * R, 1, S, S)
    features = network.features(crops)  # (U * R, 96, S/16, S/16)
    shown = (batch.shown[:, None] * num_read + torch.arange(num_read)).flatten()  # (Q * R,)
    codes = network.code(features[shown], condition.repeat_interleave(num_read, dim=0))  # (Q * R, D)
    pictures = small_pictures(crops)[shown]  # (Q * R, X)
    rows = (len(batch.shown), num_read, -1)
    return _Encoded(codes.view(rows), batch.motion, condition, pictures.view(rows))


def _head_loss(network: FilmLstm, normal: _Encoded) -> Tensor:
    """The sum of the heads' losses; nothing where there is no normal row. Scalar."""
    if not len(normal.codes):
        return torch.zeros(())
    view = network.view(normal.codes, normal.motion, normal.condition)
    losses = network.head_losses(view, normal.pictures)
    return torch.stack(list(losses.values())).sum() if losses else torch.zeros(())


def _known_or_not(footage: CameraFootage, rng: np.random.Generator) -> int:
    return footage.camera_index if rng.random() < KNOWN_CAMERA_SHARE else UNKNOWN_CAMERA
