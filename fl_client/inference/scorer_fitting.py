"""Fitting a camera's scorer to what the camera has stored.

Statistics are fitted to every stored block, and calibrated on each block by the statistics of all the others: nothing
is judged by what it taught. Where a camera has seen little they lean on its site's other cameras, and those on the
fleet. The network is trained by the whole fleet, so a block it was trained on calibrates nearly
as well as one held out, and does so while held-out blocks are few.
"""

import dataclasses
import functools
import operator
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from context.schedule import STATES
from fl_client.inference.exemplars import NO_EXEMPLARS, Exemplars
from fl_client.inference.rarity import context_rarity
from fl_client.inference.scoring import CameraScorer, Scores, Statistics, kind_context, local_context
from fl_client.storage.tubelet_store import LABELS, Block, TubeletStore
from fl_client.training.normality_sums import block_sums, kind_sums, no_kind_sums
from model_zoo.calibration import fit_calibration
from model_zoo.normality.features import object_features
from model_zoo.normality.intensity import NormalitySums, fit_intensity
from model_zoo.onnx_model import OnnxModel

MIN_HELD_OUT_TUBELETS = 2000
"""With fewer, the blocks trained on calibrate as well."""

MAX_EXEMPLARS = 1000
"""The newest accepted tubelets that are compared with every object of every frame."""


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A camera's scorer, and what the site's other cameras may learn from the camera."""

    scorer: CameraScorer
    seen: NormalitySums
    """Of everything stored, by zone kind and state."""


def fit_scorer(
    model: OnnxModel, store: TubeletStore, *, is_conditioned: bool = True, uses_labels: bool = True
) -> CameraScorer:
    """Fits the scorer of the only camera of a site; see ``fit_camera``."""
    return fit_camera(model, store, is_conditioned=is_conditioned, uses_labels=uses_labels).scorer


def fit_camera(
    model: OnnxModel,
    store: TubeletStore,
    neighbours: NormalitySums | None = None,
    *,
    is_conditioned: bool = True,
    uses_labels: bool = True,
) -> Fitted:
    """Fits statistics and calibration of one camera to what it has stored.

    Args:
        model: The model that will score; the fleet's normality comes with it.
        store: The camera's tubelets.
        neighbours: What the site's other cameras have seen, by zone kind and state; nothing when absent.
        is_conditioned: False pools all contexts: the blind baseline.
        uses_labels: False leaves out what an operator has said.

    Raises:
        StateError: The camera was never described in the store.
        NormalityError: The model's fleet normality is of another layout.
    """
    zone_kinds, camera_index = store.zone_kinds_and_index()
    num_contexts = len(zone_kinds) * len(STATES)
    training, held_out = (store.blocks(is_held_out=flag) for flag in (False, True))
    blocks = [*held_out, *training]
    past = _Past(
        [_block_sums(block, zone_kinds) for block in blocks],
        _ancestors(model, neighbours, zone_kinds),
        is_conditioned,
    )
    is_enough = sum(len(block.tubelets) for block in held_out) >= MIN_HELD_OUT_TUBELETS
    normal = held_out if is_enough else blocks
    context = _joined([_context(block, is_conditioned=is_conditioned) for block in normal]).astype(np.int64)
    judged = [model.judge_tubelets(block.tubelets, camera_index) for block in normal]
    foreign, odd = (_joined([getattr(one, name) for one in judged]) for name in ("score", "oddity"))
    by_score, by_oddity = (fit_calibration(scores, context, num_contexts) for scores in (foreign, odd))
    scores = _joined(list(_left_out_scores(past, normal, is_conditioned=is_conditioned)))
    by_statistics = fit_calibration(scores, context, num_contexts)
    statistics = past.statistics()
    fused = by_score.surprise(foreign, context) + by_oddity.surprise(odd, context)
    fused += by_statistics.surprise(scores, context) + statistics.rarity[context]
    scorer = CameraScorer(
        model,
        camera_index,
        zone_kinds,
        statistics,
        by_score,
        by_oddity,
        by_statistics,
        fit_calibration(fused, context, num_contexts),
        _exemplars(store, zone_kinds, is_conditioned=is_conditioned) if uses_labels else NO_EXEMPLARS,
        is_conditioned,
        frozenset().union(*(_context(block, is_conditioned=is_conditioned).tolist() for block in blocks)),
    )
    return Fitted(scorer, _added([kind_sums(block, zone_kinds) for block in blocks], no_kind_sums()))


@dataclasses.dataclass(frozen=True)
class _Past:
    """Normality sums of everything seen, block by block, of the site's other cameras and of the fleet."""

    blocks: Sequence[NormalitySums]
    ancestors: tuple[NormalitySums, ...]
    is_conditioned: bool

    def statistics(self, left_out: int | None = None) -> Statistics:
        """What is known from all blocks, or from all but one."""
        kept = [block for number, block in enumerate(self.blocks) if number != left_out]
        sums, *ancestors = _added(kept, NormalitySums.zeros(*self.ancestors[0].shape)), *self.ancestors
        if not self.is_conditioned:
            sums, *ancestors = (one.pooled() for one in (sums, *ancestors))
        return Statistics(fit_intensity(sums, ancestors), context_rarity(sums, ancestors))


def _left_out_scores(past: _Past, normal: Sequence[Block], *, is_conditioned: bool) -> Iterator[Scores]:
    """The statistics' score of each block's objects by all other blocks; ``past`` begins with the blocks ``normal``."""
    for number, block in enumerate(normal):
        statistics = past.statistics(left_out=number)
        context = _context(block, is_conditioned=is_conditioned)
        yield statistics.scores(object_features(block.tubelets.motion), context)


def _block_sums(block: Block, zone_kinds: npt.NDArray[np.int64]) -> NormalitySums:
    slots = np.arange(len(zone_kinds))
    return block_sums(block, slots, len(zone_kinds) * len(STATES), block.tubelets.zone_slot)


def _context(block: Block, *, is_conditioned: bool) -> npt.NDArray[np.int64]:
    context = local_context(block.tubelets.zone_slot, block.tubelets.state)
    return context if is_conditioned else np.zeros_like(context)


def _joined(parts: Sequence[npt.NDArray[np.number]]) -> Scores:
    return np.concatenate([np.zeros(0), *parts]).astype(np.float64)


def _exemplars(store: TubeletStore, zone_kinds: npt.NDArray[np.int64], *, is_conditioned: bool) -> Exemplars:
    labelled = store.labelled()
    false = np.nonzero(labelled.label == LABELS["false"])[0]
    accepted = labelled.select(false[np.argsort(labelled.instant_s[false], kind="stable")[-MAX_EXEMPLARS:]])
    context = local_context(accepted.zone_slot, accepted.state)
    context = context if is_conditioned else np.zeros_like(context)
    return Exemplars.of(accepted, kind_context(context, zone_kinds))


def _ancestors(
    model: OnnxModel, neighbours: NormalitySums | None, zone_kinds: npt.NDArray[np.int64]
) -> tuple[NormalitySums, NormalitySums]:
    """What the site's other cameras and the fleet have seen, row by row for this camera's contexts."""
    fleet = no_kind_sums()
    if model.metadata.fleet_normality:
        vector = np.array(model.metadata.fleet_normality, dtype=np.float64)
        fleet = NormalitySums.from_vector(vector, *fleet.shape)
    rows = kind_context(np.arange(len(zone_kinds) * len(STATES)), zone_kinds)
    return (neighbours or no_kind_sums()).select(rows), fleet.select(rows)


def _added(parts: Sequence[NormalitySums], nothing: NormalitySums) -> NormalitySums:
    return functools.reduce(operator.add, parts, nothing)
