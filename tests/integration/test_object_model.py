"""Channels, their fusion, contexts never seen, and federation that costs nothing."""

import dataclasses

import numpy as np
import pytest

from model_zoo.errors import NormalityError
from model_zoo.perception.object_kind import BICYCLE, KINDS, PERSON
from model_zoo.perception.tubelet import MOTION_FEATURES
from model_zoo.scoring.object_model import NormalityKind, ObjectModelSettings, fit_object_model
from model_zoo.scoring.observations import Observations, joined

WALKING = np.array([0.8, 0.0, 0.8, 0.2, 1.0, 0.4, 1.0])
SETTINGS = ObjectModelSettings("mixture", 4, num_folds=4, uses_kind=True, uses_network=True)


def people(count: int, seed: int, context: int = 0) -> Observations:
    """Walkers to the right, one to a frame."""
    random = np.random.default_rng([seed])
    number = np.arange(count)
    votes = np.zeros((count, len(KINDS)))
    votes[:, PERSON] = random.uniform(0.3, 3.0, count)
    return Observations(
        number,
        number,
        np.full(count, 5),
        np.tile(np.array([0.4, 0.4, 0.5, 0.8], np.float32), (count, 1)),
        WALKING + 0.1 * random.normal(size=(count, len(MOTION_FEATURES))),
        votes,
        random.normal(size=count),
        random.normal(size=count),
        np.full(count, context),
    )


def clips(count: int = 8, context: int = 0) -> list[Observations]:
    return [people(150, seed, context) for seed in range(count)]


def changed(rows: Observations, **features: float) -> Observations:
    values = rows.features.copy()
    for name, value in features.items():
        values[:, MOTION_FEATURES.index(name)] = value
    return dataclasses.replace(rows, features=values)


def usual_surprise(settings: ObjectModelSettings, rows: Observations) -> float:
    model = fit_object_model(clips(), 1, 1, settings).model
    return float(np.median(model.surprise(rows)))


@pytest.mark.parametrize("normality", ["gaussian", "mixture", "k-means"])
def test_normal_objects_are_usual_and_others_rarer_the_further_they_are(normality: NormalityKind) -> None:
    settings = dataclasses.replace(SETTINGS, normality=normality, components=16)
    new = people(200, 99)
    assert usual_surprise(settings, new) == pytest.approx(np.log10(2), abs=0.15)
    faster = [usual_surprise(settings, changed(new, velocity_x=speed, speed=speed)) for speed in (1.2, 1.6, 3.0)]
    assert faster == sorted(faster)
    assert faster[0] > 1.0
    assert faster[-1] > 3.0


def test_a_bicycle_at_walking_pace_is_unusual_where_only_people_walk() -> None:
    new = people(200, 99)
    votes = np.zeros_like(new.votes)
    votes[:, BICYCLE] = 1.5
    rider = dataclasses.replace(new, votes=votes)
    blind = dataclasses.replace(SETTINGS, uses_kind=False)
    assert usual_surprise(SETTINGS, rider) > usual_surprise(blind, rider) + 1.0
    assert usual_surprise(SETTINGS, new) == pytest.approx(usual_surprise(blind, new), abs=0.05)


def test_the_network_is_heard_where_it_is_sure() -> None:
    new = people(200, 99)
    sure = dataclasses.replace(new, network=np.full(len(new), 9.0))
    odd = dataclasses.replace(new, oddity=np.full(len(new), 9.0))
    deaf = dataclasses.replace(SETTINGS, uses_network=False)
    assert usual_surprise(SETTINGS, odd) > usual_surprise(deaf, odd) + 0.2
    assert usual_surprise(SETTINGS, sure) > usual_surprise(deaf, sure) + 0.2


def test_eight_sites_know_what_one_with_all_clips_knows() -> None:
    every = clips(16)
    pooled, federated = (fit_object_model(every, num_sites, 1, SETTINGS).model for num_sites in (1, 8))
    new = changed(people(100, 99), speed=1.4)
    np.testing.assert_allclose(federated.surprise(new), pooled.surprise(new), rtol=1e-9)


def test_the_model_without_a_clip_finds_it_more_unusual_than_the_one_that_saw_it() -> None:
    every = clips(4)
    odd = changed(people(150, 50), velocity_x=3.0, speed=3.0)
    fitted = fit_object_model([*every, odd], 1, 1, SETTINGS)
    unseen, seen = (float(np.median(one.surprise(odd))) for one in (fitted.without(4), fitted.model))
    assert unseen > seen + 0.1


def test_a_context_never_seen_is_scored_as_all_together() -> None:
    slow = [changed(clip, velocity_x=0.2, speed=0.2) for clip in clips(4, context=1)]
    model = fit_object_model([*clips(4), *slow], 1, 2, SETTINGS).model
    walkers = people(200, 99)
    here, there, nowhere = (
        float(np.median(model.surprise(dataclasses.replace(walkers, context=np.full(200, one))))) for one in (0, 1, 7)
    )
    assert here < nowhere < there
    assert model.unseen(np.array([1, 0, 7, 7, -1])) == {7, -1}


def test_a_context_whose_clips_show_nobody_counts_as_unseen() -> None:
    model = fit_object_model([*clips(4), people(0, 1)], 1, 2, SETTINGS).model
    assert model.unseen(np.array([0, 1])) == {1}


def test_footage_without_objects_and_features_without_numbers_are_refused() -> None:
    nobody = people(0, 1)
    with pytest.raises(NormalityError, match="expected at least one object in the training footage, found none"):
        fit_object_model([nobody, nobody], 1, 1, SETTINGS)
    model = fit_object_model(clips(), 1, 1, SETTINGS).model
    with pytest.raises(NormalityError, match="expected finite features of every object"):
        model.surprise(changed(people(3, 1), speed=np.nan))
    spoilt = dataclasses.replace(people(3, 1), network=np.array([0.0, np.nan, 0.0]))
    with pytest.raises(NormalityError, match="expected finite network scores of every object"):
        model.surprise(spoilt)
    with pytest.raises(NormalityError, match="expected finite network scores of every object"):
        fit_object_model([*clips(), spoilt], 1, 1, SETTINGS)
    with pytest.raises(NormalityError, match="expected finite votes of every object"):
        model.surprise(dataclasses.replace(people(3, 1), votes=np.full((3, len(KINDS)), np.inf)))


def test_clips_that_nothing_else_can_score_are_refused() -> None:
    with pytest.raises(NormalityError, match="that 1 training clips are dealt out to, as each is scored by what"):
        fit_object_model(clips(1), 1, 1, SETTINGS)
    with pytest.raises(NormalityError, match=r"that 5 training clips are dealt out to, .* found them in 1"):
        fit_object_model([people(9, 1), *[people(0, 1)] * 3, people(9, 2)], 1, 1, SETTINGS)  # clips 0, 4: one fold


def test_rows_join_in_order_and_no_parts_are_refused() -> None:
    first, second = people(2, 1), people(3, 2)
    assert joined([first, second]).network.tolist() == [*first.network, *second.network]
    with pytest.raises(ValueError, match="at least one set"):
        joined([])
