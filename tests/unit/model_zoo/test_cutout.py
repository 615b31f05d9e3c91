"""Cutting objects out: the mask is the object, what is behind is the scene, and put back it is as it was."""

import numpy as np
import pytest

from model_zoo.perception.tubelet import CROP_SIDE
from model_zoo.training import cutout as cutout_module
from model_zoo.training.cutout import CutoutCache, about_middle, cut_out, put_back
from tests.fakes.cutouts import BRIGHTNESS, seen_cutout, seen_object, striped_scene
from tests.fakes.tubelets import CLOSED, OPEN, drawn_tubelets

UNMOVED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
QUARTER_TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])


def overlap(first: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]", second: object) -> float:
    return float((first & np.asarray(second)).sum() / (first | np.asarray(second)).sum())


@pytest.mark.parametrize("light", [0.8, 1.0, 1.25])
def test_mask_is_the_object_whatever_the_light(light: float) -> None:
    crops, boxes = seen_object(light=light)
    cutout = cut_out(crops, boxes, striped_scene())
    for crop, mask in zip(crops, cutout.masks, strict=True):
        assert overlap(mask > 127, crop > (BRIGHTNESS + 140) / 2) > 0.8  # masks are half as fine as crops


def test_what_is_behind_is_the_scene_in_the_light_of_the_crop() -> None:
    crops, boxes = seen_object(light=1.25)
    cutout = cut_out(crops, boxes, striped_scene())
    off = cutout.masks == 0
    assert np.abs(crops[off].astype(int) - cutout.behind[off]).mean() < 3


def test_where_nothing_differs_from_the_scene_there_is_no_object() -> None:
    _, boxes = seen_object()
    empty = np.stack([cut.behind[0] for cut in (cut_out(*seen_object(), striped_scene()),)] * 3)
    cutout = cut_out(empty, boxes[:1].repeat(3, axis=0), striped_scene())
    assert not cutout.masks.any()
    np.testing.assert_array_equal(put_back(cutout, cutout.behind, QUARTER_TURN), cutout.behind)


def test_put_back_unmoved_it_is_as_it_was() -> None:
    cutout = seen_cutout()
    restored = put_back(cutout, cutout.behind, UNMOVED)
    assert np.abs(restored.astype(int) - cutout.crops).mean() < 3


def test_quarter_turn_lays_it_down_where_it_stood() -> None:
    cutout = seen_cutout()
    turned = put_back(cutout, cutout.behind, QUARTER_TURN)[0] > 160
    rows, columns = np.flatnonzero(turned.any(axis=1)), np.flatnonzero(turned.any(axis=0))
    assert len(columns) > 2 * len(rows)
    for place, before in zip(np.argwhere(turned).mean(axis=0), np.argwhere(cutout.masks[0]).mean(axis=0), strict=True):
        assert place == pytest.approx(before, abs=1.5)


def test_middle_of_an_empty_mask_is_that_of_the_crop() -> None:
    moved = about_middle(np.zeros((CROP_SIDE, CROP_SIDE), np.uint8), QUARTER_TURN) @ [31.5, 31.5, 1.0]
    np.testing.assert_allclose(moved, [31.5, 31.5])


def test_tubelets_of_a_state_without_a_scene_are_not_cut_out() -> None:
    tubelets, rng = drawn_tubelets(2, 1, OPEN), np.random.default_rng(0)
    assert CutoutCache(tubelets, {OPEN: striped_scene()}).pair(0, rng) is not None
    assert CutoutCache(tubelets, {CLOSED: striped_scene()}).pair(0, rng) is None


def test_cut_out_is_made_once_and_paired_with_all_that_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutout_module, "MOST_KEPT", 2)
    cache, rng = CutoutCache(drawn_tubelets(3, 1, OPEN), {OPEN: striped_scene()}), np.random.default_rng(0)
    pairs = [pair for _ in range(20) if (pair := cache.pair(1, rng)) is not None]
    assert all(first is second is pairs[0][0] for first, second in pairs)
    cache.pair(2, rng)
    donors = {id(pair[1]) for _ in range(40) if (pair := cache.pair(1, rng)) is not None}
    assert len(donors) == 2
    cache.pair(0, rng)
    again = cache.pair(1, rng)
    assert again is not None
    assert again[0] is not pairs[0][0]
