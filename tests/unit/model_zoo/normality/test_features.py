"""Features of objects."""

import numpy as np
import pytest

from model_zoo.normality.features import AVERAGED_STEPS, NUM_FEATURES, object_features


def test_features_are_means_of_the_last_steps_and_the_last_dwell() -> None:
    motion = np.random.default_rng([1]).normal(size=(3, 12, NUM_FEATURES)).astype(np.float32)
    features = object_features(motion)
    assert features.shape == (3, NUM_FEATURES)
    assert features.dtype == np.float64
    for row in range(3):
        for column in range(NUM_FEATURES - 1):
            expected = sum(float(motion[row, -step, column]) for step in range(1, AVERAGED_STEPS + 1)) / AVERAGED_STEPS
            assert features[row, column] == pytest.approx(expected)
        assert features[row, -1] == pytest.approx(float(motion[row, -1, -1]))


def test_short_history_and_no_objects_are_allowed() -> None:
    assert object_features(np.ones((2, 1, NUM_FEATURES), np.float32)).tolist() == [[1.0] * NUM_FEATURES] * 2
    assert object_features(np.zeros((0, 12, NUM_FEATURES), np.float32)).shape == (0, NUM_FEATURES)
