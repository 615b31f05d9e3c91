"""Objects followed over gaps and changed identities.

A tracker loses people and finds them under another number, and where two pass it may hand one's number to the other:

1. Whoever appears where somebody was lost a moment ago is that person, but not at the edge of the picture, where
   people come and go.
2. Nobody appears out of nothing at a place where somebody rested a moment ago. It is who rested there; whoever went
   away with the number is the one who is new.

A low thing may be somebody who was lost, as who fell may be; it is never who rested there, and nobody is found again in
it: most low things are somebody's shadow.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from context.behaviour.settings import FollowingSettings
from context.track import RECENT_S, Rest, Sighting, Track, distance, rest


@dataclasses.dataclass(frozen=True)
class Following:
    """The objects of one camera that are in the picture or were a moment ago, by the tracker's number.

    ``num_identities`` have been given so far.
    """

    track_by_id: Mapping[int, Track] = dataclasses.field(default_factory=dict)
    num_identities: int = 0


NOBODY = Following()


def follow(
    state: Following, sightings: Sequence[Sighting], instant_s: float, settings: FollowingSettings
) -> tuple[Following, tuple[Track, ...]]:
    """Takes the sightings of the next frame, all of ``instant_s``.

    Returns:
        The new state, and the track of each sighting, in their order.
    """
    oldest_s = instant_s - settings.memory_s
    known = {number: track for number, track in state.track_by_id.items() if track.recent[-1].instant_s >= oldest_s}
    tracks, num_identities = dict(known), state.num_identities
    newcomers = [one for one in sightings if one.track_id not in known]
    for one in sightings:
        if one.track_id in known:
            tracks[one.track_id] = _extended(known[one.track_id], one, settings)
    seen = {one.track_id for one in sightings}
    for one in newcomers:
        number = _found_again(tracks, seen, one, settings)
        num_identities += 1
        fresh = Track(num_identities, (one,), Rest(one, instant_s), is_new=number is None)
        if number is None:
            tracks[one.track_id] = fresh
        elif number in seen:
            taken = tracks[number]
            tracks[one.track_id] = fresh._replace(identity=taken.identity)
            tracks[number] = taken._replace(identity=num_identities, home=None)
        else:
            tracks[one.track_id] = _extended(tracks.pop(number), one, settings)
    return Following(tracks, num_identities), tuple(tracks[one.track_id] for one in sightings)


def _found_again(tracks: Mapping[int, Track], seen: set[int], one: Sighting, settings: FollowingSettings) -> int | None:
    """The number of the nearest track that ``one`` may be, lost or handed on; ``None`` where there is none."""
    near: dict[int, float] = {}
    for number, track in tracks.items():
        if (one.is_low and number in seen) or (track.last.is_low and not one.is_low):
            continue
        place = _left_place(track, settings) if number in seen else _lost_place(track)
        is_recent = place is not None and one.instant_s - place.last_s <= settings.memory_s
        if place is not None and is_recent:
            near[number] = distance(place.anchor, one)
    nearest = min(near, key=near.__getitem__, default=None)
    return None if nearest is None or near[nearest] > settings.reach else nearest


def _lost_place(track: Track) -> Rest | None:
    """Where a lost track was last; ``None`` at the edge of the picture."""
    last = track.recent[-1]
    return None if last.is_cut else Rest(last, last.instant_s)


def _left_place(track: Track, settings: FollowingSettings) -> Rest | None:
    """Where a track in the picture rested before it went where it is; ``None`` while it is still near."""
    home = track.home
    return None if home is None or distance(home.anchor, track.recent[-1]) <= 2 * settings.reach else home


def _extended(track: Track, one: Sighting, settings: FollowingSettings) -> Track:
    recent, first = track.recent, 0
    oldest_s = one.instant_s - RECENT_S
    while first < len(recent) and recent[first].instant_s < oldest_s:
        first += 1
    now = rest(track.rest, one, settings.radius, settings.away_s)
    has_left = now.anchor is not track.rest.anchor and track.rest.still_s >= settings.home_s
    return Track(track.identity, (*recent[first:], one), now, track.rest if has_left else track.home)
