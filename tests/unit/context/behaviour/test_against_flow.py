"""Who goes against a zone's permitted direction."""

import pytest

from context.behaviour.against_flow import against_flow, flow_share
from context.behaviour.settings import FlowSettings
from context.track import Point, Track
from tests.fakes.paths import SOMEBODY, at, times, track

SETTINGS = FlowSettings(window_s=1.5, least_way=0.6, share_limit=0.7)
RIGHT = (1.0, 0.0)


def walk(x_s: float, y_s: float, flow: Point | None = RIGHT, until_s: float = 2.0) -> Track:
    """Somebody who goes so many expected heights a second in a zone."""
    one = SOMEBODY._replace(zone="aisle", flow=flow)
    return track(at(now, x_s * now, y_s * now, one) for now in times(until_s))


@pytest.mark.parametrize(
    ("x_s", "y_s", "share", "holds"),
    [
        (0.8, 0.0, 1.0, False),
        (-0.8, 0.0, -1.0, True),
        (0.0, 0.8, 0.0, False),
        (-0.6, 0.6, -0.7071, True),
        (-0.5, 0.6, -0.6402, False),
        (-0.3, 0.0, 0.0, False),  # in the dead band: 0.45 heights in the window
    ],
)
def test_share_is_the_cosine_of_the_way_to_the_direction(x_s: float, y_s: float, share: float, holds: bool) -> None:
    walked = walk(x_s, y_s)
    assert flow_share(walked, SETTINGS) == pytest.approx(share, abs=1e-4)
    found = against_flow(walked, SETTINGS)
    assert (found.holds, found.zone) == (holds, "aisle")
    assert found.value == pytest.approx(x_s if share else 0.0)


def test_site_that_says_how_long_a_height_is_is_told_metres() -> None:
    assert against_flow(walk(-0.9, 0.0), SETTINGS, 2.0).metres_s == pytest.approx(-1.8)


def test_zone_without_a_direction_permits_any() -> None:
    assert against_flow(walk(-0.9, 0.0, flow=None), SETTINGS).value == 0.0


def test_too_short_a_look_has_no_direction() -> None:
    assert flow_share(walk(-2.0, 0.0, until_s=0.7), SETTINGS) == 0.0
    assert flow_share(walk(-2.0, 0.0, until_s=0.8), SETTINGS) == -1.0


def test_only_the_way_in_the_zone_counts() -> None:
    outside = [at(now, 3.0 - 3.0 * now) for now in times(1.0)]
    inside = SOMEBODY._replace(zone="aisle", flow=RIGHT)
    inside_path = [at(now, now - 1.0, 0.0, inside) for now in times(2.0, start_s=1.1)]
    assert flow_share(track(outside + inside_path), SETTINGS) == 1.0


def test_jitter_of_the_box_is_in_the_dead_band() -> None:
    one = SOMEBODY._replace(zone="aisle", flow=RIGHT)
    path = [at(now, 0.25 * (-1) ** index, 0.0, one) for index, now in enumerate(times(1.6))]
    assert {flow_share(track(path[:end]), SETTINGS) for end in range(1, len(path))} == {0.0}
