"""One factor's exact swap: what is normal in each of two contexts is learned, then the same pixels are scored in both.

A context learns from objects of its own clips; whatever may show an actor that is odd or unclear there is left out.
The model blind to context learns from all of them at once, and gives an object the same score twice.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from model_zoo.evaluation.context_swap import budget_threshold, in_context
from model_zoo.evaluation.experiment import object_model_settings
from model_zoo.evaluation.frame_auc import frame_scores, roc_auc
from model_zoo.evaluation.frame_figures import SMOOTHINGS
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.swap_judgement import CONTEXTS, FrameLabels, JudgedTake, RowMask, judged
from model_zoo.evaluation.swap_rules import LEAST_TAUGHT, NORMAL, ODD, UNCLEAR, CannotShow, Rule
from model_zoo.evaluation.world_takes import Take
from model_zoo.scoring.frame_score import begun, bounded
from model_zoo.scoring.object_model import FittedModel, ObjectModel, fit_object_model
from model_zoo.scoring.observations import Observations, joined

Scores = npt.NDArray[np.float64]
LEAST_SWAPPED = 20
"""Objects of test clips, each in one frame, that a swap must be measured on."""
Lesson = Sequence[JudgedTake]
"""The takes of one training clip."""


@dataclasses.dataclass(frozen=True)
class _Model:
    """A fitted model and the numbers that it knows the two contexts by."""

    fitted: FittedModel
    contexts: tuple[int, int]

    def left_out(self, lessons: Sequence[Lesson], context: int) -> list[Scores]:
        """A context's own training frames, as what the other clips taught scores what is normal in them."""
        return [
            self._raw(self.fitted.without(index), one, one.taught_rows(context), context)
            for index, lesson in enumerate(lessons)
            for one in lesson
            if context in one.teaches
        ]

    def tested(self, takes: Sequence[JudgedTake], context: int) -> list[Scores]:
        """Test frames, as if all in them had been seen in a context."""
        return [self._raw(self.fitted.model, one, one.tested_rows, context) for one in takes]

    def _raw(self, model: ObjectModel, one: JudgedTake, rows: RowMask, context: int) -> Scores:
        chosen = in_context(one.take.rows.select(rows), self.contexts[context])
        return frame_scores(one.take.num_frames, chosen.frame, bounded(model.surprise(chosen)))

    def objects(self, takes: Sequence[JudgedTake], context: int) -> Scores:
        """The surprise of all swapped objects in a context."""
        chosen = joined([one.take.rows.select(one.odd_in >= 0) for one in takes])
        return self.fitted.model.surprise(in_context(chosen, self.contexts[context]))


def examine(
    rule: Rule, training: Sequence[Sequence[Take]], testing: Sequence[Take], settings: EvaluationSettings
) -> dict[str, Any]:
    """Figures of the conditioned model and of the one blind to context.

    Args:
        rule: The factor.
        training: Takes of each training clip, all normal.
        testing: Takes of test clips.
        settings: What to run.

    Raises:
        CannotShow: Too few objects were found to teach a context, or to swap.
    """
    taken = [[judged(take, rule) for take in takes if take.stride in rule.strides] for takes in training]
    lessons = [lesson for takes in taken if (lesson := [one for one in takes if one.teaches])]
    tested = [judged(take, rule) for take in testing if take.stride in rule.strides and rule.is_tested_fn(take.world)]
    num_taught = [
        sum(int(one.taught_rows(context).sum()) for lesson in lessons for one in lesson if context in one.teaches)
        for context in CONTEXTS
    ]
    num_swapped = sum(int((one.odd_in >= 0).sum()) for one in tested)
    _check_enough(rule, len(lessons), num_taught, num_swapped)
    models = {"conditioned": (0, 1), "blind": (0, 0)}
    return {
        "contexts": list(rule.contexts),
        "about": rule.about,
        "objects_taught": num_taught,
        "objects_swapped": num_swapped,
        **{name: _figures(_fit(lessons, contexts, settings), lessons, tested) for name, contexts in models.items()},
    }


def _check_enough(rule: Rule, num_lessons: int, num_taught: Sequence[int], num_swapped: int) -> None:
    for name, count in zip(rule.contexts, num_taught, strict=True):
        if count < LEAST_TAUGHT:
            raise CannotShow(f"context {name}: {count} normal objects found in training clips, of {LEAST_TAUGHT}")
    if num_lessons < 2:
        raise CannotShow(f"{num_lessons} training clip, of at least 2")
    if num_swapped < LEAST_SWAPPED:
        raise CannotShow(
            f"{num_swapped} objects found in test clips are normal in one context and odd in the other, "
            f"of {LEAST_SWAPPED}"
        )


def _fit(lessons: Sequence[Lesson], contexts: tuple[int, int], settings: EvaluationSettings) -> _Model:
    clips = [joined([rows for one in lesson for rows in _taught(one, contexts)]) for lesson in lessons]
    return _Model(
        fit_object_model(clips, settings.num_sites, max(contexts) + 1, object_model_settings(settings)), contexts
    )


def _taught(one: JudgedTake, contexts: tuple[int, int]) -> Iterator[Observations]:
    """What a take teaches: each object in every context that it is normal in, to a blind model once."""
    masks: dict[int, RowMask] = {}
    for context in one.teaches:
        number = contexts[context]
        masks[number] = masks.get(number, np.False_) | one.taught_rows(context)
    for number, mask in masks.items():
        yield in_context(one.take.rows.select(mask), number)


def _figures(model: _Model, lessons: Sequence[Lesson], tested: Sequence[JudgedTake]) -> dict[str, Any]:
    own = [model.left_out(lessons, context) for context in CONTEXTS]
    usual = float(np.median(np.concatenate([raw for scores in own for raw in scores])))
    labels = [[one.frames(context) for one in tested] for context in CONTEXTS]
    found = [model.tested(tested, context) for context in CONTEXTS]
    figures: dict[str, Any] = {}
    for name, smoothing in SMOOTHINGS.items():
        thresholds = [budget_threshold([smoothing(begun(raw, usual)) for raw in scores]) for scores in own]
        smooth = [
            [smoothing(_begun(raw, some, usual)) for raw, some in zip(scores, of_context, strict=True)]
            for scores, of_context in zip(found, labels, strict=True)
        ]
        pooled = [(np.concatenate(some), np.concatenate(scores)) for some, scores in zip(labels, smooth, strict=True)]
        figures[name] = _frame_figures(pooled, thresholds)
    swap_auc = _swap_auc(tested, [model.objects(tested, context) for context in CONTEXTS])
    return {"union_auc": figures["smoothed"]["union_auc"], "swap_auc": swap_auc, **figures}


def _begun(raw: Scores, labels: FrameLabels, usual: float) -> Scores:
    """Raw scores, those of unclear frames taken to be usual: what is in them must not spread by smoothing."""
    return np.where(labels == UNCLEAR, usual, begun(raw, usual))


def _frame_figures(pooled: Sequence[tuple[FrameLabels, Scores]], thresholds: Sequence[float]) -> dict[str, Any]:
    """Figures of frames scored in both contexts, smoothed already; by context, ``None`` where a class is missing."""
    kept = [(labels[labels != UNCLEAR], scores[labels != UNCLEAR]) for labels, scores in pooled]
    labels, scores = (np.concatenate(column) for column in zip(*kept, strict=True))
    return {
        "union_auc": roc_auc(labels.astype(np.int64), scores),
        "auc": [roc_auc(some.astype(np.int64), own) if len(set(some)) == 2 else None for some, own in kept],
        "recall": [_share_above(own[some == ODD], least) for (some, own), least in zip(kept, thresholds, strict=True)],
        "false_frames_per_1000": [
            None if (share := _share_above(own[some == NORMAL], least)) is None else 1000 * share
            for (some, own), least in zip(kept, thresholds, strict=True)
        ],
    }


def _share_above(scores: Scores, threshold: float) -> float | None:
    return float((scores > threshold).mean()) if len(scores) else None


def _swap_auc(tested: Sequence[JudgedTake], surprise: Sequence[Scores]) -> float:
    """How well the context in which an object is odd is told from the one in which it is normal."""
    odd_in = np.concatenate([one.odd_in[one.odd_in >= 0] for one in tested])
    odd = np.where(odd_in == 0, surprise[0], surprise[1])
    normal = np.where(odd_in == 0, surprise[1], surprise[0])
    return roc_auc(np.repeat([1, 0], len(odd)), np.concatenate([odd, normal]))
