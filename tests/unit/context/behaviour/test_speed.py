"""How fast objects are, and when that is too fast."""

import pytest

from context.behaviour.settings import SpeedSettings
from context.behaviour.speed import speed
from tests.fakes.paths import SOMEBODY, at, times, track

SETTINGS = SpeedSettings(person_limit=1.5, other_limit=5.0, window_s=1.0)


@pytest.mark.parametrize(
    ("kind", "moves", "holds"),
    [("person", 1.4, False), ("person", 1.5, True), ("vehicle", 1.5, False), ("vehicle", 5.0, True)],
)
def test_limit_depends_on_who_is_moving(kind: str, moves: float, holds: bool) -> None:
    one = SOMEBODY._replace(kind=kind, speed=moves, zone="hall")
    found = speed(track(at(now, one=one) for now in times(2.0)), SETTINGS)
    assert (found.value, found.holds, found.zone, found.metres_s) == (moves, holds, "hall", None)


def test_box_that_jumps_for_some_frames_is_no_runner() -> None:
    speeds = [0.7] * 6 + [9.0] * 4
    found = speed(track(at(i / 10, one=SOMEBODY._replace(speed=one)) for i, one in enumerate(speeds)), SETTINGS)
    assert (found.value, found.holds) == (0.7, False)


def test_only_the_window_counts() -> None:
    path = [at(now, one=SOMEBODY._replace(speed=0.7 if now < 1.0 else 2.0)) for now in times(2.0)]
    assert speed(track(path), SETTINGS).value == 2.0


def test_object_seen_for_less_than_half_the_window_has_no_speed_yet() -> None:
    path = [at(now, one=SOMEBODY._replace(speed=9.0)) for now in times(0.5)]
    assert [speed(track(path[:number]), SETTINGS).value for number in (5, 6)] == [0.0, 9.0]


def test_site_that_says_how_long_a_height_is_is_told_metres() -> None:
    path = [at(now, one=SOMEBODY._replace(speed=2.0)) for now in times(1.0)]
    assert speed(track(path), SETTINGS, 1.7).metres_s == pytest.approx(3.4)
