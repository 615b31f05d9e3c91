"""Laws of all pseudo-anomalies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, NUM_STEPS
from model_zoo.training.pseudo_anomalies import KINDS

_motion = arrays.arrays(np.float32, (NUM_STEPS, NUM_MOTION), elements=st.floats(0, 8, width=32))
_seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(motion=_motion, other=_motion, seed=_seeds)
def test_shape_and_type_are_kept_and_no_input_is_changed(
    kind: str, motion: "np.ndarray[tuple[int, int], np.dtype[np.float32]]", other: object, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    crops, donor_crops = rng.integers(0, 256, (2, NUM_STEPS, CROP_SIDE, CROP_SIDE), dtype=np.uint8)
    inputs = (crops, motion, donor_crops, np.asarray(other, dtype=np.float32))
    before = [array.copy() for array in inputs]
    shown, moved = KINDS[kind]((crops, motion), (inputs[2], inputs[3]), np.random.default_rng(seed))
    assert (shown.shape, shown.dtype.name) == (crops.shape, "uint8")
    assert (moved.shape, moved.dtype.name) == (motion.shape, "float32")
    assert np.isfinite(moved).all()
    for array, old in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(seed=_seeds)
def test_same_stream_gives_the_same_pseudo_anomaly(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 256, (2, NUM_STEPS, CROP_SIDE, CROP_SIDE), dtype=np.uint8)
    motion = rng.uniform(0, 2, (2, NUM_STEPS, NUM_MOTION)).astype(np.float32)
    first, second = (
        KINDS[kind]((crops[0], motion[0]), (crops[1], motion[1]), np.random.default_rng(seed)) for _ in range(2)
    )
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
