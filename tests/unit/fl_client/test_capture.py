"""Sources, sampling and clocks."""

import itertools
from pathlib import Path

import pytest

from fl_client.capture.frame_sampler import FrameSampler
from fl_client.capture.live_clock import LiveClock
from fl_client.capture.picture import fitted_size
from fl_client.capture.source import Source, check_path, with_password
from fl_client.errors import SourceError


def chosen(times_s: list[float], frames_per_s: float = 10.0) -> list[float]:
    sampler, taken = FrameSampler(frames_per_s), []
    for time_s in times_s:
        sampler, is_chosen = sampler.choose(time_s)
        taken += [time_s] if is_chosen else []
    return taken


@pytest.mark.parametrize(("source_fps", "expected"), [(5.0, 50), (10.0, 100), (12.5, 100), (25.0, 100), (29.97, 100)])
def test_source_is_sampled_at_the_analysis_rate(source_fps: float, expected: int) -> None:
    taken = chosen([index / source_fps for index in range(round(10 * source_fps))])
    assert abs(len(taken) - expected) <= 1


def test_camera_at_the_analysis_rate_loses_no_frame_to_jitter() -> None:
    times_s = [index * 0.1 + (0.015 if index % 2 else -0.004) for index in range(100)]
    assert chosen(times_s) == times_s


def test_gap_is_not_made_up_for_by_a_burst() -> None:
    assert chosen([0.0, 10.0, 10.02, 10.04, 10.06, 10.1]) == [0.0, 10.0, 10.1]


def test_source_whose_time_jumps_back_goes_on() -> None:
    assert chosen([100.0, 100.1, 0.0, 0.1]) == [100.0, 100.1, 0.0, 0.1]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((768, 432), (640, 360)), ((320, 240), (320, 240)), ((1080, 1920), (640, 1136)), ((641, 361), (640, 360))],
)
def test_pictures_are_fitted_to_even_sides_within_the_bounds(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fitted_size(*size) == expected


def test_picture_too_elongated_to_be_watched_is_refused() -> None:
    with pytest.raises(SourceError, match="6400x20"):
        fitted_size(6400, 20)


def test_password_of_a_camera_is_never_shown() -> None:
    source = Source("rtsp://guard:secret@camera.example:554/stream?key=secret", 10.0)
    assert source.is_live
    assert source.shown_name == "rtsp://camera.example:554"


def test_password_of_a_camera_comes_from_its_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p@ss:w/rd \nnot this\n")
    address = with_password("rtsp://10.0.0.21:554/sub?a=b", "guard", tmp_path / "password")
    assert address == "rtsp://guard:p%40ss%3Aw%2Frd@10.0.0.21:554/sub?a=b"
    assert Source(address, 10.0).shown_name == "rtsp://10.0.0.21:554"


@pytest.mark.parametrize(("content", "words"), [("", "expected a password"), (None, "cannot be read as a password")])
def test_password_file_that_holds_none_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "password").write_text(content)
    with pytest.raises(SourceError, match=words):
        with_password("rtsp://10.0.0.21/sub", "guard", tmp_path / "password")


def test_unknown_scheme_is_refused_without_showing_the_address() -> None:
    with pytest.raises(SourceError, match=r"^ftp: expected a path or a URL"):
        check_path(Source("ftp://user:secret@host/file", 10.0))


def live_instants(times_s: list[float], arrivals_s: list[float]) -> list[float]:
    clock, instants = LiveClock(), []
    for time_s, now_s in zip(times_s, arrivals_s, strict=True):
        clock, instant_s = clock.instant(time_s, now_s)
        instants.append(instant_s)
    return instants


def test_burst_at_the_start_of_a_stream_keeps_the_rhythm_of_the_camera() -> None:
    times_s = [index / 10 for index in range(20)]
    arrivals_s = [1000.0 + index / 1000 for index in range(20)]
    instants = live_instants(times_s, arrivals_s)
    gaps = [after - before for before, after in itertools.pairwise(instants)]
    assert gaps == pytest.approx([0.1] * 19, rel=0.05)


def test_drifting_camera_is_kept_near_the_clock() -> None:
    times_s = [index * 0.1 * 1.001 for index in range(36_000)]  # 1 in 1000 too fast, for an hour: 3.6 s
    arrivals_s = [1000.0 + index * 0.1 for index in range(36_000)]
    instants = live_instants(times_s, arrivals_s)
    assert instants[-1] == pytest.approx(arrivals_s[-1], abs=0.1)
    assert instants == sorted(instants)


def test_camera_whose_time_jumps_is_set_anew() -> None:
    assert live_instants([5000.0, 5000.1, 0.0, 0.1], [100.0, 100.1, 100.2, 100.3])[2:] == pytest.approx([100.2, 100.3])
