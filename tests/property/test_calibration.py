"""Laws of calibration."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model_zoo.calibration import MAX_SURPRISE, fit_calibration

SCORES = st.lists(st.floats(-100, 1000), max_size=80)


@given(normal=SCORES, asked=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), num_contexts=st.integers(1, 3))
def test_surprise_never_falls_as_the_score_grows(normal: list[float], asked: list[float], num_contexts: int) -> None:
    calibration = fit_calibration(np.array(normal), np.arange(len(normal)) % num_contexts, num_contexts)
    for context in range(num_contexts):
        surprise = calibration.surprise(np.sort(asked), np.full(len(asked), context))
        assert (np.diff(surprise) >= -1e-12).all()
        assert (surprise >= 0.0).all()
        assert (surprise < MAX_SURPRISE).all()


@given(normal=SCORES, start=st.floats(-5, 500), step=st.floats(0.5, 500))
def test_surprise_grows_strictly_where_it_matters(normal: list[float], start: float, step: float) -> None:
    calibration = fit_calibration(np.array(normal), np.zeros(len(normal), np.int64), 1)
    low, high = calibration.surprise(np.array([start, start + step]), np.zeros(2, np.int64))
    assert low < high


@given(first=SCORES, second=SCORES)
def test_calibrations_add_like_the_scores_they_were_made_of(first: list[float], second: list[float]) -> None:
    def fitted(scores: list[float]) -> np.ndarray:
        return fit_calibration(np.array(scores), np.zeros(len(scores), np.int64), 1).counts

    assert (fitted(first) + fitted(second)).tolist() == fitted(first + second).tolist()
