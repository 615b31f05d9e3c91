"""Who is usual and who is wrong in which state, by the world's own rules."""

import pytest

from context.schedule import OperationalState
from simulation.world.actor_labels import is_usual, runs_along
from simulation.world.kinds import ActorKind
from simulation.world.layout import CLOSED, CLOSING, OPEN, OPENING, Lane
from simulation.world.layouts import LAYOUTS
from simulation.world.route import Route, Waypoint


def along(layout: str, lane: str) -> Route:
    return Route(tuple(Waypoint(*point) for point in LAYOUTS[layout].lanes[lane].points), 1.2)


@pytest.mark.parametrize(
    ("layout", "kind", "lane", "usual", "wrong"),
    [
        ("yard", ActorKind.VAN, "drive", {OPENING}, {OPEN, CLOSING}),
        ("yard", ActorKind.SHOPPER, "east", {OPENING, OPEN}, {CLOSING, CLOSED}),
        ("yard", ActorKind.GUARD, "across", {OPENING, OPEN, CLOSED}, set()),
        ("street", ActorKind.BICYCLE, "ride_east", {OPENING, OPEN, CLOSING}, set()),
        ("street", ActorKind.BICYCLE, "ride_pavement", set(), {OPEN, CLOSING}),
        ("street", ActorKind.SHOPPER, "east", {OPENING, OPEN, CLOSING, CLOSED}, set()),
        ("entrance", ActorKind.SHOPPER, "in", {OPENING, OPEN}, {CLOSING, CLOSED}),
        ("tills", ActorKind.STAFF, "till_1_up", {OPENING}, {OPEN, CLOSING}),
        ("aisle", ActorKind.SCRUBBER, "up", set(), set()),
    ],
)
def test_the_world_says_when_an_actor_on_its_way_is_usual_or_wrong(
    layout: str, kind: ActorKind, lane: str, usual: set[OperationalState], wrong: set[OperationalState]
) -> None:
    answers = {
        state: is_usual(LAYOUTS[layout], state, kind, along(layout, lane)) for state in (CLOSED, OPENING, OPEN, CLOSING)
    }
    assert {state for state, answer in answers.items() if answer is True} == usual
    assert {state for state, answer in answers.items() if answer is False} == wrong


def test_usual_traffic_is_usual_in_its_own_state() -> None:
    for layout in LAYOUTS.values():
        for state, coming in layout.traffic.items():
            for traffic in coming:
                for lane in traffic.lanes:
                    assert is_usual(layout, state, traffic.kind, along(layout.name, lane)), (layout.name, state, lane)


def test_a_route_runs_along_a_lane_all_the_way_in_its_direction_and_width() -> None:
    lane = Lane(((0.0, 0.0), (10.0, 0.0), (10.0, 10.0)), 0.5)

    def route(*points: tuple[float, float]) -> Route:
        return Route(tuple(Waypoint(*point) for point in points), 1.0)

    assert runs_along(route((0.0, 0.5), (4.0, 0.5), (9.5, 0.5), (9.5, 10.0)), lane)
    assert not runs_along(route((10.0, 10.0), (10.0, 0.0), (0.0, 0.0)), lane), "the other way"
    assert not runs_along(route((0.0, 0.0), (10.0, 10.0)), lane), "cuts the corner"
    assert not runs_along(route((0.0, 2.0), (8.0, 2.0), (8.0, 10.0)), lane), "too far aside"
    assert runs_along(route((3.1, 3.0), (2.9, 3.1)), Lane(((3.0, 3.0),), 0.1)), "a post"
