"""Frame-level figures against slow transcriptions of their definitions."""

import numpy as np
import pytest

from model_zoo.evaluation.frame_auc import average_precision, ema, frame_scores, micro_auc, roc_auc


def case(seed: int, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed])
    return np.arange(count) % 3 % 2, rng.integers(0, 8, count).astype(np.float64)


@pytest.mark.parametrize("seed", range(5))
def test_roc_auc_is_the_share_of_pairs_in_order(seed: int) -> None:
    labels, scores = case(seed)
    pairs = [
        float(high > low) + 0.5 * float(high == low) for high in scores[labels == 1] for low in scores[labels == 0]
    ]
    assert roc_auc(labels, scores) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_the_sum_of_precision_over_recall_steps(seed: int) -> None:
    labels, scores = case(seed)
    area, last_recall = 0.0, 0.0
    for level in sorted(set(scores.tolist()), reverse=True):
        taken = scores >= level
        recall = labels[taken].sum() / labels.sum()
        area += (recall - last_recall) * labels[taken].mean()
        last_recall = recall
    assert average_precision(labels, scores) == pytest.approx(area)


@pytest.mark.parametrize("measure", [roc_auc, average_precision])
def test_missing_class_and_odd_lengths_are_refused(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(ValueError, match=r"expected both anomalous \(1\) and normal \(0\) frames"):
        measure(np.ones(3, np.int64), np.zeros(3))
    with pytest.raises(ValueError, match=r"expected as many labels as scores, got \(3,\) and \(2,\)"):
        measure(np.ones(3, np.int64), np.zeros(2))


def test_frame_score_is_its_most_unusual_object_and_zero_without_one() -> None:
    scores = frame_scores(4, np.array([0, 0, 3]), np.array([1.0, 2.5, 0.5]))
    assert scores.tolist() == [2.5, 0.0, 0.0, 0.5]


def test_ema_starts_at_the_first_score_and_looks_only_back() -> None:
    assert ema(np.array([1.0, 2.0, 0.0])) == pytest.approx([1.0, 1.2, 0.96])
    assert ema(np.zeros(0)).shape == (0,)


def test_micro_auc_smooths_each_clip_alone_and_pools_all_frames() -> None:
    first = (np.array([0, 0, 1]), np.array([0.0, 1.0, 5.0]))
    second = (np.array([1, 0]), np.array([9.0, 2.0]))
    smooth = np.array([0.0, 0.2, 1.16, 9.0, 7.6])
    assert micro_auc([first, second]) == roc_auc(np.array([0, 0, 1, 1, 0]), smooth)
    with pytest.raises(ValueError, match="expected at least one clip"):
        micro_auc([])
