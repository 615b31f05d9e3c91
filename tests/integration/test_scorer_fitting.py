"""Fitting a camera's scorer to stored blocks: nothing is judged by what it taught."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from context.schedule import STATES
from context.site import Camera
from fl_client.inference.scorer_fitting import fit_scorer
from fl_client.storage.tubelet_store import Block, TubeletStore
from model_zoo.calibration import fit_calibration
from model_zoo.normality.features import object_features
from model_zoo.onnx_model import OnnxModel
from tests.fakes.onnx_models import METADATA, Weights, drawn_model
from tests.fakes.tubelets import CLOSED, OPEN, WALKING, Look, drawn_tubelets, watched

NUM_BLOCKS, ODD = 8, 5
RUNNING = (4.0, 0.0, 4.0, *WALKING[3:])
USUAL = Look(spread=0.3)


@pytest.fixture
def store(tmp_path: Path) -> TubeletStore:
    """Eight blocks of twenty objects; in one of them everybody runs."""
    store = TubeletStore(tmp_path / "camera")
    store.describe(Camera.model_validate({"name": "door", "index": 1}))
    for number in range(NUM_BLOCKS):
        look = Look(motion=RUNNING if number == ODD else WALKING)
        store.append(Block(drawn_tubelets(20, number, look=look), watched(OPEN, seconds=10.0)), number)
    return store


def test_each_block_is_calibrated_by_the_statistics_of_all_others(store: TubeletStore) -> None:
    scorer = fit_scorer(OnnxModel(drawn_model(), "drawn"), store)
    assert scorer.taught == {OPEN}
    odd = drawn_tubelets(20, ODD, look=Look(motion=RUNNING))
    context = np.full(len(odd), OPEN)
    by_all = scorer.statistics.scores(object_features(odd.motion), context)
    counts = scorer.statistics_calibration.counts
    assert counts.sum() == 20 * NUM_BLOCKS
    highest_by_all = np.flatnonzero(fit_calibration(by_all, context, len(STATES)).counts.sum(axis=0)).max()
    assert np.flatnonzero(counts.sum(axis=0)).max() > highest_by_all


def test_false_alarm_becomes_an_exception_unless_labels_are_left_out(store: TubeletStore) -> None:
    model, odd = OnnxModel(drawn_model(), "drawn"), drawn_tubelets(3, 1, look=Look(motion=RUNNING))
    store.keep_pending("alert", dataclasses.replace(odd, zone_slot=np.zeros(3, dtype=np.int64)))
    store.label("alert", "false")
    scorer = fit_scorer(model, store)
    np.testing.assert_allclose(scorer.exemplars.features[:3], object_features(odd.motion))
    assert len(fit_scorer(model, store, uses_labels=False).exemplars.features) == 0
    store.label("alert", "confirmed")
    assert len(fit_scorer(model, store).exemplars.features) == 0


@pytest.mark.parametrize("few", [0, 2, 6])
def test_context_with_little_footage_raises_no_more_than_its_share_of_alarms(tmp_path: Path, few: int) -> None:
    store = TubeletStore(tmp_path / "camera")
    store.describe(Camera.model_validate({"name": "door", "index": 1}))
    for number in range(NUM_BLOCKS):
        store.append(Block(drawn_tubelets(100, number, OPEN, USUAL), watched(OPEN)), number)
    store.append(Block(drawn_tubelets(few, 99, CLOSED, USUAL), watched(CLOSED, seconds=2.0)), NUM_BLOCKS)
    scorer = fit_scorer(OnnxModel(drawn_model(), "drawn"), store)
    for state in (OPEN, CLOSED):
        fresh = drawn_tubelets(1000, 77, state, USUAL)
        judged = scorer.model.judge_tubelets(fresh, 0)
        surprise = scorer.surprise(judged, object_features(fresh.motion), np.full(len(fresh), state))
        for share in (0.1, 0.01):
            assert (surprise.calibrated > 1.0 - share).mean() <= 2 * share


def test_model_without_normality_of_the_fleet_leans_on_the_site_alone(store: TubeletStore) -> None:
    none = dataclasses.replace(METADATA, fleet_normality=())
    scorer = fit_scorer(OnnxModel(drawn_model(Weights(), none), "drawn"), store)
    walker = object_features(drawn_tubelets(1, 50).motion)
    usual, odd = scorer.statistics.scores(np.concatenate([walker, walker + 5.0]), np.full(2, OPEN))
    assert odd > usual
