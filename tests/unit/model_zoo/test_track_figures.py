"""MOTA and IDF1 on tracks drawn by hand."""

import pytest

from model_zoo.evaluation.track_figures import TrackFigures, track_figures
from tests.fakes.drawn_tracks import clip


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
