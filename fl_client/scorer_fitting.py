"""Fitting a camera's scorer to what the camera has stored.

Statistics are fitted to every stored block, and calibrated on each block by the statistics of all the others: nothing
is judged by what it taught. The network is trained by the whole fleet, so a block it was trained on calibrates nearly
as well as one held out, and does so while held-out blocks are few.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from context.schedule import STATES
from fl_client.exemplars import NO_EXEMPLARS, Exemplars
from fl_client.scoring import CameraScorer, Scores, Statistics, kind_context, local_context
from fl_client.storage.tubelet_store import LABELS, Block, TubeletStore
from fl_client.training.normality_sums import block_sums
from model_zoo.architecture import NUM_FLEET_CONTEXTS
from model_zoo.calibration import fit_calibration
from model_zoo.normality.features import NUM_FEATURES, object_features
from model_zoo.normality.intensity import NormalitySums, fit_intensity
from model_zoo.onnx_model import OnnxModel

MIN_HELD_OUT_TUBELETS = 2000
"""With fewer, the blocks trained on calibrate as well."""

MAX_EXEMPLARS = 1000
"""The newest accepted tubelets that are compared with every object of every frame."""

TUBELETS_OF_AN_OBJECT = 8.0
"""Tubelets that one passing object leaves, about: they say the same, so they count as one."""


def fit_scorer(
    model: OnnxModel, store: TubeletStore, *, is_conditioned: bool = True, uses_labels: bool = True
) -> CameraScorer:
    """Fits statistics and calibration of one camera to what it has stored.

    Args:
        model: The model that will score; the fleet's normality comes with it.
        store: The camera's tubelets.
        is_conditioned: False pools all contexts: the blind baseline.
        uses_labels: False leaves out what an operator has said.

    Raises:
        StateError: The camera was never described in the store.
        NormalityError: The model's fleet normality is of another layout.
    """
    zone_kinds, camera_index = store.zone_kinds_and_index()
    num_contexts = len(zone_kinds) * len(STATES)
    training, held_out = (store.blocks(is_held_out=flag) for flag in (False, True))
    past = _Past(
        [_block_sums(block, zone_kinds) for block in (*held_out, *training)],
        _fleet_rows(model, zone_kinds),
        is_conditioned,
    )
    is_enough = sum(len(block.tubelets) for block in held_out) >= MIN_HELD_OUT_TUBELETS
    normal = held_out if is_enough else [*held_out, *training]
    context = _joined([_context(block, is_conditioned=is_conditioned) for block in normal]).astype(np.int64)
    judged = [model.judge_tubelets(block.tubelets, camera_index) for block in normal]
    foreign, odd = (_joined([getattr(one, name) for one in judged]) for name in ("score", "oddity"))
    by_score, by_oddity = (fit_calibration(scores, context, num_contexts) for scores in (foreign, odd))
    scores = _joined(list(_left_out_scores(past, normal, is_conditioned=is_conditioned)))
    by_statistics = fit_calibration(scores, context, num_contexts)
    statistics = past.statistics()
    fused = by_score.surprise(foreign, context) + by_oddity.surprise(odd, context)
    fused += by_statistics.surprise(scores, context) + statistics.rarity[context]
    return CameraScorer(
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
    )


@dataclasses.dataclass(frozen=True)
class _Past:
    """Normality sums of everything seen, block by block, and of the fleet."""

    blocks: Sequence[NormalitySums]
    fleet: NormalitySums
    is_conditioned: bool

    def statistics(self, left_out: int | None = None) -> Statistics:
        """What is known from all blocks, or from all but one."""
        sums = NormalitySums.zeros(*self.fleet.shape)
        for number, block in enumerate(self.blocks):
            sums = sums if number == left_out else sums + block
        fleet = self.fleet if self.is_conditioned else self.fleet.pooled()
        sums = sums if self.is_conditioned else sums.pooled()
        intensity = fit_intensity(sums, fleet)
        count = sums.count if self.is_conditioned else sums.count[:1]
        return Statistics(intensity, context_rarity(intensity.log_rate, count))


def context_rarity(log_rate: npt.NDArray[np.float64], count: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How rare it is to see any object in a context.

    Kept apart from what objects are like: a rate of one in an hour says more about an intruder than any feature, and
    would drown in the spread of the features if both were one score.

    Args:
        log_rate: Logarithm of objects a second in each context. ``(K,)``.
        count: Tubelets seen in each context. ``(K,)``.

    Returns:
        -log10 of the share of the camera's objects that appear in contexts as quiet or quieter. ``(K,)``, at least 0.
    """
    objects = count / TUBELETS_OF_AN_OBJECT
    quieter = (log_rate[None, : len(count)] <= log_rate[:, None] + 1e-9) @ objects  # (K,)
    return np.asarray(-np.log10((quieter + 0.5) / (objects.sum() + 0.5)))


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


def _fleet_rows(model: OnnxModel, zone_kinds: npt.NDArray[np.int64]) -> NormalitySums:
    """The fleet's sums, row by row for this camera's contexts; nothing if the model carries none."""
    num_states = len(STATES)
    if not model.metadata.fleet_normality:
        return NormalitySums.zeros(len(zone_kinds) * num_states, NUM_FEATURES)
    fleet = NormalitySums.from_vector(
        np.array(model.metadata.fleet_normality, dtype=np.float64), NUM_FLEET_CONTEXTS, NUM_FEATURES
    )
    rows = kind_context(np.arange(len(zone_kinds) * num_states), zone_kinds)
    return NormalitySums(fleet.exposure_s[rows], fleet.count[rows], fleet.linear[rows], fleet.outer[rows])
