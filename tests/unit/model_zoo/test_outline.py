"""Outlines of crops: the same in any light, and different where edges run otherwise."""

import numpy as np
import pytest

from model_zoo.perception.outline import OUTLINE_SIZE, outlines
from model_zoo.perception.tubelet import CROP_SIDE

SLOPE = np.tile(np.arange(CROP_SIDE, dtype=np.uint8), (CROP_SIDE, 1))
"""Brighter to the right."""


def test_outline_of_darker_and_flatter_light_is_the_same() -> None:
    bright, dim = outlines(np.stack([2 * SLOPE + 60, SLOPE]))
    assert np.linalg.norm(bright) == pytest.approx(1.0)
    assert bright @ dim == pytest.approx(1.0, abs=1e-3)


def test_outlines_of_edges_across_each_other_have_nothing_in_common() -> None:
    across, along = outlines(np.stack([SLOPE, SLOPE.T]))
    assert across @ along == pytest.approx(0.0, abs=1e-3)


def test_a_crop_without_an_edge_has_no_outline() -> None:
    assert outlines(np.full((1, CROP_SIDE, CROP_SIDE), 80, np.uint8)).tolist() == [[0.0] * OUTLINE_SIZE]
    assert outlines(np.zeros((0, CROP_SIDE, CROP_SIDE), np.uint8)).shape == (0, OUTLINE_SIZE)
