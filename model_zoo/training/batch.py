"""Batches to train on: tubelets as they were seen, and the same as pseudo-anomalies or in foreign contexts.

Letters in shapes: N tubelets, U of them with crops of their own, Q rows, R steps read, S crop side, M motion features,
C context values.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model_zoo.architecture import STEPS_READ
from model_zoo.perception.background import Picture
from model_zoo.perception.tubelet import Tubelets
from model_zoo.training.cutout import CutoutCache
from model_zoo.training.exposure import Exposure
from model_zoo.training.pseudo_anomalies import KINDS
from model_zoo.training.strange_looks import put_back_unchanged, strange

LABEL_CONFIRMED = 1
"""``Tubelets.label`` of a confirmed anomaly; every other tubelet is normal, a false alarm included."""
CONTEXT_SWAP_SHARE = 0.5
PUT_BACK_SHARE = 0.4
"""Of the rows that are not foreign: cut out and put back, as what looks strange is."""
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
class Batch:
    """Q rows to score; a row in a foreign context shows the crops of the tubelet it was taken from."""

    crops: Tensor  # (U, R, S, S) in [0, 1]
    shown: Tensor  # (Q,) which of the U each row shows
    motion: Tensor  # (Q, R, M)
    context: Tensor  # (Q, C)
    zone_kind: Tensor  # (Q,)
    is_foreign: Tensor  # (Q,) 0 or 1


def batch_of(tubelets: Tubelets) -> Batch:
    """The tubelets as they are."""
    rows = len(tubelets)
    return Batch(
        torch.from_numpy(tubelets.crops[:, STEPS_READ]).float() / 255,
        torch.arange(rows),
        torch.from_numpy(tubelets.motion[:, STEPS_READ]),
        torch.from_numpy(tubelets.context),
        torch.from_numpy(tubelets.zone_kind),
        torch.zeros(rows),
    )


def draw_rows(
    label: npt.NDArray[np.int64], batch_size: int, confirmed_share: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Rows of one batch: mostly normal, a fixed share from the confirmed anomalies when there are any.

    A false alarm is drawn like any other normal tubelet. Drawn more often, it makes a whole context look busy, and
    anomalies there are missed.

    Args:
        label: Of each tubelet. ``(N,)``.
        batch_size: Rows to draw.
        confirmed_share: Of the rows, when there are confirmed anomalies.
        rng: Source of every random choice.
    """
    confirmed, normal = np.nonzero(label == LABEL_CONFIRMED)[0], np.nonzero(label != LABEL_CONFIRMED)[0]
    num_confirmed = round(batch_size * confirmed_share) if len(confirmed) else 0
    if not len(normal):
        return rng.choice(confirmed, batch_size)
    rows = rng.choice(normal, batch_size - num_confirmed)
    return np.concatenate([rows, rng.choice(confirmed, num_confirmed)]) if num_confirmed else rows


def draw_batch(
    footage: CameraFootage, rows: npt.NDArray[np.int64], strange_share: float, rng: np.random.Generator
) -> Batch:
    """The tubelets at ``rows`` as they are, then each once more as a pseudo-anomaly or in a foreign context.

    Args:
        footage: Of one camera.
        rows: Of its tubelets.
        strange_share: Of the pseudo-anomalies, those that look wrong; with 0 no tubelet is cut out at all.
        rng: Source of every random choice.
    """
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
    return Batch(
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
