"""Region- and track-based detection against a slow transcription of the definition."""

import numpy as np
import pytest

from model_zoo.evaluation.region_detection import (
    Detections,
    TrueRegions,
    detection_figures,
    regions_from_masks,
)
from model_zoo.perception.perspective import Boxes
from model_zoo.perception.tracker import overlaps

Frame = tuple[TrueRegions, Detections]


def boxes(*corners: tuple[float, float, float, float]) -> Boxes:
    return np.array(corners, np.float32).reshape(-1, 4)


def frames(seed: int, count: int = 30) -> list[Frame]:
    """A true region that moves right, detected near its place or not at all, among false detections."""
    random = np.random.default_rng([seed])
    made = []
    for index in range(count):
        left = 0.1 + 0.02 * index
        truth = boxes((left, 0.2, left + 0.1, 0.5)) if 5 <= index < 25 else boxes()
        found = [
            (left + shift, 0.2, left + shift + 0.1, 0.5) for shift in random.normal(0, 0.04, random.integers(0, 3))
        ]
        false = [(x, 0.6, x + 0.1, 0.9) for x in random.uniform(0, 0.9, random.integers(0, 3))]
        made.append(
            (
                TrueRegions(truth, np.zeros(len(truth), np.int64)),
                Detections(boxes(*found, *false), random.normal([1.0] * len(found) + [0.0] * len(false))),
            )
        )
    return made


def area_by_definition(clip: list[Frame], *, by_track: bool) -> float:
    """The rate at every threshold, drawn as a staircase over false detections a frame."""
    levels = sorted({float(score) for _, seen in clip for score in seen.scores}, reverse=True)
    points = [(0.0, 0.0)]
    for level in levels:
        num_true = num_found = num_false = 0
        for truth, seen in clip:
            taken = seen.boxes[seen.scores >= level]
            hits = overlaps(truth.boxes, taken) >= 0.1
            num_true += len(truth.boxes)
            num_found += int(hits.any(axis=1).sum())
            num_false += int((~hits.any(axis=0)).sum())
        rate = float(num_found >= 0.1 * num_true) if by_track else num_found / num_true
        points.append((num_false / len(clip), rate))
    area = 0.0
    for (start, rate), (end, _) in zip(points, [*points[1:], (1.0, 0.0)], strict=True):
        area += rate * (min(end, 1.0) - min(start, 1.0))
    return area


@pytest.mark.parametrize("seed", range(6))
def test_areas_are_those_of_the_definition(seed: int) -> None:
    clip = frames(seed)
    figures = detection_figures([clip])
    assert figures.rbdc == pytest.approx(area_by_definition(clip, by_track=False))
    assert figures.tbdc == pytest.approx(area_by_definition(clip, by_track=True))


def test_perfect_detections_score_one_and_misplaced_ones_zero() -> None:
    here, there = boxes((0.1, 0.1, 0.3, 0.5)), boxes((0.6, 0.1, 0.8, 0.5))
    truth = TrueRegions(here, np.zeros(1, np.int64))
    perfect = detection_figures([[(truth, Detections(here, np.array([0.3])))] * 4])
    assert (perfect.rbdc, perfect.tbdc) == (1.0, 1.0)
    misplaced = detection_figures([[(truth, Detections(there, np.array([0.3])))] * 4])
    assert (misplaced.rbdc, misplaced.tbdc) == (0.0, 0.0)
    nothing = detection_figures([[(truth, Detections(boxes(), np.zeros(0)))] * 4])
    assert (nothing.rbdc, nothing.tbdc) == (0.0, 0.0)


def test_without_a_true_region_there_is_nothing_to_measure() -> None:
    empty = TrueRegions(boxes(), np.zeros(0, np.int64))
    with pytest.raises(ValueError, match="expected at least one true region"):
        detection_figures([[(empty, Detections(boxes(), np.zeros(0)))]])


def test_parts_of_a_mask_keep_their_track_while_they_overlap() -> None:
    masks = np.zeros((4, 40, 60), np.uint8)
    for index in range(4):
        masks[index, 5:15, 5 + 4 * index : 15 + 4 * index] = 255
    masks[2:, 25:35, 40:50] = 1
    masks[:, 38, 2] = 255  # a speck
    regions = regions_from_masks(masks)
    assert [len(frame.boxes) for frame in regions] == [1, 1, 2, 2]
    assert [frame.track.tolist() for frame in regions] == [[0], [0], [0, 1], [0, 1]]
    assert regions[0].boxes[0] == pytest.approx([5 / 60, 5 / 40, 15 / 60, 15 / 40])


def test_empty_masks_have_no_region() -> None:
    assert [len(frame.boxes) for frame in regions_from_masks(np.zeros((2, 8, 8), np.uint8))] == [0, 0]
