"""Things left behind, and things that were not."""

import pytest

from context.behaviour.left_object import Thing, left_objects
from context.behaviour.settings import LeftObjectSettings
from context.track import Rest, Sighting, Track
from tests.fakes.paths import BAG, SOMEBODY, at, times

SETTINGS = LeftObjectSettings(limit_s=10.0, away=3.0, reach=1.5, memory_s=5.0)
THING = SOMEBODY._replace(kind="other", size=BAG, track_id=9)
OWNER, PASSER, LATE = 1, 2, 3


def seen(one: Sighting, identity: int, is_new: bool = False) -> Track:
    return Track(identity, (one,), Rest(one, one.instant_s), is_new=is_new)


class Scene:
    """A bag at the middle of the picture from second 1 on, and people who come and go."""

    def __init__(self) -> None:
        self.things: tuple[Thing, ...] = ()
        self.unattended_s = 0.0

    def watch(self, until_s: float, start_s: float, people: dict[int, float], thing: int | None = 50) -> "Scene":
        """Shows people, by identity, so far right of the bag."""
        for now in times(until_s, start_s=start_s):
            tracks = [seen(at(now, x), identity) for identity, x in people.items()]
            tracks += [] if thing is None else [seen(at(now, one=THING), thing)]
            self.things, found = left_objects(self.things, now, tracks, SETTINGS)
            if thing is not None:
                assert found[thing].holds == (found[thing].value >= 10.0)
                self.unattended_s = found[thing].value
        return self


def left() -> Scene:
    """Put down by its owner, who has gone away for some 10 s."""
    return Scene().watch(3.0, 1.0, {OWNER: 0.8}).watch(14.0, 3.1, {OWNER: 4.0})


def test_thing_whose_owner_has_gone_away_is_left() -> None:
    assert left().unattended_s == pytest.approx(11.0)
    assert Scene().watch(3.0, 1.0, {OWNER: 0.8}).watch(14.0, 3.1, {}).unattended_s == pytest.approx(11.0)


def test_owner_who_stays_near_or_comes_back_attends_to_it() -> None:
    assert Scene().watch(3.0, 1.0, {OWNER: 0.8}).watch(30.0, 3.1, {OWNER: 2.9}).unattended_s == 0.0
    assert left().watch(16.0, 14.1, {OWNER: 0.5}).unattended_s == 0.0


def test_somebody_else_beside_it_does_not() -> None:
    assert left().watch(20.0, 14.1, {PASSER: 0.5}).unattended_s == pytest.approx(17.0)


def test_owner_found_under_another_identity_does() -> None:
    scene = left()
    tracks = [seen(at(14.1, 0.5), LATE, is_new=True), seen(at(14.1, one=THING), 50)]
    scene.things, _ = left_objects(scene.things, 14.1, tracks, SETTINGS)
    assert scene.watch(20.0, 14.2, {LATE: 0.5}).unattended_s == 0.0


@pytest.mark.parametrize(("hidden_s", "is_known"), [(4.0, True), (6.0, False)])
def test_thing_hidden_for_a_moment_is_the_same_and_taken_is_gone(hidden_s: float, is_known: bool) -> None:
    hidden = left().watch(14.0 + hidden_s, 14.1, {PASSER: 0.0}, thing=None)
    assert bool(hidden.things) == is_known
    again = hidden.watch(15.0 + hidden_s, 14.1 + hidden_s, {}, thing=77)  # the tracker calls it otherwise now
    assert (again.unattended_s > 10.0) == is_known


def test_what_appears_beside_nobody_was_left_by_nobody() -> None:
    assert Scene().watch(3.0, 1.0, {OWNER: 2.0}).watch(30.0, 3.1, {}).unattended_s == 0.0
    scene = Scene().watch(3.0, 1.0, {})
    tracks = [seen(at(3.1, 0.5), LATE, is_new=True), seen(at(3.1, one=THING), 50)]
    scene.things, _ = left_objects(scene.things, 3.1, tracks, SETTINGS)
    assert scene.watch(30.0, 3.2, {}).unattended_s == 0.0


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "person", "size": (0.4, 1.0)},  # a person
        {"speed": 0.8},  # moves
        {"foot": (0.5, 1.0)},  # cut by the edge
    ],
)
def test_what_is_no_thing_is_not_looked_at(changes: dict[str, object]) -> None:
    one = at(1.0, one=THING)._replace(**changes)  # type: ignore[arg-type]  # the names are fields
    assert left_objects((), 1.0, [seen(one, 50)], SETTINGS) == ((), {})


def test_what_does_not_stay_at_its_place_is_forgotten_at_once() -> None:
    scene = Scene().watch(1.5, 1.0, {OWNER: 0.8})
    assert left_objects(scene.things, 1.6, [], SETTINGS) == ((), {})


def test_small_person_shape_may_be_a_thing() -> None:
    small = THING._replace(kind="person")
    things, found = left_objects((), 1.0, [seen(at(1.0, one=small), 50), seen(at(1.0, 1.0), OWNER)], SETTINGS)
    assert [thing.owners for thing in things] == [{OWNER}]
    assert found[50].value == 0.0
