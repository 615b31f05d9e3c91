"""Identities over time."""

import numpy as np
import pytest

from model_zoo.perception.perspective import Boxes
from model_zoo.perception.tracker import MAX_MISSES, Tracker, overlaps

NOBODY = np.zeros((0, 4), np.float32)


def boxes_at(*lefts: float) -> Boxes:
    return np.array([[left, 0.4, left + 0.1, 0.7] for left in lefts], np.float32).reshape(-1, 4)


def test_overlap_of_known_boxes() -> None:
    first = np.array([[0.0, 0.0, 0.2, 0.2]])
    second = np.array([[0.0, 0.0, 0.2, 0.2], [0.1, 0.0, 0.3, 0.2], [0.5, 0.5, 0.6, 0.6]])
    assert overlaps(first, second)[0] == pytest.approx([1.0, 1 / 3, 0.0])


def test_track_keeps_its_identity_and_counts_its_observations() -> None:
    tracker = Tracker()
    seen = [tracker.update(boxes_at(0.02 * index))[0] for index in range(10)]
    assert {track.track_id for track in seen} == {1}
    assert [track.age for track in seen] == list(range(1, 11))


def test_people_who_cross_keep_their_identities() -> None:
    tracker = Tracker()
    for index in range(21):
        left, right = tracker.update(boxes_at(0.1 + 0.03 * index, 0.7 - 0.03 * index))
    assert (left.track_id, right.track_id) == (1, 2)


def test_track_is_found_again_after_a_short_miss_and_is_another_after_a_long_one() -> None:
    for misses, same in ((MAX_MISSES, True), (MAX_MISSES + 1, False)):
        tracker = Tracker()
        for index in range(6):
            tracker.update(boxes_at(0.02 * index))
        for _ in range(misses):
            assert tracker.update(NOBODY) == ()
        found = tracker.update(boxes_at(0.02 * (6 + misses)))[0]
        assert (found.track_id == 1) is same


def test_new_box_far_from_all_tracks_is_a_new_track() -> None:
    tracker = Tracker()
    tracker.update(boxes_at(0.1))
    assert [track.track_id for track in tracker.update(boxes_at(0.1, 0.6))] == [1, 2]


def test_reset_never_gives_an_identity_twice() -> None:
    tracker = Tracker()
    tracker.update(boxes_at(0.1))
    tracker.reset()
    assert tracker.update(boxes_at(0.1))[0].track_id == 2
