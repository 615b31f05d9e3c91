"""The benchmark of the box: its search, its films and what it says of clips."""

import av
import numpy as np
import pytest

from benchmarks.edge.cuts import clip_cut_speedup, prebuffer_ratio
from benchmarks.edge.films import FPS, LEAD_S, MOVING_SHARE, Film, make_films
from benchmarks.edge.trial import Trial, best, most_sustained
from tests.fakes.videos import write_video


def trial(num_cameras: int, *, keeps_up: bool) -> Trial:
    return Trial(num_cameras, 0.0, 0.0 if keeps_up else 9.0, 10.0, 1.0, 0.5, 1.0, 100.0)


@pytest.mark.parametrize("limit", [0, 1, 3, 4, 5, 17, 40, 63, 64, 100])
def test_search_finds_the_limit_to_six_per_cent_and_never_goes_beyond_the_most(limit: int) -> None:
    trials = most_sustained(lambda number: trial(number, keeps_up=number <= limit), first=4, most=64)
    assert max(one.num_cameras for one in trials) <= 64
    assert len({one.num_cameras for one in trials}) == len(trials)
    found = best(trials)
    expected = min(limit, 64)
    if expected == 0:
        assert found is None
    else:
        assert found is not None
        assert expected - max(1, expected // 16) <= found.num_cameras <= expected


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    folder = tmp_path_factory.mktemp("films")
    footage = write_video(folder / "footage.mp4", 3.0, [(0, 3)], codec="libx264")
    (one,) = make_films(footage, folder / "made", 1, 20.0, seed=0)
    assert make_films(footage, folder / "made", 1, 20.0, seed=0) == [one]
    return one


def test_film_moves_in_its_interval_and_nowhere_else(film: Film) -> None:
    began_s, ended_s = film.moving_s
    assert ended_s - began_s == pytest.approx(MOVING_SHARE * 20.0)
    with av.open(str(film.path)) as container:
        pictures = [frame.to_ndarray(format="gray").astype(np.int16) for frame in container.decode(video=0)]
    assert len(pictures) == round((LEAD_S + 20.0) * FPS)
    change = np.array([np.abs(later - before).mean() for before, later in zip(pictures, pictures[2:], strict=False)])
    times = (np.arange(len(change)) + 1) / FPS
    is_moving = (times > began_s + 0.2) & (times < ended_s - 0.2)
    is_quiet = (times < began_s - 0.2) | (times > ended_s + 0.2)
    assert np.median(change[is_moving]) > 3 * np.median(change[is_quiet])


def test_packets_are_a_fraction_of_pictures_and_clips_are_cut_faster_than_encoded(film: Film) -> None:
    assert prebuffer_ratio(film) > 20.0
    figures = clip_cut_speedup(film)
    assert figures["clip_cut_speedup"] == pytest.approx(figures["opencv_ms"] / figures["ours_ms"])
    assert figures["clip_cut_speedup"] > 5.0
