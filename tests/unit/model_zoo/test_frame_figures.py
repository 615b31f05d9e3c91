"""Figures of a test set against slow transcriptions of their definitions."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from model_zoo.evaluation.frame_auc import Scores, average_precision, ema, gaussian, roc_auc
from model_zoo.evaluation.frame_figures import (
    ScoredFrames,
    alarm_figures,
    average_precision_interval,
    frame_figures,
    macro_interval,
    micro_interval,
)


def clips() -> list[ScoredFrames]:
    random = np.random.default_rng([3])
    labels = [np.repeat([0, 1, 0], [12, 20, 8]), np.repeat([1, 0], [15, 15]), np.ones(25, np.int64)]
    return [
        ScoredFrames(f"{index:02}", one, random.normal(one.astype(np.float64), 0.8)) for index, one in enumerate(labels)
    ]


def gaussian_by_definition(scores: Scores) -> Scores:
    mirrored = np.concatenate([scores[::-1], scores, scores[::-1]])
    count, out = len(scores), np.zeros(len(scores))
    for centre in range(count):
        weight = [math.exp(-0.5 * (offset / 5) ** 2) for offset in range(-20, 21)]
        near = mirrored[count + centre - 20 : count + centre + 21]
        out[centre] = np.dot(weight, near) / sum(weight)
    return out


def test_gaussian_is_a_mirrored_weighted_mean() -> None:
    scores = np.random.default_rng([1]).normal(size=30)
    assert gaussian(scores) == pytest.approx(gaussian_by_definition(scores))
    assert gaussian(np.array([2.0])) == pytest.approx([2.0])
    assert gaussian(np.zeros(0)).shape == (0,)


def test_micro_pools_frames_and_macro_averages_mixed_clips_only() -> None:
    figures = frame_figures(clips())
    for name, smooth in (("raw", np.asarray), ("causal", ema), ("smoothed", gaussian)):
        pairs = [(clip.labels, smooth(clip.scores)) for clip in clips()]
        labels, scores = (np.concatenate(part) for part in zip(*pairs, strict=True))
        assert figures["micro"][name] == roc_auc(labels, scores)
        assert figures["macro"][name] == pytest.approx(np.mean([roc_auc(*pair) for pair in pairs[:2]]))
        low, high = figures["ci95"][name]
        assert low <= figures["micro"][name] <= high <= 1


def test_interval_is_that_of_drawing_and_pooling_whole_clips() -> None:
    pairs = [(clip.labels, clip.scores) for clip in clips()[:2]]
    by_draw = {
        (first, second): roc_auc(*(np.concatenate([pairs[first][part], pairs[second][part]]) for part in (0, 1)))
        for first in (0, 1)
        for second in (0, 1)
    }
    random = np.random.default_rng(0)
    draws = [by_draw[tuple(random.integers(0, 2, 2).tolist())] for _ in range(2000)]
    assert micro_interval(clips()[:2]) == pytest.approx(np.percentile(draws, [2.5, 97.5]))


def drawn_clips(num_draws: int) -> Iterator[list[ScoredFrames]]:
    random = np.random.default_rng(0)
    for _ in range(num_draws):
        yield [clips()[index] for index in random.integers(0, 3, 3)]


def test_interval_of_macro_averages_the_mixed_clips_of_each_draw() -> None:
    means: list[float] = []
    for drawn in drawn_clips(3000):
        mixed = [roc_auc(clip.labels, clip.scores) for clip in drawn if clip.is_mixed]
        means += [float(np.mean(mixed))] if mixed else []
    assert macro_interval(clips()) == pytest.approx(np.percentile(means[:2000], [2.5, 97.5]))
    assert macro_interval([clips()[2]]) is None


def test_interval_of_average_precision_is_that_of_drawing_and_pooling_whole_clips() -> None:
    precision: list[float] = []
    for drawn in drawn_clips(2000):
        labels, scores = (np.concatenate([getattr(clip, part) for clip in drawn]) for part in ("labels", "scores"))
        precision.append(average_precision(labels, scores) if any(clip.is_mixed for clip in drawn) else 1.0)
    assert average_precision_interval(clips()) == pytest.approx(np.percentile(precision, [2.5, 97.5]))


def test_interval_of_one_clip_is_a_point() -> None:
    clip = clips()[0]
    auc = roc_auc(clip.labels, clip.scores)
    assert micro_interval([clip]) == pytest.approx([auc, auc])


def test_macro_without_a_mixed_clip_is_absent() -> None:
    normal, anomalous = (ScoredFrames(str(label), np.full(3, label), np.arange(3.0) + label) for label in (0, 1))
    figures = frame_figures([normal, anomalous])
    assert figures["macro"] == {"raw": None, "causal": None, "smoothed": None}
    assert figures["micro"]["raw"] == roc_auc(np.array([0, 0, 0, 1, 1, 1]), np.array([0.0, 1, 2, 1, 2, 3]))


@pytest.mark.parametrize("sets", [[], [ScoredFrames("1", np.zeros(4, np.int64), np.zeros(4))]])
def test_figures_without_both_classes_are_refused(sets: list[ScoredFrames]) -> None:
    with pytest.raises(ValueError, match=r"expected (at least one clip|both anomalous)"):
        frame_figures(sets)


def test_alarms_of_no_clip_are_refused() -> None:
    with pytest.raises(ValueError, match="expected at least one clip"):
        alarm_figures([], 0.5)


def test_footage_of_one_class_has_the_alarm_figures_of_that_class_alone() -> None:
    scores = np.array([9.0, 9.0, 0.0, 0.0])  # EMA 9, 9, 7.2, 5.8
    normal = alarm_figures([ScoredFrames("normal", np.zeros(4, np.int64), scores)], 8.0)
    assert (normal.recall, normal.false_frames_per_1000, normal.clips_found) == (None, 500.0, 0)
    anomalous = alarm_figures([ScoredFrames("anomalous", np.ones(4, np.int64), scores)], 8.0)
    assert (anomalous.recall, anomalous.false_frames_per_1000, anomalous.clips_found) == (0.5, None, 1)


def test_alarms_count_frames_and_delays_from_the_first_anomalous_frame() -> None:
    at_once = ScoredFrames("a", np.array([0, 1, 1, 1]), np.array([0.0, 9.0, 9.0, 9.0]))  # EMA 0, 1.8, 3.24, 4.4
    late = ScoredFrames("b", np.array([0, 0, 1, 1, 1]), np.array([9.0, 0.0, 0.0, 9.0, 9.0]))  # 9, 7.2, 5.8, 6.4, 6.9
    never = ScoredFrames("c", np.array([1, 1]), np.zeros(2))
    figures = alarm_figures([at_once, late, never], 6.0)
    assert figures.recall == pytest.approx(2 / 8)
    assert figures.false_frames_per_1000 == pytest.approx(1000 * 2 / 3)
    assert (figures.clips_found, figures.median_delay_frames) == (1, 1.0)
    figures = alarm_figures([at_once, late, never], 1.0)
    assert (figures.recall, figures.clips_found, figures.median_delay_frames) == (6 / 8, 2, 0.0)
    assert alarm_figures([at_once, late, never], 99.0).median_delay_frames is None
