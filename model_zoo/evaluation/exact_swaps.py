"""Five factors of context on footage whose every actor is known: the same pixels, right in one context, odd in another.

Time of day, zone, operational state, permitted direction and speed limit of one camera of the synthetic world. A
factor that the camera's footage cannot show is left out, with the reason; overall figures are means over the others.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from model_zoo.datasets.synthetic import WorldFootage
from model_zoo.errors import FootageError
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.swap_exam import examine
from model_zoo.evaluation.swap_rules import FACTORS, CannotShow, Rule
from model_zoo.evaluation.world_takes import open_world_watcher, watch_take

MODELS = ("conditioned", "blind")


def evaluate_exact_swaps(
    footage: WorldFootage, settings: EvaluationSettings, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Figures by factor and overall, of the conditioned model and of the same model blind to context.

    Args:
        footage: One camera's.
        settings: What to run.
        progress: Told what is done.

    Returns:
        ``conditioned`` and ``blind`` with ``union_auc`` (frames of both contexts, scores smoothed by a Gaussian) and
        ``swap_auc`` (the same object in both contexts), fractions; the same by factor in ``factors``; and ``left_out``:
        reasons by factor.

    Raises:
        FootageError: A frame cannot be used, or no factor can be shown.
        ModelFileError: Detector or network cannot be used.
    """
    rules: dict[str, Rule] = {}
    left_out: dict[str, str] = {}
    for name, rule_of in FACTORS.items():
        try:
            rules[name] = rule_of(footage)
        except CannotShow as reason:
            left_out[name] = str(reason)
    _check_any(rules, left_out)
    watcher = open_world_watcher(footage.training, settings)
    strides = sorted({stride for rule in rules.values() for stride in rule.strides})
    training = [[watch_take(watcher, clip, stride) for stride in strides] for clip in footage.training]
    testing = [watch_take(watcher, clip, stride) for clip in footage.testing for stride in strides]
    progress(f"watched {len(footage.training) + len(footage.testing)} clips")
    factors: dict[str, Any] = {}
    for name, rule in rules.items():
        try:
            factors[name] = examine(rule, training, testing, settings)
        except CannotShow as reason:
            left_out[name] = str(reason)
        progress(words(name))
    _check_any(factors, left_out)
    means = {model: _overall(factors, model) for model in MODELS}
    return {
        **means,
        "swap_auc": means["conditioned"]["swap_auc"],
        "factors": factors,
        "left_out": left_out,
        "configuration": settings.model_dump(mode="json"),
    }


def words(name: str) -> str:
    """A factor's name as it is printed."""
    return name.replace("_", " ")


def _check_any(found: Mapping[str, object], left_out: Mapping[str, str]) -> None:
    if not found:
        reasons = "; ".join(f"{words(name)}: {reason}" for name, reason in left_out.items())
        raise FootageError(f"expected footage that shows a factor of context; {reasons}")


def _overall(factors: Mapping[str, Any], model: str) -> dict[str, float]:
    return {
        key: float(np.mean([figures[model][key] for figures in factors.values()])) for key in ("union_auc", "swap_auc")
    }


def exact_swaps_text(figures: Mapping[str, Any]) -> str:
    """The figures as a table, and what was left out; recall and false frames of both contexts, one after the other."""
    titles = ("union AUC", "swap AUC", "recall", "false per 1000")
    lines = [
        f"{'smoothed, %':<22}" + "".join(f"{title:>20}" for title in titles),
        " " * 22 + len(titles) * f"{'conditioned':>12}{'blind':>8}",
    ]
    for name, factor in {**figures["factors"], "mean": figures}.items():
        cells = [f"{100 * factor[model][key]:.1f}" for key in ("union_auc", "swap_auc") for model in MODELS]
        if name in figures["factors"]:
            smoothed = [factor[model]["smoothed"] for model in MODELS]
            cells += [_of_both(one["recall"], 100) for one in smoothed]
            cells += [_of_both(one["false_frames_per_1000"], 1) for one in smoothed]
        lines.append(f"{words(name):<22}" + "".join(f"{cell:>{12 - 4 * (at % 2)}}" for at, cell in enumerate(cells)))
    for name, factor in figures["factors"].items():
        lines.append(f"{words(name)}: {' | '.join(factor['contexts'])}: {factor['about']}")
    lines += [f"{words(name)}: left out: {reason}" for name, reason in figures["left_out"].items()]
    return "\n".join(lines)


def _of_both(figures: Sequence[float | None], scale: float) -> str:
    return "/".join("-" if one is None else f"{scale * one:.0f}" for one in figures)
