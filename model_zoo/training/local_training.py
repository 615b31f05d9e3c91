"""Local training: one site teaches the network what belongs to its contexts.

The network tells tubelets as they were seen from tubelets in a foreign context and from pseudo-anomalies (noise-
contrastive estimation): its score estimates the log odds that a tubelet is foreign to its context. Foreign contexts
are drawn by how long each was watched, so a context in which nothing ever moves makes everything foreign. The heads
learn beside it from the normal tubelets alone; before it, when a site is asked to pretrain.

Source:
    Gutmann and Hyvärinen, 2010. https://proceedings.mlr.press/v9/gutmann10a.html
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from model_zoo.architecture import STEPS_READ
from model_zoo.backbones.film_lstm import FilmLstm, small_pictures
from model_zoo.evaluation.frame_auc import roc_auc
from model_zoo.perception.background import Picture
from model_zoo.perception.tubelet import Tubelets
from model_zoo.training.cutout import CutoutCache
from model_zoo.training.exposure import Exposure
from model_zoo.training.pseudo_anomalies import KINDS
from model_zoo.training.strange_looks import put_back_unchanged, strange

LABEL_CONFIRMED = 1
"""``Tubelets.label`` of a confirmed anomaly; every other tubelet is normal, a false alarm included."""
MAX_GRADIENT_NORM = 5.0
CONTEXT_SWAP_SHARE = 0.5
PUT_BACK_SHARE = 0.4
"""Of the rows that are not foreign: cut out and put back, as what looks strange is."""
UNKNOWN_CAMERA = 0
KNOWN_CAMERA_SHARE = 0.75
"""The other batches are trained as an unknown camera's, so that the model also serves a camera it has never seen."""
_KIND_FNS = tuple(KINDS.values())


@dataclasses.dataclass(frozen=True)
class CameraFootage:
    """What one camera offers for training: tubelets, watched moments, and the kind of each of its zone slots."""

    tubelets: Tubelets
    """With the steps alone that the network looks at: pseudo-anomalies are made of what it sees."""
    exposure: Exposure
    zone_kinds: npt.NDArray[np.int64]  # (num_slots,)
    camera_index: int
    backgrounds: Mapping[int, Picture] = dataclasses.field(default_factory=dict)
    """The empty scene by index of the operational state; without it no pseudo-anomaly looks strange."""

    @functools.cached_property
    def cutouts(self) -> CutoutCache:
        """The objects of the tubelets without what is behind them."""
        return CutoutCache(self.tubelets, self.backgrounds)


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How much and how fast a site trains in one round."""

    batch_size: int = 16
    learning_rate: float = 2e-3
    confirmed_share: float = 0.25
    """Share of a batch drawn from confirmed anomalies, when there are any."""
    strange_look_share: float = 0.5
    """Share of the pseudo-anomalies that look wrong, where the empty scene is known; the others move or size wrong."""
    is_pretraining: bool = False
    """Pretraining teaches the heads alone, on batches of normal tubelets as large as both halves of the others."""


@dataclasses.dataclass(frozen=True)
class _Batch:
    """Q rows to score; a row in a foreign context shows the crops of the tubelet it was taken from."""

    crops: Tensor  # (U, R, S, S) in [0, 1]
    shown: Tensor  # (Q,) which of the U each row shows
    motion: Tensor  # (Q, R, M)
    context: Tensor  # (Q, C)
    zone_kind: Tensor  # (Q,)
    is_foreign: Tensor  # (Q,) 0 or 1


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
        self._optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)

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
            rows = _draw_rows(footage.tubelets.label, self._settings, rng)
            batch = _draw_batch(footage, rows, self._settings.strange_look_share, rng)
            encoded = _encoded(self._network, batch, _known_or_not(footage, rng))
            told = functional.binary_cross_entropy_with_logits(encoded.scores(self._network), batch.is_foreign)
            loss = told + _head_loss(self._network, encoded.normal(batch))
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), MAX_GRADIENT_NORM)
        self._optimizer.step()
        return float(told.item())

    def _pretraining_loss(self, footage: CameraFootage, rng: np.random.Generator) -> Tensor:
        normal = np.flatnonzero(footage.tubelets.label != LABEL_CONFIRMED)
        if not len(normal):
            raise ValueError("expected a normal tubelet to pretrain on")
        rows = rng.choice(normal, min(2 * self._settings.batch_size, len(normal)), replace=False)
        batch = _batch_of(footage.tubelets.select(rows))
        return _head_loss(self._network, _encoded(self._network, batch, _known_or_not(footage, rng)))


@dataclasses.dataclass(frozen=True)
class HeldOutReport:
    """How well the network tells held-out tubelets from their pseudo-anomalies."""

    loss: float
    auc: float
    num_examples: int


def evaluate_held_out(network: FilmLstm, footage: CameraFootage, rng: np.random.Generator) -> HeldOutReport:
    """Scores up to 128 held-out tubelets against one pseudo-anomaly or foreign context each.

    No labels are needed, so every site can do it at any time.
    """
    network.eval()
    rows = rng.permutation(len(footage.tubelets))[:128]
    batch = _draw_batch(footage, rows, TrainingSettings().strange_look_share, rng)
    with torch.inference_mode():
        scores = _encoded(network, batch, footage.camera_index).scores(network)
        loss = functional.binary_cross_entropy_with_logits(scores, batch.is_foreign).item()
    return HeldOutReport(loss, roc_auc(batch.is_foreign.numpy().astype(np.int64), scores.numpy()), len(rows))


def _draw_rows(
    label: npt.NDArray[np.int64], settings: TrainingSettings, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Rows of one batch: mostly normal, a fixed share from the confirmed anomalies when there are any.

    A false alarm is drawn like any other normal tubelet. Drawn more often, it makes a whole context look busy, and
    anomalies there are missed.
    """
    confirmed, normal = np.nonzero(label == LABEL_CONFIRMED)[0], np.nonzero(label != LABEL_CONFIRMED)[0]
    num_confirmed = round(settings.batch_size * settings.confirmed_share) if len(confirmed) else 0
    if not len(normal):
        return rng.choice(confirmed, settings.batch_size)
    rows = rng.choice(normal, settings.batch_size - num_confirmed)
    return np.concatenate([rows, rng.choice(confirmed, num_confirmed)]) if num_confirmed else rows


def _draw_batch(
    footage: CameraFootage, rows: npt.NDArray[np.int64], strange_share: float, rng: np.random.Generator
) -> _Batch:
    """The tubelets at ``rows`` as they are, then each once more as a pseudo-anomaly or in a foreign context."""
    real = footage.tubelets.select(rows)
    context, zone_kind = _foreign_contexts(footage, real, rng)
    is_elsewhere = (zone_kind != real.zone_kind) | (context != real.context).any(axis=1)
    is_swapped = (rng.random(len(rows)) < CONTEXT_SWAP_SHARE) & is_elsewhere
    context[~is_swapped], zone_kind[~is_swapped] = real.context[~is_swapped], real.zone_kind[~is_swapped]
    changed = np.nonzero(~is_swapped)[0]
    crops, motion = _pseudo_anomalies(footage, rows[changed], strange_share, rng)
    unchanged = _put_back_at_times(footage, rows, rng) if strange_share else real.crops[:, STEPS_READ]
    shown, foreign_motion = np.arange(len(rows)), real.motion[:, STEPS_READ].copy()
    shown[changed], foreign_motion[changed] = len(rows) + np.arange(len(changed)), motion
    is_foreign = np.concatenate([real.label == LABEL_CONFIRMED, np.ones(len(rows), dtype=np.bool_)])
    return _Batch(
        torch.from_numpy(np.concatenate([unchanged, crops])).float() / 255,
        torch.from_numpy(np.concatenate([np.arange(len(rows)), shown])),
        torch.from_numpy(np.concatenate([real.motion[:, STEPS_READ], foreign_motion])),
        torch.from_numpy(np.concatenate([real.context, context])),
        torch.from_numpy(np.concatenate([real.zone_kind, zone_kind])),
        torch.from_numpy(is_foreign.astype(np.float32)),
    )


def _put_back_at_times(
    footage: CameraFootage, rows: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Crops of the tubelets at ``rows``, some of them cut out and put back. ``(N, R, S, S)``."""
    crops = footage.tubelets.crops[rows][:, STEPS_READ]
    for number in np.flatnonzero(rng.random(len(rows)) < PUT_BACK_SHARE):
        pair = footage.cutouts.pair(int(rows[number]), rng)
        if pair is not None:
            crops[number] = put_back_unchanged(*pair, rng)
    return crops


def _pseudo_anomalies(
    footage: CameraFootage, rows: npt.NDArray[np.int64], strange_share: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Crops and motion of the tubelets at ``rows``, each changed in one way. ``(N, R, S, S)`` and ``(N, R, M)``."""
    real = footage.tubelets.select(rows)
    crops, motion = real.crops[:, STEPS_READ].copy(), real.motion[:, STEPS_READ].copy()
    donors = rng.integers(len(footage.tubelets), size=len(rows))
    is_strange = rng.random(len(rows)) < strange_share
    for number, (row, donor) in enumerate(zip(rows, donors, strict=True)):
        pair = footage.cutouts.pair(int(row), rng) if is_strange[number] else None
        if pair is not None:
            crops[number], motion[number] = strange(*pair, motion[number], rng)
            continue
        kind_fn = _KIND_FNS[rng.integers(len(_KIND_FNS))]
        other = (footage.tubelets.crops[donor], footage.tubelets.motion[donor])
        changed_crops, changed_motion = kind_fn((real.crops[number], real.motion[number]), other, rng)
        crops[number], motion[number] = changed_crops[STEPS_READ], changed_motion[STEPS_READ]
    return crops, motion


def _foreign_contexts(
    footage: CameraFootage, real: Tubelets, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Draws a moment by how long it was watched; half the time another zone, too."""
    exposure, rows = footage.exposure, len(real)
    moments = rng.choice(len(exposure), rows, p=exposure.watched_s / exposure.watched_s.sum())
    slots = rng.integers(len(footage.zone_kinds), size=rows)
    keeps_zone = rng.random(rows) < 0.5
    return exposure.context[moments], np.where(keeps_zone, real.zone_kind, footage.zone_kinds[slots])


@dataclasses.dataclass(frozen=True)
class _Encoded:
    """Q rows as the network sees them, and what it needs besides."""

    codes: Tensor  # (Q, R, D)
    motion: Tensor  # (Q, R, M)
    condition: Tensor  # (Q, E)
    pictures: Tensor  # (Q, R, X)

    def scores(self, network: FilmLstm) -> Tensor:
        return network.score(self.codes, self.motion, self.condition)

    def normal(self, batch: _Batch) -> "_Encoded":
        """The rows that are not foreign."""
        rows = batch.is_foreign == 0
        return _Encoded(self.codes[rows], self.motion[rows], self.condition[rows], self.pictures[rows])


def _encoded(network: FilmLstm, batch: _Batch, camera_index: int) -> _Encoded:
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


def _batch_of(tubelets: Tubelets) -> _Batch:
    """The tubelets as they are."""
    rows = len(tubelets)
    return _Batch(
        torch.from_numpy(tubelets.crops[:, STEPS_READ]).float() / 255,
        torch.arange(rows),
        torch.from_numpy(tubelets.motion[:, STEPS_READ]),
        torch.from_numpy(tubelets.context),
        torch.from_numpy(tubelets.zone_kind),
        torch.zeros(rows),
    )
