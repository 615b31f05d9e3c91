"""Behaviours on rendered clips of the synthetic world: who does wrong shows it, and hardly anybody else does."""

import numpy as np
import pytest

from benchmarks.behaviours.low_clips import LowClip, Shown, low_clips, shown_in
from benchmarks.behaviours.world_tracks import BEHAVIOUR_BY_ANOMALY, WAYS, WatchedActor, footage_with, watched_actors
from context.behaviour.settings import BehaviourSettings, DwellSettings, LeftObjectSettings
from model_zoo.perception.low_things import LowThings
from model_zoo.perception.perceiver import Perceiver
from simulation.world.kinds import AnomalyKind

SEED, AISLE, ENTRANCE = 0, 0, 1
SETTINGS = BehaviourSettings(dwell=DwellSettings(limit_s=20.0))
NUM_FRAMES = {AnomalyKind.RUNNING: 200, AnomalyKind.WRONG_WAY: 200, AnomalyKind.LOITERING: 450}


def aisle(anomaly: AnomalyKind, way: str) -> tuple[list[WatchedActor], list[WatchedActor]]:
    """Who does wrong in an aisle, and everybody else."""
    footage = footage_with(anomaly, SEED, AISLE, NUM_FRAMES[anomaly])
    assert footage is not None
    actors = watched_actors(footage, SETTINGS, WAYS[way])
    return [one for one in actors if one.anomaly], [one for one in actors if one.anomaly is None]


@pytest.mark.parametrize(
    ("anomaly", "way", "most_others"),
    [
        (AnomalyKind.RUNNING, "true boxes", 0),
        (AnomalyKind.WRONG_WAY, "true boxes", 0),
        (AnomalyKind.LOITERING, "true boxes", 0),
        (AnomalyKind.RUNNING, "as a site", 1),
        (AnomalyKind.WRONG_WAY, "as a site", 1),
    ],
)
def test_who_does_wrong_shows_it_and_hardly_anybody_else_does(anomaly: AnomalyKind, way: str, most_others: int) -> None:
    behaviour = BEHAVIOUR_BY_ANOMALY[anomaly]
    (wrong,), others = aisle(anomaly, way)
    assert behaviour in wrong.shown
    assert len(others) >= 8
    assert sum(behaviour in one.shown for one in others) <= most_others


def test_no_way_is_wrong_where_no_zone_has_a_direction_at_every_hour() -> None:
    assert footage_with(AnomalyKind.WRONG_WAY, SEED, ENTRANCE, 200) is None


LEFT_SETTINGS = BehaviourSettings(left_object=LeftObjectSettings(limit_s=5.0))


@pytest.fixture(scope="module", params=[AnomalyKind.FALL, AnomalyKind.ABANDONED_OBJECT])
def entrance(request: pytest.FixtureRequest) -> tuple[LowClip, LowClip]:
    """A clip in which somebody falls across the line of sight, or puts a bag down; and a normal one."""
    (clips,) = low_clips(request.param, SEED, ENTRANCE, 200, is_busy=False)
    return clips


def test_falls_and_left_bags_too_low_to_be_scored_are_found(entrance: tuple[LowClip, LowClip]) -> None:
    with_event, normal = (shown_in(clip, LEFT_SETTINGS) for clip in entrance)
    assert with_event.low >= 10
    assert with_event.elsewhere == 0
    assert normal == Shown()


def test_what_is_scored_is_the_same_whether_low_things_are_followed_or_not(entrance: tuple[LowClip, LowClip]) -> None:
    scene, frames = entrance[1].footage.scene, entrance[1].footage.clip.frames
    without, beside = Perceiver(scene), Perceiver(scene, low=LowThings(scene.perspective))
    num_low = num_seen = 0
    for index, frame in enumerate(frames):
        expected, seen = without.update(frame, index / 10), beside.update(frame, index / 10)
        num_low, num_seen = num_low + len(beside.low_things), num_seen + len(seen)
        assert [one.track_id for one in seen] == [one.track_id for one in expected]
        for one, other in zip(seen, expected, strict=True):
            for name in ("box", "crop", "motion", "age", "kind_votes"):
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert num_low > 20
    assert num_seen > 200
