"""What moved and stands still."""

import pytest

from context.behaviour.settings import FollowingSettings, StopSettings
from context.behaviour.stopping import Journey, stopping
from context.track import Rest, Sighting, Track, rest
from tests.fakes.paths import at, times

SETTINGS, PLACE = StopSettings(limit_s=3.0, moved=1.0), FollowingSettings()


def stand(path: list[Sighting]) -> list[tuple[float, bool]]:
    """Seconds still, and whether they are too many, along a path."""
    journey: Journey | None = None
    stay, found = Rest(path[0], path[0].instant_s), []
    for one in path:
        stay = rest(stay, one, PLACE.radius, PLACE.away_s)
        journey, finding = stopping(journey, Track(1, (one,), stay), SETTINGS)
        found.append((finding.value, finding.holds))
    return found


def test_walker_who_stops_has_stopped_and_who_goes_on_has_not() -> None:
    walk = [at(now, now) for now in times(3.0)]
    stop = [at(now, 3.0) for now in times(8.0, start_s=3.1)]
    on = [at(now, 3.0 + now - 8.0) for now in times(10.0, start_s=8.1)]
    found = stand(walk + stop + on)
    assert max(value for value, _ in found[: len(walk)]) < 0.6
    still_s, is_long = found[len(walk) + len(stop) - 1]
    assert still_s == pytest.approx(5.3, abs=0.2)
    assert is_long
    assert found[-1][1] is False


def test_what_never_moved_never_stopped() -> None:
    assert set(stand([at(now) for now in times(20.0)])) == {(0.0, False)}


@pytest.mark.parametrize(("jump_s", "ends"), [(0.4, False), (1.0, True)])
def test_box_that_jumps_for_a_moment_still_stands(jump_s: float, ends: bool) -> None:
    walk = [at(now, now) for now in times(2.0)]
    stop = [at(now, 3.5 if 6.0 <= now < 6.0 + jump_s else 2.0) for now in times(8.0, start_s=2.1)]
    assert stand(walk + stop)[-1][1] is not ends
