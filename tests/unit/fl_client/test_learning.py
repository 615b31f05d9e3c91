"""Learning: when a block is full, what it holds, and what time counts as watched."""

import numpy as np
import pytest

from context.context_vector import Moment
from context.schedule import STATES
from fl_client.inference.learning import LONGEST_STEP_S, BlockBuilder, SceneLearner
from fl_client.inference.perceived import Perceived
from tests.fakes.drawn_scene import walking_frames
from tests.fakes.tubelets import CLOSED, OPEN, context_of, drawn_tubelets

NOBODY = np.zeros(0, dtype=np.int64)


def seen(instant_s: float, state: int = OPEN, num_tubelets: int = 0) -> Perceived:
    """A frame in which so many tubelets end."""
    none = np.zeros((0, 64, 64), dtype=np.uint8)
    empty = np.zeros((0, 4), dtype=np.float32)
    moment = Moment(STATES[state], context_of(state))
    tubelets = drawn_tubelets(num_tubelets, 1, state)
    ids = np.arange(num_tubelets)
    return Perceived(instant_s, moment, NOBODY, NOBODY, empty, none, empty, NOBODY, tubelets, ids, ())


def keep(count: int) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return np.ones(count, dtype=np.bool_)


def test_block_is_full_after_its_seconds_and_holds_what_was_kept() -> None:
    builder = BlockBuilder(block_s=1.0)
    for index in range(11):
        assert not builder.is_full
        builder.add(seen(index / 10, num_tubelets=2), np.array([True, False]))
    assert builder.is_full
    block = builder.take()
    assert block is not None
    assert len(block.tubelets) == 11
    assert float(block.exposure.watched_s.sum()) == pytest.approx(1.0)
    assert not builder.is_full


def test_time_is_counted_under_the_state_it_was_watched_in() -> None:
    builder = BlockBuilder(block_s=10.0)
    for instant_s, state in ((0.0, OPEN), (0.5, OPEN), (1.0, CLOSED), (1.5, CLOSED), (2.0, CLOSED)):
        builder.add(seen(instant_s, state), keep(0))
    block = builder.take()
    assert block is not None
    assert block.exposure.state.tolist() == [OPEN, CLOSED]
    assert block.exposure.watched_s.tolist() == pytest.approx([0.5, 1.5])
    np.testing.assert_array_equal(block.exposure.context, [context_of(OPEN), context_of(CLOSED)])


@pytest.mark.parametrize(("step_s", "counted_s"), [(LONGEST_STEP_S, 1.0), (LONGEST_STEP_S + 0.01, 0.0), (-5.0, 0.0)])
def test_gap_and_step_back_were_not_watched(step_s: float, counted_s: float) -> None:
    builder = BlockBuilder(block_s=10.0)
    assert builder.add(seen(100.0), keep(0)) == 0.0
    assert builder.add(seen(100.0 + step_s), keep(0)) == counted_s


def test_nothing_watched_is_no_block() -> None:
    builder = BlockBuilder(block_s=10.0)
    assert builder.take() is None
    builder.add(seen(0.0), keep(0))
    assert builder.take() is None


def test_scene_is_known_once_its_time_has_passed_and_not_before() -> None:
    learner = SceneLearner(duration_s=2.0)
    scenes = [learner.add(frame, index / 10) for index, frame in enumerate(walking_frames(21, seed=1))]
    assert [scene is None for scene in scenes] == [True] * 20 + [False]
    assert scenes[-1] is not None
    floor = scenes[-1].background.astype(float).mean()
    assert floor == pytest.approx(110.0, abs=5.0)
