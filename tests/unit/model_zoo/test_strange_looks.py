"""Pseudo-anomalies of look: each changes what the object looks like, and put back unchanged it does not."""

import numpy as np
import pytest

from model_zoo.training.strange_looks import (
    KINDS,
    STILL_SHARE,
    lying,
    put_back_unchanged,
    strange,
    stretched,
    unknown_shape,
    upside_down,
)
from tests.fakes.cutouts import seen_cutout
from tests.fakes.tubelets import WALKING

HEIGHT, WIDTH, SPEED = 4, 5, 2
MOTION = np.tile(np.array(WALKING, np.float32), (3, 1))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def extent(crop: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> tuple[int, int]:
    """Width and height of what is bright."""
    bright = crop > 160
    return int(bright.any(axis=0).sum()), int(bright.any(axis=1).sum())


def test_lying_objects_are_wider_than_tall_and_measure_so(rng: np.random.Generator) -> None:
    cutout = seen_cutout()
    for _ in range(10):
        crops, motion = lying(cutout, cutout, cutout.behind, MOTION, rng)
        wide, tall = extent(crops[-1])
        assert wide > 0.9 * tall
        assert motion[0, HEIGHT] < MOTION[0, HEIGHT]
        assert motion[0, WIDTH] > MOTION[0, WIDTH]


def test_upside_down_moves_and_measures_as_before(rng: np.random.Generator) -> None:
    cutout = seen_cutout()
    crops, motion = upside_down(cutout, cutout, cutout.behind, MOTION, rng)
    np.testing.assert_array_equal(motion, MOTION)
    assert crops.shape == cutout.crops.shape


def test_stretched_objects_are_of_another_aspect(rng: np.random.Generator) -> None:
    cutout = seen_cutout()
    before = np.divide(*extent(cutout.crops[0]))
    aspects = [np.divide(*extent(stretched(cutout, cutout, cutout.behind, MOTION, rng)[0][0])) for _ in range(10)]
    assert all(abs(np.log(aspect / before)) > 0.3 for aspect in aspects)


def test_unknown_shape_keeps_the_scene_around_it(rng: np.random.Generator) -> None:
    cutout = seen_cutout()
    crops, motion = unknown_shape(cutout, cutout, cutout.behind, MOTION, rng)
    np.testing.assert_array_equal(crops[:, 0, 0], cutout.behind[:, 0, 0])
    assert (crops != cutout.behind).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(motion, MOTION)


def test_unchanged_objects_keep_their_size(rng: np.random.Generator) -> None:
    cutout = seen_cutout()
    wide, tall = extent(cutout.crops[0])
    for _ in range(10):
        after = extent(put_back_unchanged(cutout, cutout, rng)[0])
        assert after[0] == pytest.approx(wide, rel=0.35)
        assert after[1] == pytest.approx(tall, rel=0.15)


def test_half_of_the_strange_stand_still_and_do_not_change_but_for_noise(rng: np.random.Generator) -> None:
    cutout = seen_cutout()
    drawn = [strange(cutout, cutout, MOTION, rng) for _ in range(200)]
    still = [(crops, motion) for crops, motion in drawn if motion[0, SPEED] <= 0.1 * MOTION[0, SPEED]]
    assert len(still) / len(drawn) == pytest.approx(STILL_SHARE, abs=0.1)
    for crops, _ in still:
        assert np.abs(crops[0].astype(int) - crops[-1]).max() < 20


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_changes_what_it_was_given(kind: str, rng: np.random.Generator) -> None:
    cutout, motion = seen_cutout(), MOTION.copy()
    before = [array.copy() for array in (cutout.crops, cutout.behind, cutout.masks, motion)]
    crops, changed = KINDS[kind](cutout, seen_cutout(), cutout.behind, motion, rng)
    assert (crops.shape, crops.dtype.name, changed.shape) == (cutout.crops.shape, "uint8", motion.shape)
    assert np.isfinite(changed).all()
    for array, old in zip((cutout.crops, cutout.behind, cutout.masks, motion), before, strict=True):
        np.testing.assert_array_equal(array, old)
