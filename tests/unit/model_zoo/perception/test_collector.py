"""Windows of tracks."""

import numpy as np
import pytest

from model_zoo.perception.collector import MIN_AGE, TubeletCollector
from model_zoo.perception.object_kind import KINDS, PERSON
from model_zoo.perception.tracker import LOST_MISSES
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, NUM_STEPS, ObservedObject


def seen(track_id: int, number: int) -> ObservedObject:
    return ObservedObject(
        track_id,
        np.full(4, number / 100, np.float32),
        np.full((CROP_SIDE, CROP_SIDE), number, np.uint8),
        np.full(NUM_MOTION, number, np.float32),
        number,
        np.eye(len(KINDS))[PERSON],
    )


def test_window_holds_the_last_steps_oldest_first() -> None:
    collector = TubeletCollector()
    for number in range(1, 21):
        collector.update([seen(7, number)])
    (window,) = collector.latest()
    assert window.track_id == 7
    assert window.motion[:, 0].tolist() == list(range(5, 21))
    assert window.crops[:, 0, 0].tolist() == list(range(5, 21))
    assert window.boxes.shape == (NUM_STEPS, 4)


def test_young_track_is_padded_with_its_first_observation_and_a_younger_one_has_no_window() -> None:
    collector = TubeletCollector()
    for number in range(1, MIN_AGE):
        collector.update([seen(1, number)])
        assert collector.latest() == ()
    (window,) = collector.update([seen(1, MIN_AGE)])
    assert window.motion[:, 0].tolist() == [1.0] * (NUM_STEPS - MIN_AGE) + [1.0, 2.0, 3.0, 4.0]


def test_track_yields_a_window_every_stride_observations() -> None:
    collector = TubeletCollector(stride=3)
    due = [number for number in range(1, 15) if collector.update([seen(1, number)])]
    assert due == [4, 7, 10, 13]


def test_missed_track_is_not_current_but_goes_on_when_it_returns() -> None:
    collector = TubeletCollector()
    for number in range(1, 6):
        collector.update([seen(1, number)])
    for _ in range(LOST_MISSES):
        collector.update([])
        assert collector.latest() == ()
    collector.update([seen(1, 6)])
    assert collector.latest()[0].motion[-2:, 0].tolist() == [5.0, 6.0]


def test_ended_tracks_are_forgotten() -> None:
    collector = TubeletCollector()
    for number in range(1, 6):
        collector.update([seen(1, number)])
    for _ in range(LOST_MISSES + 1):
        collector.update([])
    collector.update([seen(1, 6)])
    assert collector.latest() == ()


def test_stride_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a stride of at least 1, got 0"):
        TubeletCollector(stride=0)
