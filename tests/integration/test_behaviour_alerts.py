"""From frames to the alert on disk: an alert says what its objects did."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from context.schedule import WEEKDAYS
from context.site import Site
from tests.fakes.drawn_scene import FPS, walking_frames
from tests.fakes.watched_camera import alerts_of

START_S = dt.datetime(2026, 1, 7, 12, tzinfo=dt.UTC).timestamp()
LEARN_FOR_S = 40.0
RUNNING_PX = 12.0


def site(direction: list[float]) -> Site:
    """A store with one zone, where people go in one direction."""
    whole = [[0, 0], [1, 0], [1, 1], [0, 1]]
    zone = {"name": "aisle", "kind": "aisle", "polygon": whole, "flow_direction": direction}
    return Site.model_validate(
        {
            "name": "store42",
            "schedule": {"weekly": {day: {"opens": "00:00", "closes": "24:00"} for day in WEEKDAYS}},
            "cameras": [{"name": "door", "zones": [zone]}],
            "behaviours": {"metres_per_height": 1.7},
        }
    )


def alerts_of_a_runner(folder: Path, described: Site) -> list[dict[str, Any]]:
    """Learns from walkers, then watches somebody run to the right."""
    lengths, shots = (round(LEARN_FOR_S * FPS), 30, 60), [(1, 4.0), (4, 4.0), (2, RUNNING_PX)]
    frames = [walking_frames(length, *shot) for length, shot in zip(lengths, shots, strict=True)]
    return alerts_of(folder, described, START_S, LEARN_FOR_S, frames)


@pytest.mark.parametrize(("direction", "is_against"), [([-1.0, 0.0], True), ([1.0, 0.0], False)])
def test_alert_tells_how_fast_its_runner_was_and_whether_against_the_direction(
    tmp_path: Path, direction: list[float], is_against: bool
) -> None:
    alerts = alerts_of_a_runner(tmp_path, site(direction))
    told = [shown for alert in alerts for shown in alert.get("behaviours", [])]
    by_name = {shown["behaviour"]: shown for shown in told}
    assert by_name["speed"]["zone"] == "aisle"
    assert 1.4 < by_name["speed"]["value"] < 6.0
    assert by_name["speed"]["metres_s"] == pytest.approx(1.7 * by_name["speed"]["value"], abs=0.01)
    assert ("against_flow" in by_name) == is_against
    if is_against:
        assert by_name["against_flow"]["value"] < -1.0
