"""MOTA and IDF1 beside a library, where it is installed."""

import numpy as np
import pytest

from model_zoo.evaluation.track_figures import MIN_OVERLAP, track_figures
from model_zoo.perception.tracker import overlaps
from tests.fakes.drawn_tracks import clip


@pytest.mark.parametrize("seed", range(5))
def test_the_library_says_the_same(seed: int) -> None:
    motmetrics = pytest.importorskip("motmetrics")
    random = np.random.default_rng([seed])
    frames = []
    for _ in range(30):
        truth = {person: float(0.2 * person + random.normal(0, 0.01)) for person in range(5) if random.random() < 0.9}
        found = {
            person if random.random() < 0.9 else int(random.integers(0, 8)): left + float(random.normal(0, 0.02))
            for person, left in truth.items()
        }
        frames.append((truth, found))
    made = clip(*frames)
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for people, tracks in made:
        overlap = overlaps(people.boxes, tracks.boxes)
        distance = np.where(overlap >= MIN_OVERLAP, 1 - overlap, np.nan)
        accumulator.update(people.track_id.tolist(), tracks.track_id.tolist(), distance)
    names = ["mota", "idf1", "recall", "precision", "num_switches", "num_objects"]
    summary = motmetrics.metrics.create().compute(accumulator, metrics=names, name="all")
    ours = track_figures(made)
    assert [ours.mota, ours.idf1, ours.recall, ours.precision, ours.num_switches, ours.num_boxes] == pytest.approx(
        [float(summary.loc["all", name]) for name in names]
    )
    assert ours.num_switches > 0
