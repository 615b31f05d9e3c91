"""How long somebody stays in a zone."""

import pytest

from context.behaviour.dwell import Stay, dwell
from context.behaviour.finding import Finding
from context.behaviour.settings import DwellSettings
from tests.fakes.paths import SOMEBODY, at

SETTINGS = DwellSettings(limit_s=5.0, away_s=1.0)


def stay(zones: list[tuple[float, str]]) -> list[Finding]:
    """What is found of somebody who is in these zones at these instants."""
    state: Stay | None = None
    found = []
    for instant_s, zone in zones:
        state, finding = dwell(state, at(instant_s, one=SOMEBODY._replace(zone=zone)), SETTINGS)
        found.append(finding)
    return found


def test_stay_is_long_from_its_limit_on() -> None:
    found = stay([(now / 2, "till") for now in range(12)])
    assert [one.value for one in found] == [now / 2 for now in range(12)]
    assert [one.holds for one in found] == [False] * 10 + [True] * 2
    assert {one.zone for one in found} == {"till"}


@pytest.mark.parametrize(
    ("zones", "value", "zone"),
    [
        ([(0, "till"), (3, "till"), (4, ""), (4.5, "till")], 4.5, "till"),  # a moment outside
        ([(0, "till"), (3, "till"), (4, "")], 3.0, "till"),  # not yet a stay elsewhere
        ([(0, "till"), (3, "till"), (4.1, ""), (5.1, "")], 1.0, ""),  # gone
        ([(0, "till"), (8, "till")], 8.0, "till"),  # lost and found
        ([(0, "till"), (8, "hall")], 0.0, "hall"),
    ],
)
def test_moment_outside_does_not_end_a_stay(zones: list[tuple[float, str]], value: float, zone: str) -> None:
    last = stay(zones)[-1]
    assert last.value == pytest.approx(value)
    assert last.zone == zone
