"""A real detector on real footage with boxes, where both lie beside the project."""

import csv
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from model_zoo.perception.detector import load_detector
from model_zoo.perception.object_kind import PERSON
from model_zoo.perception.tracker import overlaps

SHARED = Path(__file__).parents[3] / "shared"
FOOTAGE = SHARED / "data" / "vtest"
DETECTOR = SHARED / "models" / "yolox_nano_416x416.onnx"
EVERY = 40

pytestmark = pytest.mark.skipif(
    not (FOOTAGE.is_dir() and DETECTOR.is_file()), reason=f"no footage with boxes or no detector in {SHARED}"
)


@pytest.mark.parametrize("width_px", [None, 480])
def test_most_people_are_found_at_the_files_own_size_and_at_another(width_px: int | None) -> None:
    truth: dict[int, list[list[float]]] = defaultdict(list)
    with (FOOTAGE / "gt_480x360.csv").open() as file:
        for row in csv.DictReader(file):
            truth[int(row["frame"])].append([float(row[name]) for name in ("x1", "y1", "x2", "y2")])
    video = cv2.VideoCapture(str(FOOTAGE / "vtest.avi"))
    num_people = num_found = num_boxes = 0
    detector = load_detector(DETECTOR, (360, 480), width_px)
    for index in range(400):
        _, frame = video.read()
        if index % EVERY:
            continue
        found = detector.detect(np.asarray(frame, np.uint8), min_confidence=0.3)
        people = np.array(truth[index], np.float32) / [480, 360, 480, 360]
        boxes = found.boxes[found.kind == PERSON]
        num_people, num_boxes = num_people + len(people), num_boxes + len(boxes)
        num_found += int((overlaps(people, boxes).max(axis=1, initial=0.0) > 0.5).sum())
    video.release()
    assert num_found >= 0.9 * num_people
    assert num_found >= 0.7 * num_boxes  # some people at the border have no true box
