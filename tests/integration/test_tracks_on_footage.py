"""People keep their identities on real footage, seen by a real detector, where both lie beside the project."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from model_zoo.datasets.clip import Video
from model_zoo.perception.detector import load_detector
from model_zoo.perception.perceiver import Perceiver
from model_zoo.perception.proposer import DetectorProposer
from model_zoo.perception.scene import fit_scene
from model_zoo.perception.tracker import overlaps

SHARED = Path(__file__).parents[3] / "shared"
FOOTAGE = SHARED / "data" / "vtest"
DETECTOR = SHARED / "models" / "yolox_nano_416x416.onnx"
FPS, NUM_FRAMES = 7.0, 200

pytestmark = pytest.mark.skipif(
    not (FOOTAGE.is_dir() and DETECTOR.is_file()), reason=f"no footage with boxes or no detector in {SHARED}"
)


def test_people_seldom_change_their_identity_and_ages_count_what_was_seen_without_a_long_gap() -> None:
    rows = np.loadtxt(FOOTAGE / "gt_480x360.csv", delimiter=",", skiprows=1)
    frames = list(Video(FOOTAGE / "vtest.avi"))[:NUM_FRAMES]
    detector = load_detector(DETECTOR, (360, 480), width_px=640)
    scene = fit_scene(frames[::8], detector)
    perceiver = Perceiver(scene, FPS, DetectorProposer(detector, scene.perspective, every=1))
    identities: dict[float, Counter[int]] = defaultdict(Counter)
    ages: dict[int, int] = {}
    for index, frame in enumerate(frames):
        people = rows[rows[:, 0] == index]
        seen = perceiver.update(frame, index / FPS)
        for one in seen:
            assert one.age in {1, ages.get(one.track_id, one.age - 1) + 1}
            ages[one.track_id] = one.age
        boxes = np.array([one.box for one in seen], np.float64).reshape(-1, 4)
        overlap = overlaps(people[:, 2:6] / [480, 360, 480, 360], boxes)
        for person, row in zip(people[:, 1], overlap, strict=True):
            if row.max(initial=0.0) > 0.5:
                identities[person][seen[int(row.argmax())].track_id] += 1
    num_seen = sum(sum(counts.values()) for counts in identities.values())
    num_kept = sum(max(counts.values()) for counts in identities.values())
    assert num_seen > 700
    assert num_kept > 0.7 * num_seen
