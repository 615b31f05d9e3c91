"""Geometry of charts: ticks are round, peaks survive, gaps stay gaps."""

import numpy as np
import pytest

from simulation.report.chart import Scale, axis, highest_of_bins, line, runs_of


@pytest.mark.parametrize(
    ("low", "high", "num_ticks", "texts"),
    [
        (0.0, 1.0, 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (1.0, 10.0, 6, ["2", "4", "6", "8", "10"]),
        (-0.5, 0.5, 4, ["-0.5", "0.0", "0.5"]),
        (0.0, 8.2, 5, ["0", "2", "4", "6", "8"]),
        (0.0, 4500.0, 3, ["0", "2000", "4000"]),
    ],
)
def test_ticks_are_round_numbers_inside_the_range(low: float, high: float, num_ticks: int, texts: list[str]) -> None:
    assert [tick.text for tick in axis("unit", low, high, (0, 100), num_ticks).ticks] == texts


def test_an_axis_of_one_value_is_widened_around_it() -> None:
    scale = axis("round", 3.0, 3.0, (0, 100), 1).scale
    assert scale.low < 3.0 < scale.high
    assert scale.px(3.0) == 50.0


def test_values_outside_the_range_are_drawn_at_its_ends() -> None:
    scale = Scale(0.0, 2.0, 100.0, 0.0)
    assert scale.px([-1.0, 0.5, 9.0]).tolist() == [100.0, 75.0, 0.0]


def test_a_curve_is_broken_where_a_value_is_missing() -> None:
    drawn = line(np.arange(4.0), np.array([1.0, np.nan, 3.0, 4.0]), has_marks=True)
    assert drawn.path == "M0.0 1.0M2.0 3.0L3.0 4.0"
    assert drawn.marks == ((0.0, 1.0), (2.0, 3.0), (3.0, 4.0))


def test_shortening_keeps_every_peak_at_its_place() -> None:
    values = np.zeros(10_000)
    values[[17, 5003, 9999]] = [2.0, 3.0, 1.0]
    values[40] = np.nan
    frames, highest = highest_of_bins(values, 100)
    assert len(frames) == 100
    assert frames[highest > 0].tolist() == [17, 5003, 9999]
    assert not np.isnan(highest).any()


def test_a_short_series_is_kept_whole() -> None:
    frames, values = highest_of_bins(np.array([3.0, 1.0]), 100)
    assert (frames.tolist(), values.tolist()) == ([0.0, 1.0], [3.0, 1.0])


@pytest.mark.parametrize(
    ("flags", "runs"), [([], []), ([0, 0], []), ([1, 1], [(0, 1)]), ([1, 0, 1, 1], [(0, 0), (2, 3)])]
)
def test_runs_hold_first_and_last_index(flags: list[int], runs: list[tuple[int, int]]) -> None:
    assert runs_of(np.array(flags, dtype=np.bool_)) == runs
