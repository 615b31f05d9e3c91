"""All behaviours of a camera together."""

import dataclasses

import pytest

from context.behaviour.finding import Behaviour, Finding, strongest
from context.behaviour.observer import NOTHING_OBSERVED, Findings, Observed, observe
from context.behaviour.settings import BehaviourSettings, CrowdSettings, DwellSettings
from context.track import Sighting
from tests.fakes.paths import BAG, SOMEBODY, at, times

SETTINGS = BehaviourSettings(
    dwell=DwellSettings(limit_s=5.0), crowd=CrowdSettings(limit=2, release_limit=2, settle_s=0.0), metres_per_height=2.0
)
HALL = SOMEBODY._replace(zone="hall", speed=1.0)
THING = SOMEBODY._replace(kind="other", size=BAG, track_id=9)


def watch(
    frames: list[list[Sighting]], state: Observed = NOTHING_OBSERVED
) -> tuple[Observed, tuple[dict[Behaviour, Finding], ...]]:
    """Shows frames; returns the state and the findings of each object of the last."""
    found: tuple[Findings, ...] = ()
    for sightings in frames:
        state, found = observe(state, sightings[0].instant_s, sightings, SETTINGS)
    return state, tuple({one.behaviour: one for one in findings} for findings in found)


def test_person_shows_all_that_can_be_told_and_a_thing_is_no_crowd() -> None:
    _, (person, thing) = watch([[at(now, one=HALL), at(now, 2.0, one=THING)] for now in times(6.0)])
    assert set(Behaviour) - set(person) == {Behaviour.LEFT_OBJECT}
    assert set(Behaviour) - set(thing) == {Behaviour.CROWD}
    assert (person[Behaviour.DWELL].value, person[Behaviour.DWELL].holds) == (6.0, True)
    assert (person[Behaviour.SPEED].value, person[Behaviour.SPEED].metres_s) == (1.0, 2.0)
    assert (person[Behaviour.CROWD].value, person[Behaviour.CROWD].holds) == (1.0, False)


def test_people_of_one_zone_are_a_crowd_and_those_outside_are_not() -> None:
    people = [HALL, HALL._replace(track_id=2), SOMEBODY._replace(track_id=3)]
    frames = [[at(now, 2.0 * place, one=one) for place, one in enumerate(people)] for now in times(1.0)]
    _, found = watch(frames)
    assert [(one[Behaviour.CROWD].value, one[Behaviour.CROWD].holds) for one in found] == [
        (2.0, True),
        (2.0, True),
        (1.0, False),
    ]


def test_stay_goes_on_over_a_gap_and_another_number() -> None:
    state, _ = watch([[at(now, one=HALL)] for now in times(4.0)])
    _, (found,) = watch([[at(6.5, 0.2, one=HALL._replace(track_id=7))]], state)
    assert found[Behaviour.DWELL].value == 6.5


def test_step_back_in_time_begins_anew_and_forgotten_objects_leave_nothing() -> None:
    state, _ = watch([[at(now, one=HALL)] for now in times(4.0)])
    _, (found,) = watch([[at(3.0, one=HALL)]], state)
    assert found[Behaviour.DWELL].value == 0.0
    later, _ = observe(state, 100.0, [], SETTINGS)
    assert (dict(later.conduct_by_identity), later.things) == ({}, ())


def test_observing_changes_nothing_it_was_given() -> None:
    state, _ = watch([[at(now, one=HALL)] for now in times(1.0)])
    kept = dataclasses.replace(state, conduct_by_identity=dict(state.conduct_by_identity))
    observe(state, 2.0, [at(2.0, 1.0, one=HALL)], SETTINGS)
    assert state == kept


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([], [], []),
        ([("dwell", 3.0, "a")], [], [("dwell", 3.0, "a")]),
        ([("dwell", 3.0, "a")], [("dwell", 4.0, "a")], [("dwell", 4.0, "a")]),
        ([("against_flow", -3.0, "a")], [("against_flow", -2.0, "a")], [("against_flow", -3.0, "a")]),
        (
            [("dwell", 3.0, "b")],
            [("speed", 2.0, ""), ("dwell", 9.0, "a")],
            [("speed", 2.0, ""), ("dwell", 9.0, "a"), ("dwell", 3.0, "b")],
        ),
    ],
)
def test_strongest_of_each_behaviour_and_zone_is_kept(
    first: list[tuple[str, float, str]], second: list[tuple[str, float, str]], expected: list[tuple[str, float, str]]
) -> None:
    one, two, both = (
        tuple(Finding(Behaviour(name), value, holds=True, zone=zone) for name, value, zone in some)
        for some in (first, second, expected)
    )
    assert strongest(one, two) == both
