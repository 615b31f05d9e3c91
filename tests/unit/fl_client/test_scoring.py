"""Scoring: what is rare here and now, what an accepted exception changes, and streams against stored tubelets."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from context.context_vector import Moment
from context.schedule import STATES
from fl_client.inference.exemplars import NO_EXEMPLARS, Exemplars
from fl_client.inference.perceived import Perceived
from fl_client.inference.rarity import context_rarity
from fl_client.inference.scoring import (
    JUDGED_AS_ELSEWHERE,
    CameraScorer,
    Statistics,
    StreamScorer,
    kind_context,
    local_context,
)
from fl_client.storage.tubelet_store import no_tubelets
from model_zoo.calibration import fit_calibration
from model_zoo.normality.features import NUM_FEATURES, Features, object_features
from model_zoo.normality.intensity import NormalitySums, fit_intensity
from model_zoo.onnx_model import Judged, OnnxModel
from model_zoo.perception.tubelet import NUM_STEPS, Tubelets
from tests.fakes.onnx_models import Weights, drawn_model
from tests.fakes.tubelets import CLOSED, OPEN, Look, context_of, drawn_tubelets

WEIGHTS = Weights(brightness=0.3, motion=0.05, context=tuple(0.1 * index for index in range(10)))
NUM_CONTEXTS = len(STATES)


def statistics(features: Features) -> Statistics:
    """What one camera without zones knows after an hour open, with these objects, and an hour closed, with none."""
    sums = NormalitySums.zeros(NUM_CONTEXTS, NUM_FEATURES).observe(features, np.full(len(features), OPEN))
    sums = sums.watched(OPEN, 3600.0).watched(CLOSED, 3600.0)
    return Statistics(fit_intensity(sums), context_rarity(sums))


def camera_scorer(
    known: Statistics, normal: Features, exemplars: Exemplars = NO_EXEMPLARS, *, is_conditioned: bool = True
) -> CameraScorer:
    context = np.full(len(normal), OPEN if is_conditioned else 0)
    rng = np.random.default_rng(0)
    return CameraScorer(
        OnnxModel(drawn_model(WEIGHTS), "drawn"),
        0,
        np.zeros(1, dtype=np.int64),
        known,
        fit_calibration(rng.normal(size=len(normal)), context, NUM_CONTEXTS),
        fit_calibration(np.zeros(len(normal)), context, NUM_CONTEXTS),
        fit_calibration(known.scores(normal, context), context, NUM_CONTEXTS),
        fit_calibration(rng.exponential(size=len(normal)), context, NUM_CONTEXTS),
        exemplars,
        is_conditioned,
        frozenset({OPEN if is_conditioned else 0}),
    )


def judged(scores: npt.NDArray[np.float64]) -> Judged:
    """What a network says that gives these scores and finds nothing odd."""
    return Judged(np.zeros((len(scores), 1), np.float32), scores.astype(np.float32), np.zeros(len(scores), np.float32))


@pytest.fixture(scope="module")
def normal() -> Features:
    return object_features(drawn_tubelets(200, 1, look=Look(spread=0.2)).motion)


def test_odd_object_is_more_surprising_than_one_that_only_scores_the_same(normal: Features) -> None:
    scorer, context = camera_scorer(statistics(normal), normal), np.full(2, OPEN)
    zero = np.zeros(2, np.float32)
    said = Judged(np.zeros((2, 1), np.float32), zero, np.array([0.0, 5.0], np.float32))
    usual, odd = scorer.surprise(said, normal[:1].repeat(2, axis=0), context).network
    assert odd > usual + 1.0


def test_object_in_a_context_without_objects_is_rarer_than_the_same_where_they_are_usual(normal: Features) -> None:
    scorer = camera_scorer(statistics(normal), normal)
    network = np.zeros(2)
    surprise = scorer.surprise(judged(network), normal[:1].repeat(2, axis=0), np.array([OPEN, CLOSED]))
    assert surprise.statistics[1] > surprise.statistics[0] + 1.0
    assert surprise.calibrated[1] > surprise.calibrated[0]
    np.testing.assert_array_equal(surprise.fused, surprise.network + surprise.statistics)


def test_accepted_exception_excuses_its_look_alikes_and_nothing_else(normal: Features) -> None:
    odd = drawn_tubelets(1, 5, look=Look(motion=(0.8, 0.0, 9.0, 0.2, 1.0, 0.4, 0.5), spread=0.0))
    accepted = object_features(odd.motion)
    features = np.concatenate([accepted, accepted + 0.05, accepted - 6.0, normal[:3], accepted])
    crops = odd.crops[:, -1].repeat(len(features), axis=0)
    context = np.array([OPEN] * (len(features) - 1) + [CLOSED])
    scorer = camera_scorer(statistics(normal), normal, Exemplars.of(odd, np.array([OPEN])))
    before = scorer.surprise(judged(np.full(len(features), 9.0)), features, context)
    after = scorer.bounded(before, scorer.most_surprise(features, crops, context), context)
    assert (before.fused[:2] > 4.0).all()
    assert (after.fused[:2] < 0.5).all()
    assert (after.calibrated[:2] < before.calibrated[:2]).all()
    np.testing.assert_array_equal(after.fused[2:], before.fused[2:])
    np.testing.assert_array_equal(after.calibrated[2:], before.calibrated[2:])
    for channel in ("network", "statistics"):
        np.testing.assert_array_equal(getattr(after, channel), getattr(before, channel))


def test_exception_holds_in_every_zone_of_its_kind() -> None:
    zone_kinds, num_states = np.array([0, 4, 4]), len(STATES)
    contexts = np.array([1 * num_states + OPEN, 2 * num_states + OPEN, OPEN])
    assert kind_context(contexts, zone_kinds).tolist() == [4 * num_states + OPEN, 4 * num_states + OPEN, OPEN]


def test_blind_scorer_gives_every_context_the_same(normal: Features) -> None:
    scorer = camera_scorer(statistics(normal), normal, is_conditioned=False)
    surprise = scorer.surprise(
        judged(np.zeros(NUM_CONTEXTS)), normal[:1].repeat(NUM_CONTEXTS, axis=0), np.arange(NUM_CONTEXTS)
    )
    for channel in (surprise.fused, surprise.network, surprise.statistics, surprise.calibrated):
        assert len(set(channel.tolist())) == 1


def test_local_context_is_told_by_zone_slot_and_state() -> None:
    slots, states = (grid.ravel() for grid in np.meshgrid(np.arange(3), np.arange(len(STATES)), indexing="ij"))
    assert local_context(slots, states).tolist() == list(range(3 * len(STATES)))


def frame(tubelets: Tubelets, step: int) -> Perceived:
    """One step of every tubelet as one frame with a track each."""
    rows = len(tubelets)
    return Perceived(
        float(step) / 10,
        Moment(STATES[OPEN], context_of(OPEN)),
        np.arange(rows, dtype=np.int64),
        np.full(rows, step + 1, dtype=np.int64),
        tubelets.boxes[:, step],
        tubelets.crops[:, step],
        tubelets.motion[:, step],
        tubelets.zone_slot,
        no_tubelets(),
        np.zeros(0, dtype=np.int64),
        ((),) * rows,
    )


def test_stream_gives_what_stored_tubelets_of_the_same_windows_give(normal: Features) -> None:
    scorer = camera_scorer(statistics(normal), normal)
    tubelets = drawn_tubelets(3, 5, look=Look(spread=0.5))
    rng = np.random.default_rng(6)
    tubelets.motion[:] += rng.normal(0, 0.3, tubelets.motion.shape)
    tubelets.crops[:] = rng.integers(0, 256, (3, NUM_STEPS, 1, 1))
    stream = StreamScorer(scorer)
    for step in range(NUM_STEPS):
        scores = stream.score(frame(tubelets, step))
        assert len(scores.rows) == (3 if step >= 3 else 0)
    network = scorer.model.judge_tubelets(tubelets, 0)
    whole = scorer.surprise(network, object_features(tubelets.motion), np.full(3, OPEN))
    np.testing.assert_allclose(scores.surprise.network, whole.network, rtol=1e-4)
    np.testing.assert_allclose(scores.surprise.statistics, whole.statistics, rtol=1e-6)
    np.testing.assert_allclose(scores.surprise.fused, whole.fused, rtol=1e-4)


def test_young_track_scores_as_its_window_padded_with_its_first_observation(normal: Features) -> None:
    scorer = camera_scorer(statistics(normal), normal)
    tubelets = drawn_tubelets(2, 5)
    tubelets.motion[:] += np.linspace(0, 1, NUM_STEPS, dtype=np.float32)[None, :, None]
    stream = StreamScorer(scorer)
    for step in range(5):
        scores = stream.score(frame(tubelets, step))
    padded = [0] * (NUM_STEPS - 5) + list(range(5))
    window = Tubelets(
        **tubelets.arrays() | {name: tubelets.arrays()[name][:, padded] for name in ("crops", "boxes", "motion")}
    )
    network = scorer.model.judge_tubelets(window, 0)
    whole = scorer.surprise(network, object_features(window.motion), np.full(2, OPEN))
    np.testing.assert_allclose(scores.surprise.fused, whole.fused, rtol=1e-4)


def test_one_frame_is_no_reason_to_change_ones_mind_about_a_likeness(normal: Features) -> None:
    odd = drawn_tubelets(2, 5, look=Look(motion=(0.8, 0.0, 9.0, 0.2, 1.0, 0.4, 0.5), spread=0.0, stripes="rows"))
    accepted = Exemplars.of(odd.select(np.array([0])), np.array([OPEN]))
    other = drawn_tubelets(1, 6, look=Look(stripes="columns")).crops[0, 0]
    odd.crops[0, -1] = other  # the accepted one is hidden for a moment
    odd.crops[1, :-1] = other  # somebody else looks like it for a moment
    stream = StreamScorer(camera_scorer(statistics(normal), normal, accepted))
    for step in range(NUM_STEPS):
        scores = stream.score(frame(odd, step))
    unbounded = scores.surprise.network + scores.surprise.statistics
    assert scores.surprise.fused[0] < 1.0
    assert unbounded[0] > 4.0
    assert scores.surprise.fused[1] == unbounded[1]


def test_empty_frame_has_no_scores(normal: Features) -> None:
    scores = StreamScorer(camera_scorer(statistics(normal), normal)).score(frame(drawn_tubelets(0, 1), 0))
    assert (len(scores.rows), scores.features.shape, len(scores.surprise.fused)) == (0, (0, NUM_FEATURES), 0)


def test_reason_names_the_feature_that_deviates_most(normal: Features) -> None:
    scorer = camera_scorer(statistics(normal), normal)
    fast = drawn_tubelets(1, 5, look=Look(motion=(0.8, 0.0, 9.0, 0.2, 1.0, 0.4, 0.5), spread=0.0))
    stream = StreamScorer(scorer)
    for step in range(NUM_STEPS):
        scores = stream.score(frame(fast, step))
    assert scorer.why(scores, 0).startswith("fast: ")
    assert scorer.why(scores, 0).endswith("deviations from usual")
    untaught = dataclasses.replace(scorer, taught=frozenset({CLOSED}))
    assert untaught.why(scores, 0) == f"{scorer.why(scores, 0)}; {JUDGED_AS_ELSEWHERE}"
