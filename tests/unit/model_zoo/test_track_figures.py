"""MOTA and IDF1 on tracks drawn by hand, and beside a library where it is installed."""

import numpy as np
import pytest

from model_zoo.datasets.clip import TrueTracks
from model_zoo.evaluation.track_figures import MIN_OVERLAP, FoundTracks, TrackFigures, track_figures
from model_zoo.perception.tracker import overlaps

Seen = dict[int, float]
"""Left edge of each identity's box, which is 0.1 wide and the picture high."""
Clip = list[tuple[TrueTracks, FoundTracks]]


def boxes(seen: Seen) -> np.ndarray:
    return np.array([(left, 0.0, left + 0.1, 1.0) for left in seen.values()]).reshape(-1, 4)


def clip(*frames: tuple[Seen, Seen]) -> Clip:
    return [
        (
            TrueTracks(np.array(list(truth), np.int64), boxes(truth)),
            FoundTracks(np.array(list(found), np.int64), boxes(found).astype(np.float32)),
        )
        for truth, found in frames
    ]


def test_tracks_that_keep_to_their_people_are_perfect() -> None:
    frame = ({1: 0.0, 2: 0.5}, {8: 0.0, 7: 0.5})
    assert track_figures(clip(frame, frame, frame)) == TrackFigures(1.0, 1.0, 1.0, 1.0, 0, 6)


def test_misses_false_boxes_and_switches_count() -> None:
    figures = track_figures(
        clip(
            ({1: 0.0, 2: 0.5}, {8: 0.0, 7: 0.5}),
            ({1: 0.0, 2: 0.5}, {8: 0.0, 9: 0.51}),  # 2 goes on as 9
            ({1: 0.0, 2: 0.5}, {8: 0.0}),  # 2 is missed
            ({1: 0.0, 2: 0.5}, {8: 0.0, 9: 0.5, 6: 0.8}),  # a box over nobody
        )
    )
    assert (figures.recall, figures.precision) == (7 / 8, 7 / 8)
    assert figures.num_switches == 1
    assert figures.mota == pytest.approx(1 - (1 + 1 + 1) / 8)
    assert figures.idf1 == pytest.approx(2 * (4 + 2) / (8 + 8))  # 8 for 1 in four frames, 9 for 2 in two


def test_somebody_goes_on_with_their_track_though_another_box_overlaps_more() -> None:
    figures = track_figures(clip(({1: 0.0}, {8: 0.0}), ({1: 0.0}, {9: 0.0, 8: 0.02})))
    assert (figures.num_switches, figures.precision) == (0, 2 / 3)


def test_boxes_that_overlap_by_less_than_half_are_none() -> None:
    figures = track_figures(clip(({1: 0.0}, {8: 0.04})))
    assert (figures.recall, figures.precision, figures.mota, figures.idf1) == (0.0, 0.0, -1.0, 0.0)
    nothing = track_figures(clip(({1: 0.0}, {})))
    assert (nothing.recall, nothing.precision, nothing.mota) == (0.0, None, 0.0)


def test_without_anybody_in_the_truth_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="expected at least one true box"):
        track_figures(clip(({}, {8: 0.0})))


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
