"""Behaviours on rendered clips of the synthetic world: who does wrong shows it, and hardly anybody else does."""

import pytest

from benchmarks.behaviours.world_tracks import BEHAVIOUR_BY_ANOMALY, WAYS, WatchedActor, footage_with, watched_actors
from context.behaviour.settings import BehaviourSettings, DwellSettings
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
