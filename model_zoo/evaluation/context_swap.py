"""The same pixels in two contexts: what is an anomaly where people walk is none where bicycles are allowed.

Context *walkers* knows the training clips of UCSD Ped2. Context *bicycles allowed* knows some test clips in which
bicycles are the only anomaly, everything in them taken to be normal. The other test clips are scored twice, once in
each context. Among walkers every marked object is an anomaly; where bicycles are allowed only a cart is, and frames
that show a skateboard are left out there. Clips that teach bicycles rotate; figures are means over the rotations.

A model blind to context gives a frame the same score twice and cannot be right both times.

These figures use test clips as normal footage: they are never to be put beside those of ``evaluate ped2``.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_zoo.datasets.clip import DataSet, LabelledClip
from model_zoo.errors import FootageError
from model_zoo.evaluation.experiment import object_model_settings
from model_zoo.evaluation.frame_auc import frame_scores, roc_auc
from model_zoo.evaluation.frame_figures import SMOOTHINGS
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.watching import open_watcher
from model_zoo.scoring.frame_score import begun, bounded
from model_zoo.scoring.object_model import FittedModel, fit_object_model
from model_zoo.scoring.observations import Observations

Scores = npt.NDArray[np.float64]
Present = npt.NDArray[np.bool_]  # (frames,)

KINDS = ("bicycle", "cart", "skateboard")
WALKERS, BICYCLES = range(2)
NUM_ROTATIONS = 3
FALSE_FRAMES_PER_1000 = 10.0
"""Of each context's own normal frames: the budget that recall is read at."""

_OBJECTS = Path(__file__).with_name("ped2_objects.json")


@dataclasses.dataclass(frozen=True)
class Watched:
    """A clip's objects, its number of frames, and the frames that each kind of anomaly is in."""

    name: str
    rows: Observations
    num_frames: int
    present: Mapping[str, Present]

    def shows(self, *kinds: str) -> Present:
        """Frames with an object of one of the kinds. ``(frames,)``."""
        return np.asarray(np.logical_or.reduce([self.present[kind] for kind in kinds]), np.bool_)


def evaluate_context_swap(
    data: DataSet, settings: EvaluationSettings, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Figures of the conditioned model and of the same model blind to context.

    Args:
        data: UCSD Ped2.
        settings: What to run.
        progress: Told what is done.

    Returns:
        ``conditioned`` and ``blind``, each with ``union_auc`` and ``swap_auc`` (scores smoothed by a Gaussian, as
        papers do), both also by smoothing, AUC by context, and recall at an equal budget of false alarms; fractions.

    Raises:
        FootageError: The clips are not those of UCSD Ped2.
    """
    kinds = _kinds_by_clip(data.testing)
    watcher = open_watcher(data.training, settings)
    training = [_watched(watcher.watch(clip), clip.name, ()) for clip in data.training]
    testing = [_watched(watcher.watch(clip), clip.name, kinds[clip.name]) for clip in data.testing]
    progress(f"watched {len(training) + len(testing)} clips")
    teachers = [clip for clip in testing if not clip.shows("cart", "skateboard").any()]
    rotations = []
    for rotation in range(NUM_ROTATIONS):
        tested = [clip for clip in testing if clip not in teachers or teachers.index(clip) % NUM_ROTATIONS == rotation]
        taught = [clip for clip in teachers if clip not in tested]
        rotations.append(_rotation(training, taught, tested, settings))
        progress(f"rotation {rotation + 1} of {NUM_ROTATIONS}")
    means = {name: mean_figures([rotation[name] for rotation in rotations]) for name in ("conditioned", "blind")}
    return {
        **means,
        "swap_auc": means["conditioned"]["swap_auc"],
        "rotations": rotations,
        "configuration": settings.model_dump(mode="json"),
    }


def _kinds_by_clip(clips: Sequence[LabelledClip]) -> dict[str, list[dict[str, Any]]]:
    known = json.loads(_OBJECTS.read_text())["clips"]
    numbers = {clip.name: re.sub(r"\D", "", clip.name).lstrip("0").zfill(2) for clip in clips}
    if sorted(numbers.values()) != sorted(known):
        raise FootageError(f"expected the {len(known)} test clips of UCSD Ped2, got {', '.join(sorted(numbers))}")
    return {name: known[number] for name, number in numbers.items()}


def _watched(found: tuple[Observations, int], name: str, objects: Sequence[Mapping[str, Any]]) -> Watched:
    rows, num_frames = found
    present = {kind: np.zeros(num_frames, np.bool_) for kind in KINDS}
    for one in objects:
        if one["last"] >= num_frames:
            raise FootageError(f"clip {name}: expected more than {one['last']} frames, got {num_frames}")
        present[one["kind"]][one["first"] : one["last"] + 1] = True
    return Watched(name, rows, num_frames, present)


def _rotation(
    training: Sequence[Watched], taught: Sequence[Watched], tested: Sequence[Watched], settings: EvaluationSettings
) -> dict[str, Any]:
    """Figures with some clips teaching what is normal where bicycles are allowed."""
    fitted = object_model_settings(settings)
    clips = [in_context(clip.rows, WALKERS) for clip in training]
    conditioned = fit_object_model(
        [*clips, *(in_context(clip.rows, BICYCLES) for clip in taught)], settings.num_sites, 2, fitted
    )
    blind = fit_object_model(
        [*clips, *(in_context(clip.rows, WALKERS) for clip in taught)], settings.num_sites, 1, fitted
    )
    normal = [*training, *taught]
    return {
        "taught_by": [clip.name for clip in taught],
        "conditioned": _figures(conditioned, normal, len(training), tested, (WALKERS, BICYCLES)),
        "blind": _figures(blind, normal, len(training), tested, (WALKERS, WALKERS)),
    }


def in_context(rows: Observations, context: int) -> Observations:
    """The same objects, said to have been seen in a context."""
    return dataclasses.replace(rows, context=np.full(len(rows), context))


def _figures(
    fitted: FittedModel,
    normal: Sequence[Watched],
    num_walkers: int,
    tested: Sequence[Watched],
    contexts: tuple[int, int],
) -> dict[str, Any]:
    left_out = [
        _scores(fitted.without(index).surprise, clip, contexts[int(index >= num_walkers)])
        for index, clip in enumerate(normal)
    ]
    usual = float(np.median(np.concatenate(left_out)))
    own = (left_out[:num_walkers], left_out[num_walkers:])
    figures: dict[str, Any] = {}
    for name, smoothing in SMOOTHINGS.items():
        thresholds = [budget_threshold([smoothing(begun(one, usual)) for one in clips]) for clips in own]
        scores = [
            [smoothing(begun(_scores(fitted.model.surprise, clip, context), usual)) for clip in tested]
            for context in contexts
        ]
        figures[name] = _swap_figures(tested, scores, thresholds)
    return {"union_auc": figures["smoothed"]["union_auc"], "swap_auc": figures["smoothed"]["swap_auc"], **figures}


def _scores(surprise_fn: Callable[[Observations], Scores], clip: Watched, context: int) -> Scores:
    return frame_scores(clip.num_frames, clip.rows.frame, bounded(surprise_fn(in_context(clip.rows, context))))


def budget_threshold(scores: Sequence[Scores]) -> float:
    """What ``FALSE_FRAMES_PER_1000`` of normal frames score more than."""
    return float(np.quantile(np.concatenate(scores), 1 - FALSE_FRAMES_PER_1000 / 1000))


def _swap_figures(
    tested: Sequence[Watched], scores: Sequence[Sequence[Scores]], thresholds: Sequence[float]
) -> dict[str, float]:
    """Figures of frames scored in both contexts, smoothed already."""
    among_walkers, with_bicycles = (np.concatenate(one) for one in scores)
    is_odd = np.concatenate([clip.shows(*KINDS) for clip in tested])
    is_cart = np.concatenate([clip.shows("cart") for clip in tested])
    is_kept = ~np.concatenate([clip.shows("skateboard") for clip in tested])
    only_bicycles = np.concatenate([clip.shows("bicycle") & ~clip.shows("cart", "skateboard") for clip in tested])
    num_swapped = int(only_bicycles.sum())
    return {
        "union_auc": roc_auc(
            np.concatenate([is_odd, is_cart[is_kept]]).astype(np.int64),
            np.concatenate([among_walkers, with_bicycles[is_kept]]),
        ),
        "swap_auc": roc_auc(
            np.repeat([1, 0], num_swapped),
            np.concatenate([among_walkers[only_bicycles], with_bicycles[only_bicycles]]),
        ),
        "walkers_auc": roc_auc(is_odd.astype(np.int64), among_walkers),
        "bicycles_auc": roc_auc(is_cart[is_kept].astype(np.int64), with_bicycles[is_kept]),
        "walkers_recall": float((among_walkers[is_odd] > thresholds[WALKERS]).mean()),
        "bicycles_recall": float((with_bicycles[is_kept & is_cart] > thresholds[BICYCLES]).mean()),
        "bicycles_false_frames_per_1000": float(
            1000 * (with_bicycles[is_kept & ~is_cart] > thresholds[BICYCLES]).mean()
        ),
    }


def mean_figures(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of every figure, nested alike."""
    first = figures[0]
    return {
        name: mean_figures([one[name] for one in figures])
        if isinstance(value, Mapping)
        else float(np.mean([one[name] for one in figures]))
        for name, value in first.items()
    }


def swap_text(figures: Mapping[str, Any]) -> str:
    """The figures as a table."""
    lines = [f"{'means over rotations, %':<34}{'conditioned':>12}{'blind':>8}"]
    for smoothing, note in zip(SMOOTHINGS, ("raw", "causal (EMA)", "smoothed (Gaussian)"), strict=True):
        for key, words in (
            ("union_auc", "union AUC"),
            ("swap_auc", "swap AUC"),
            ("walkers_auc", "AUC among walkers"),
            ("bicycles_auc", "AUC with bicycles allowed"),
            ("walkers_recall", "recall among walkers"),
            ("bicycles_recall", "recall with bicycles allowed"),
        ):
            values = [100 * figures[model][smoothing][key] for model in ("conditioned", "blind")]
            lines.append(f"{note + ': ' + words:<50}"[:50] + f"{values[0]:>8.1f}{values[1]:>8.1f}")
    return "\n".join(lines)
