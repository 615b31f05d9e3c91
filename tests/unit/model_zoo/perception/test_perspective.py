"""The perspective line from blobs of which many are wrong."""

import numpy as np
import pytest

from model_zoo.perception.perspective import DEFAULT_PERSPECTIVE, Boxes, Perspective, fit_perspective, upright


def people(rng: np.random.Generator, count: int, line: Perspective) -> Boxes:
    foot = rng.uniform(0.3, 0.95, count)
    height = line.expected_height(foot) * rng.normal(1.0, 0.05, count)
    left = rng.uniform(0.1, 0.8, count)
    return np.stack([left, foot - height, left + 0.4 * height, foot], axis=1).astype(np.float32)


def test_expected_height_is_a_line_with_a_floor() -> None:
    line = Perspective(slope=0.5, intercept=-0.1)
    assert line.expected_height(np.array([0.1, 0.6, 1.0])) == pytest.approx([0.03, 0.2, 0.4])


def test_line_is_found_although_most_blobs_are_people_merged_or_cut() -> None:
    rng = np.random.default_rng([11])
    line = Perspective(slope=0.13, intercept=0.055)
    single, wrong = people(rng, 120, line), people(rng, 160, line)
    wrong[:, 1] -= rng.uniform(-0.04, 0.12, 160).astype(np.float32)
    fitted = fit_perspective(np.concatenate([single, wrong]))
    feet = np.array([0.35, 0.6, 0.9])
    assert fitted.expected_height(feet) == pytest.approx(line.expected_height(feet), rel=0.12)


def test_busy_part_of_the_picture_does_not_outvote_the_rest() -> None:
    rng = np.random.default_rng([12])
    line = Perspective(slope=0.25, intercept=0.02)
    busy = people(rng, 2000, line)
    busy = busy[np.abs(busy[:, 3] - 0.5) < 0.04]
    fitted = fit_perspective(np.concatenate([busy, people(rng, 40, line)]))
    assert fitted.expected_height(np.array([0.9])) == pytest.approx(line.expected_height(np.array([0.9])), rel=0.12)


def test_without_blobs_the_default_is_used() -> None:
    fitted = fit_perspective(np.zeros((0, 4), np.float32))
    feet = np.array([0.3, 0.7, 1.0])
    assert fitted.expected_height(feet) == pytest.approx(DEFAULT_PERSPECTIVE.expected_height(feet), rel=0.03)


def test_blob_that_never_moves_counts_once() -> None:
    rng = np.random.default_rng([13])
    line = Perspective(slope=0.2, intercept=0.05)
    ghost = np.repeat(np.array([[0.4, 0.04, 0.55, 0.55]], np.float32), 500, axis=0)
    walkers = people(rng, 60, line)
    assert fit_perspective(np.concatenate([walkers, ghost])) == fit_perspective(np.concatenate([walkers, ghost[:1]]))


def test_only_whole_upright_boxes_pass() -> None:
    boxes = np.array(
        [[0.4, 0.4, 0.5, 0.7], [0.4, 0.4, 0.8, 0.7], [0.4, 0.4, 0.42, 0.7], [0.0, 0.4, 0.1, 0.7], [0.4, 0.7, 0.5, 1.0]],
        np.float32,
    )
    assert upright(boxes, aspect_px=1.5).tolist() == [True, False, False, False, False]
