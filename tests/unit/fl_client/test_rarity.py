"""How rare it is to see anything: what quiet hours say, and what too short a look does not say."""

import math

import numpy as np
import pytest

from fl_client.inference.rarity import context_rarity
from model_zoo.normality.intensity import NormalitySums


def seen(tubelets: tuple[float, ...], seconds: tuple[float, ...]) -> NormalitySums:
    """So many tubelets, all alike, in so many seconds of each context."""
    contexts = len(tubelets)
    return NormalitySums(np.array(seconds), np.array(tubelets), np.zeros((contexts, 1)), np.zeros((contexts, 1, 1)))


def test_rarity_is_the_share_of_objects_in_contexts_as_quiet() -> None:
    rarity = context_rarity(seen((800.0, 80.0, 0.0), (1e4, 1e4, 1e4)))
    expected = [-math.log10(share) for share in (1.0, 10.5 / 110.5, 0.5 / 110.5)]  # eight tubelets are one object
    assert rarity.tolist() == pytest.approx(expected)


def test_context_hardly_watched_is_not_rare_because_nobody_happened_to_come() -> None:
    hardly, long = (context_rarity(seen((800.0, 0.0), (100.0, seconds)))[1] for seconds in (0.5, 3600.0))
    assert hardly == 0.0
    assert long > 2.0


def test_context_with_nearly_the_rate_of_another_is_not_rare_for_having_fewer_objects() -> None:
    assert context_rarity(seen((800.0, 8.0), (100.0, 1.1))).tolist() == [0.0, 0.0]


def test_context_never_watched_is_as_rare_as_its_parent_is_quiet() -> None:
    here = seen((800.0, 0.0), (100.0, 0.0))
    quiet, busy = seen((8000.0, 0.0), (1000.0, 36000.0)), seen((8000.0, 8000.0), (1000.0, 1000.0))
    assert context_rarity(here, (quiet,))[1] > 2.0
    assert context_rarity(here, (busy,))[1] == 0.0


def test_camera_that_has_seen_nothing_finds_no_context_rare() -> None:
    np.testing.assert_array_equal(context_rarity(NormalitySums.zeros(3, 1)), np.zeros(3))


def test_blind_camera_has_no_rarity() -> None:
    pooled = seen((800.0, 80.0, 0.0), (100.0, 100.0, 100.0)).pooled()
    np.testing.assert_array_equal(context_rarity(pooled), np.zeros(3))
