"""Objects followed over gaps, changed numbers and numbers handed on."""

import pytest

from context.behaviour.following import NOBODY, Following, follow
from context.behaviour.settings import FollowingSettings
from context.track import RECENT_S, Sighting, Track
from tests.fakes.paths import SOMEBODY, at, times

SETTINGS = FollowingSettings(memory_s=3.0, reach=0.5, radius=0.35, away_s=0.5, home_s=2.0)
DWELLER, PASSER, NEW = (SOMEBODY._replace(track_id=number) for number in (1, 2, 3))


def watch(frames: list[list[Sighting]], state: Following = NOBODY) -> tuple[Following, tuple[Track, ...]]:
    """Shows frames; returns the state and the tracks of the last."""
    tracks: tuple[Track, ...] = ()
    for sightings in frames:
        state, tracks = follow(state, sightings, sightings[0].instant_s, SETTINGS)
    return state, tracks


def test_objects_have_identities_of_their_own_in_the_order_of_the_sightings() -> None:
    _, tracks = watch([[at(0.0, 0.0, one=DWELLER), at(0.0, 2.0, one=PASSER)]])
    assert [(track.identity, track.last.track_id, track.is_new) for track in tracks] == [(1, 1, True), (2, 2, True)]
    _, tracks = watch([[at(0.0, one=DWELLER)], [at(0.1, 2.0, one=PASSER), at(0.1, one=DWELLER)]])
    assert [(track.identity, track.is_new) for track in tracks] == [(2, True), (1, False)]


def test_track_keeps_its_last_seconds() -> None:
    _, (track,) = watch([[at(now)] for now in times(5.0)])
    assert track.recent[0].instant_s == pytest.approx(5.0 - RECENT_S)
    assert (track.rest.anchor, track.rest.still_s) == (at(0.0), 5.0)


@pytest.mark.parametrize(
    ("gap_s", "x", "is_same"), [(0.1, 0.0, True), (2.9, 0.4, True), (2.9, 0.6, False), (3.2, 0.0, False)]
)
def test_who_appears_where_somebody_was_lost_a_moment_ago_is_the_same(gap_s: float, x: float, is_same: bool) -> None:
    state, _ = watch([[at(now, one=DWELLER)] for now in times(1.0)])
    _, (track,) = watch([[at(1.0 + gap_s, x, one=NEW)]], state)
    assert (track.identity == 1, track.is_new) == (is_same, not is_same)


def test_nearest_of_the_lost_is_found_and_each_only_once() -> None:
    lost = [[at(0.0, 0.0, one=DWELLER), at(0.0, 0.3, one=PASSER)]]
    found = [[at(0.1, 0.25, one=NEW), at(0.1, 0.2, one=NEW._replace(track_id=4))]]
    _, tracks = watch(lost + found)
    assert [track.identity for track in tracks] == [2, 1]


def test_nobody_is_found_again_at_the_edge_of_the_picture() -> None:
    edge = (0.99, 0.5)
    state, _ = watch([[at(0.0)._replace(foot=edge)]])
    _, (track,) = watch([[at(0.1, one=NEW)._replace(foot=edge)]], state)
    assert track.identity == 2


def test_number_that_the_tracker_gives_again_is_somebody_else() -> None:
    state, _ = watch([[at(0.0, one=DWELLER)], [at(0.1, one=NEW)]])
    _, (same, other) = watch([[at(0.2, one=NEW), at(0.2, 2.0, one=DWELLER)]], state)
    assert (same.identity, same.is_new) == (1, False)
    assert (other.identity > 1, other.is_new) == (True, True)


@pytest.mark.parametrize(("rested_s", "is_given_back"), [(5.0, True), (1.0, False)])
def test_who_appears_where_somebody_rested_is_that_person_though_the_number_went_away(
    rested_s: float, is_given_back: bool
) -> None:
    rests = [[at(now, one=DWELLER)] for now in times(rested_s)]
    goes = [[at(rested_s + now, 1.5 * now, one=DWELLER)] for now in times(1.4, start_s=0.1)]
    back = [[at(rested_s + 1.5, 2.3, one=DWELLER), at(rested_s + 1.5, 0.1, one=NEW)]]
    _, (walker, newcomer) = watch(rests + goes + back)
    assert (newcomer.identity, walker.identity) == ((1, 2) if is_given_back else (2, 1))
    assert (newcomer.is_new, walker.home is None) == (not is_given_back, True)


def test_who_stands_beside_somebody_at_rest_is_somebody_else() -> None:
    rests = [[at(now, one=DWELLER)] for now in times(5.0)]
    _, tracks = watch([*rests, [at(5.1, one=DWELLER), at(5.1, 0.4, one=NEW)]])
    assert [track.identity for track in tracks] == [1, 2]


def test_frame_without_objects_forgets_who_was_lost_long_ago() -> None:
    state, _ = watch([[at(0.0)]])
    state, tracks = follow(state, [], 10.0, SETTINGS)
    assert (dict(state.track_by_id), tracks) == ({}, ())


@pytest.mark.parametrize(
    ("was_low", "is_low", "is_same"), [(False, True, True), (True, False, False), (True, True, True)]
)
def test_who_was_lost_may_be_low_now_and_nobody_is_found_in_what_was_low(
    was_low: bool, is_low: bool, is_same: bool
) -> None:
    state, _ = watch([[at(now, one=DWELLER._replace(is_low=was_low))] for now in times(1.0)])
    _, (track,) = watch([[at(1.1, one=NEW._replace(is_low=is_low))]], state)
    assert (track.identity == 1) is is_same


def test_low_thing_is_never_who_rested_where_it_appears() -> None:
    state, _ = watch([[at(now, one=DWELLER)] for now in times(4.0)])
    state, _ = watch([[at(4.0 + now, 3.0 * now, one=DWELLER)] for now in times(1.0)], state)
    now_s = state.track_by_id[DWELLER.track_id].last.instant_s + 0.1
    frame = [at(now_s, 3.0, one=DWELLER), at(now_s, one=NEW)]
    for is_low, identities in ((False, [2, 1]), (True, [1, 2])):
        _, tracks = watch([[frame[0], frame[1]._replace(is_low=is_low)]], state)
        assert [track.identity for track in tracks] == identities
