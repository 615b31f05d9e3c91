"""All behaviours of all objects of one camera, frame by frame."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from context.behaviour.against_flow import against_flow
from context.behaviour.crowd import Crowd, crowd
from context.behaviour.dwell import Stay, dwell
from context.behaviour.fall import Body, fall
from context.behaviour.finding import Finding
from context.behaviour.following import NOBODY, Following, follow
from context.behaviour.left_object import Thing, left_objects
from context.behaviour.settings import BehaviourSettings
from context.behaviour.speed import speed
from context.behaviour.stopping import Journey, stopping
from context.track import PERSON, Sighting, Track

Findings = tuple[Finding, ...]


class Conduct(NamedTuple):
    """Where one object stands in the behaviours that remember."""

    stay: Stay
    journey: Journey
    body: Body


@dataclasses.dataclass(frozen=True)
class Observed:
    """Where one camera stands.

    Attributes:
        following: Its objects.
        conduct_by_identity: Of those objects.
        crowd_by_zone: Of every zone that people were seen in, by name.
        things: Things that may have been left.
        instant_s: Of the last frame.
    """

    following: Following = NOBODY
    conduct_by_identity: Mapping[int, Conduct] = dataclasses.field(default_factory=dict)
    crowd_by_zone: Mapping[str, Crowd] = dataclasses.field(default_factory=dict)
    things: tuple[Thing, ...] = ()
    instant_s: float = -float("inf")


NOTHING_OBSERVED = Observed()


def observe(
    state: Observed, instant_s: float, sightings: Sequence[Sighting], settings: BehaviourSettings
) -> tuple[Observed, tuple[Findings, ...]]:
    """Takes the next frame of a camera.

    Args:
        state: What was observed so far. A step back in time begins anew.
        instant_s: Of the frame, on the clock of the sightings.
        sightings: One for each object in it, each with a ``track_id`` of its own.
        settings: The limits.

    Returns:
        The new state, and what was measured of each object, in the order of ``sightings``: every behaviour that can be
        told, beyond its limit or not.
    """
    if instant_s <= state.instant_s:
        state = NOTHING_OBSERVED
    following, tracks = follow(state.following, sightings, instant_s, settings.following)
    crowds, crowd_findings = _crowds(state.crowd_by_zone, instant_s, tracks, settings)
    things, left = left_objects(state.things, instant_s, tracks, settings.left_object)
    known = state.conduct_by_identity
    conducts = {
        track.identity: known[track.identity] for track in following.track_by_id.values() if track.identity in known
    }
    findings = []
    for track in tracks:
        conducts[track.identity], found = _conduct(known.get(track.identity), track, settings)
        one = track.last
        if one.kind == PERSON:
            found = (*found, crowd_findings[one.zone])
        if track.identity in left:
            found = (*found, left[track.identity])
        findings.append(found)
    return Observed(following, conducts, crowds, things, instant_s), tuple(findings)


def _conduct(before: Conduct | None, track: Track, settings: BehaviourSettings) -> tuple[Conduct, Findings]:
    """What one track shows by itself."""
    one = track.last
    stay, stayed = dwell(None if before is None else before.stay, one, settings.dwell)
    journey, stopped = stopping(None if before is None else before.journey, track, settings.stopped)
    body, fell = fall(None if before is None else before.body, one, settings.fall)
    fast = speed(track, settings.speed, settings.metres_per_height)
    against = against_flow(track, settings.against_flow, settings.metres_per_height)
    return Conduct(stay, journey, body), (fast, against, stayed, stopped, fell)


def _crowds(
    before: Mapping[str, Crowd], instant_s: float, tracks: Sequence[Track], settings: BehaviourSettings
) -> tuple[dict[str, Crowd], dict[str, Finding]]:
    """The crowds of all zones that people are or were in, and what is found in each."""
    count = collections.Counter(track.last.zone for track in tracks if track.last.kind == PERSON)
    crowds, findings = {}, {}
    for zone in {**before, **count}:
        crowds[zone], findings[zone] = crowd(before.get(zone, Crowd()), zone, count[zone], instant_s, settings.crowd)
    return crowds, findings
