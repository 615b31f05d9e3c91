"""Distances in expected heights, places that are kept to, and boxes cut by the edge of the picture."""

import pytest

from context.track import Point, Rest, distance, rest, way
from tests.fakes.paths import SOMEBODY, at, track


def test_way_counts_in_heights_of_both_places() -> None:
    near = SOMEBODY._replace(foot=(0.5, 0.9), unit=(0.3, 0.4))
    far = SOMEBODY._replace(foot=(0.7, 0.3), unit=(0.1, 0.2))
    assert way(near, far) == pytest.approx((0.2 / 0.2, -0.6 / 0.3))
    assert distance(near, far) == pytest.approx(5.0**0.5)


@pytest.mark.parametrize(
    ("foot", "is_cut"),
    [((0.5, 0.5), False), ((0.025, 0.5), True), ((0.975, 0.5), True), ((0.5, 0.995), True), ((0.5, 0.05), False)],
)
def test_box_at_the_left_right_or_lower_edge_is_cut(foot: Point, is_cut: bool) -> None:
    assert SOMEBODY._replace(foot=foot).is_cut == is_cut


def test_jump_is_no_departure_and_a_departure_begins_another_stay() -> None:
    stay = Rest(at(0.0), 0.0)
    for instant_s, x in [(1.0, 0.1), (1.2, 2.0), (1.5, 0.1)]:
        stay = rest(stay, at(instant_s, x), radius=0.35, away_s=0.5)
    assert (stay.anchor, stay.still_s) == (at(0.0), 1.5)
    stay = rest(stay, at(2.1, 2.0), radius=0.35, away_s=0.5)
    assert (stay.anchor, stay.still_s) == (at(2.1, 2.0), 0.0)


def test_last_sighting_is_the_newest() -> None:
    assert track([at(0.0), at(1.0)]).last == at(1.0)
