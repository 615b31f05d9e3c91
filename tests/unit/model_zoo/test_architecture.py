"""The sizes of this schema are those of the context package, which the model zoo may not import."""

from typing import get_args

import numpy as np
import pytest

from context.context_vector import CONTEXT_SIZE
from context.schedule import STATES
from context.site import MAX_CAMERA_INDEX
from context.zone import ZONE_KINDS
from model_zoo import architecture
from model_zoo.normality.features import NUM_FEATURES
from model_zoo.normality.intensity import NormalitySums
from model_zoo.perception.tubelet import NUM_STEPS


def test_sizes_are_those_of_the_context_vocabularies() -> None:
    assert architecture.NUM_CONTEXT == CONTEXT_SIZE
    assert len(ZONE_KINDS) == architecture.NUM_ZONE_KINDS
    assert len(STATES) == architecture.NUM_STATES
    assert architecture.NUM_CAMERAS == MAX_CAMERA_INDEX + 1


def test_tubelets_are_as_long_as_the_longest_network_looks_and_the_newest_step_is_always_read() -> None:
    lengths = get_args(architecture.NumSteps)
    assert max(lengths) == NUM_STEPS
    assert all(range(length)[architecture.STEPS_READ][-1] == length - 1 for length in lengths)


@pytest.mark.parametrize("value", [0, 10, 12.0, True, "12", None])
def test_other_numbers_of_steps_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^expected 8, 12 or 16 steps of a tubelet, got "):
        architecture.checked_num_steps(value)


def test_fleet_has_a_context_for_each_zone_kind_and_state() -> None:
    empty = architecture.empty_fleet_normality()
    sums = NormalitySums.from_vector(empty, len(ZONE_KINDS) * len(STATES), NUM_FEATURES)
    assert len(sums.count) == architecture.NUM_FLEET_CONTEXTS
    np.testing.assert_array_equal(empty, 0.0)
