"""Who falls, and who only bends, sits, leaves or puts something down."""

import pytest

from context.behaviour.fall import Body, fall
from context.behaviour.settings import FallSettings
from context.track import Point, Posture, Sighting
from tests.fakes.paths import BAG, LYING, SOMEBODY, STANDING, at, times

SETTINGS = FallSettings(limit_s=3.0)


def watch(path: list[Sighting]) -> list[float]:
    """Seconds on the ground along a path; negative before the limit."""
    state: Body | None = None
    found = []
    for one in path:
        state, finding = fall(state, one, SETTINGS)
        assert finding.holds == (finding.value >= 3.0)
        found.append(finding.value)
    return found


def posed(instants: list[float], size: Point, x: float = 0.0, kind: str = "person") -> list[Sighting]:
    return [at(now, x, one=SOMEBODY._replace(size=size, kind=kind)) for now in instants]


UP = posed(times(2.0), STANDING)
FALLING = posed([2.1, 2.2], (0.6, 0.8))


def test_who_drops_and_stays_down_has_fallen() -> None:
    assert watch(UP + FALLING + posed(times(6.3, start_s=2.3), LYING))[-1] == pytest.approx(4.0)


def test_getting_up_ends_it() -> None:
    down, up = posed(times(4.0, start_s=2.3), LYING), posed(times(12.0, start_s=4.1), STANDING)
    assert max(watch(UP + FALLING + down + up)[-len(up) :]) == 0.0


def test_who_is_lost_on_the_ground_and_found_there_still_lies() -> None:
    down = posed([*times(3.0, start_s=2.3), *times(7.0, start_s=6.0)], LYING)
    assert watch(UP + FALLING + down)[-1] == pytest.approx(4.7)


def test_who_crawls_on_does_not_lie_still() -> None:
    crawl = [at(now, 0.5 * now, one=SOMEBODY._replace(size=LYING)) for now in times(12.0, start_s=2.3)]
    assert max(watch(UP + FALLING + crawl)) < 3.0


def test_who_falls_again_has_fallen_again() -> None:
    later = [one._replace(instant_s=one.instant_s + 4.0) for one in UP + FALLING]
    down = posed(times(10.0, start_s=6.3), LYING)
    assert watch(UP + FALLING + posed(times(3.9, start_s=2.3), LYING) + later + down)[-1] == pytest.approx(3.7)


@pytest.mark.parametrize(
    ("between", "size"),
    [
        ([], (0.5, 0.62)),  # bends or sits: not low enough
        ([], (0.3, 0.5)),  # a counter hides the legs: low, but narrow
        ([], BAG),  # the number of somebody goes over to a bag put down
        (times(4.0, start_s=2.1), LYING),  # too slowly: lies down
    ],
)
def test_other_changes_of_shape_are_no_falls(between: list[float], size: Point) -> None:
    start_s = between[-1] + 0.1 if between else 2.1
    path = UP + posed(between, (0.6, 0.8)) + posed(times(20.0, start_s=start_s), size)
    assert max(watch(path)) == 0.0


def test_gap_never_shows_a_fall() -> None:
    assert max(watch(UP + posed(times(20.0, start_s=2.7), LYING))) == 0.0


def test_what_was_never_upright_never_falls() -> None:
    assert max(watch(posed(times(2.0), STANDING, kind="vehicle") + posed(times(20.0, start_s=2.1), LYING))) == 0.0


def test_who_walks_out_of_the_lower_edge_does_not_fall() -> None:
    out = [one._replace(foot=(0.5, 1.0)) for one in posed(times(20.0, start_s=2.1), LYING)]
    assert max(watch(UP + out)) == 0.0


def test_height_is_compared_with_the_usual_one() -> None:
    child = posed(times(2.0), (0.25, 0.6))
    assert max(watch(child + posed(times(9.0, start_s=2.1), (0.6, 0.3)))) > 3.0
    assert max(watch(child + posed(times(9.0, start_s=2.1), (0.6, 0.4)))) == 0.0


def held(path: list[Sighting], posture: Posture) -> list[Sighting]:
    return [one._replace(posture=posture) for one in path]


NARROW = (0.4, 0.7)  # somebody who lies along the line of sight


def test_posture_tells_a_fall_whose_box_stays_narrow() -> None:
    down = posed(times(6.3, start_s=2.3), NARROW)
    assert max(watch(UP + FALLING + down)) == 0.0
    assert watch(UP + FALLING + held(down, Posture.DOWN))[-1] == pytest.approx(4.0)


def test_who_is_upright_by_posture_has_not_fallen_whatever_the_box() -> None:
    low = posed(times(6.3, start_s=2.3), LYING)
    assert watch(UP + FALLING + low)[-1] == pytest.approx(4.0)
    assert max(watch(UP + FALLING + held(low, Posture.UPRIGHT))) == 0.0


def test_who_gets_up_by_posture_has_got_up() -> None:
    down, up = posed(times(4.0, start_s=2.3), LYING), posed(times(8.0, start_s=4.1), (0.8, 0.9))
    assert watch(UP + FALLING + down + up)[-1] > 0.0
    assert max(watch(UP + FALLING + down + held(up, Posture.UPRIGHT))[-len(up) :]) == 0.0


def test_who_was_only_ever_down_by_posture_has_not_fallen() -> None:
    assert max(watch(held(posed(times(9.0), NARROW), Posture.DOWN))) == 0.0
