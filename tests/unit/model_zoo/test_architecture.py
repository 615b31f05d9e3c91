"""The sizes of this schema are those of the context package, which the model zoo may not import."""

import numpy as np

from context.context_vector import CONTEXT_SIZE
from context.schedule import STATES
from context.site import MAX_CAMERA_INDEX
from context.zone import ZONE_KINDS
from model_zoo import architecture
from model_zoo.normality.features import NUM_FEATURES
from model_zoo.normality.intensity import NormalitySums


def test_sizes_are_those_of_the_context_vocabularies() -> None:
    assert architecture.NUM_CONTEXT == CONTEXT_SIZE
    assert len(ZONE_KINDS) == architecture.NUM_ZONE_KINDS
    assert len(STATES) == architecture.NUM_STATES
    assert architecture.NUM_CAMERAS == MAX_CAMERA_INDEX + 1


def test_fleet_has_a_context_for_each_zone_kind_and_state() -> None:
    empty = architecture.empty_fleet_normality()
    sums = NormalitySums.from_vector(empty, len(ZONE_KINDS) * len(STATES), NUM_FEATURES)
    assert len(sums.count) == architecture.NUM_FLEET_CONTEXTS
    np.testing.assert_array_equal(empty, 0.0)
