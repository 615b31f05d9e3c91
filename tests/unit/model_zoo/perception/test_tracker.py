"""Identities over time."""

import numpy as np
import pytest

from model_zoo.perception.detector import Detections
from model_zoo.perception.object_kind import PERSON
from model_zoo.perception.tracker import LOST_MISSES, MAX_MISSES, SURE_CONFIDENCE, Track, Tracker, overlaps

UNSURE = SURE_CONFIDENCE / 2


def found_at(*lefts: float, confidence: float = 1.0) -> Detections:
    boxes = np.array([[left, 0.4, left + 0.1, 0.7] for left in lefts], np.float32).reshape(-1, 4)
    return Detections(boxes, np.full(len(boxes), confidence, np.float32), np.full(len(boxes), PERSON))


def follow(tracker: Tracker, *lefts: float) -> list[Track]:
    return [tracker.update(found_at(left))[1][0] for left in lefts]


def steps(count: int, speed: float = 0.02) -> list[float]:
    return [speed * index for index in range(count)]


def test_overlap_of_known_boxes() -> None:
    first = np.array([[0.0, 0.0, 0.2, 0.2]])
    second = np.array([[0.0, 0.0, 0.2, 0.2], [0.1, 0.0, 0.3, 0.2], [0.5, 0.5, 0.6, 0.6]])
    assert overlaps(first, second)[0] == pytest.approx([1.0, 1 / 3, 0.0])


def test_track_keeps_its_identity_and_counts_its_observations() -> None:
    seen = follow(Tracker(), *steps(10))
    assert {track.track_id for track in seen} == {1}
    assert [track.age for track in seen] == list(range(1, 11))


def test_track_of_a_steady_walker_has_its_velocity_from_the_second_box_on() -> None:
    seen = follow(Tracker(), *steps(10))
    assert [track.velocity[0] for track in seen[1:]] == pytest.approx([0.02] * 9, abs=1e-6)
    assert seen[-1].predicted == pytest.approx([0.2, 0.4, 0.3, 0.7], abs=1e-6)


def test_line_of_a_young_track_is_that_of_least_squares() -> None:
    lefts = [0.1, 0.13, 0.12, 0.17, 0.18]
    track = follow(Tracker(), *lefts)[-1]
    slope, offset = np.polyfit(np.arange(5), lefts, 1)
    assert track.velocity[0] == pytest.approx(slope, abs=1e-6)
    assert track.place[0] == pytest.approx(offset + 4 * slope, abs=1e-6)


def test_one_box_that_jumps_hardly_turns_an_old_track() -> None:
    tracker = Tracker()
    before = follow(tracker, *steps(10))[-1]
    after = follow(tracker, 0.02 * 10 + 0.04)[0]
    assert after.velocity[0] - before.velocity[0] == pytest.approx(0.04 / 7, abs=1e-6)


def test_what_a_track_is_off_by_after_a_gap_built_up_over_the_whole_gap() -> None:
    tracker = Tracker()
    before = follow(tracker, *steps(10))[-1]
    for _ in range(3):
        tracker.update(found_at())
    after = follow(tracker, 0.02 * 13 + 0.04)[0]
    assert after.velocity[0] - before.velocity[0] == pytest.approx(0.04 / 4 / 7, abs=1e-6)


def test_box_that_grows_does_not_move() -> None:
    tracker = Tracker()
    for margin in (0.0, 0.01, 0.02, 0.03):
        box = np.array([[0.4 - margin, 0.4 - margin, 0.5 + margin, 0.7 + margin]], np.float32)
        _, (track,) = tracker.update(Detections(box, np.ones(1, np.float32), np.array([PERSON])))
    assert track.velocity == pytest.approx([0.0, 0.0], abs=1e-7)


def test_people_who_cross_keep_their_identities() -> None:
    tracker = Tracker()
    for index in range(21):
        _, (left, right) = tracker.update(found_at(0.1 + 0.03 * index, 0.7 - 0.03 * index))
    assert (left.track_id, right.track_id) == (1, 2)


def test_track_is_found_again_where_its_line_led_and_is_another_after_too_long() -> None:
    for misses, same in ((MAX_MISSES, True), (MAX_MISSES + 1, False)):
        tracker = Tracker()
        follow(tracker, *steps(6))
        for _ in range(misses):
            nothing, tracks = tracker.update(found_at())
            assert (len(nothing), tracks) == (0, ())
        track = follow(tracker, 0.02 * (6 + misses))[0]
        assert (track.track_id == 1) is same
        assert (track.age, track.misses) == (7 if same else 1, 0)


def test_observations_are_counted_anew_after_an_object_was_lost() -> None:
    for misses, in_sight in ((LOST_MISSES, 7), (LOST_MISSES + 1, 1)):
        tracker = Tracker()
        follow(tracker, *steps(6))
        for _ in range(misses):
            tracker.update(found_at())
        track = follow(tracker, 0.02 * (6 + misses))[0]
        assert (track.track_id, track.age, track.in_sight) == (1, 7, in_sight)


def test_walker_passing_behind_another_keeps_an_identity_of_its_own() -> None:
    tracker = Tracker()
    for index in range(30):
        lefts = (0.4, 0.1 + 0.02 * index) if not 11 <= index <= 19 else (0.4,)
        _, seen = tracker.update(found_at(*lefts))
    assert [track.track_id for track in seen] == [1, 2]


def test_young_track_ends_when_it_is_missed() -> None:
    tracker = Tracker()
    assert follow(tracker, 0.1, 0.1, 0.1)[-1].track_id == 1
    tracker.update(found_at())
    assert tracker.tracks == ()
    assert follow(tracker, 0.1)[0].track_id == 2


def test_unsure_box_continues_a_track_and_never_begins_one() -> None:
    tracker = Tracker()
    tracker.update(found_at(0.1))
    kept, (track,) = tracker.update(found_at(0.6, 0.11, confidence=UNSURE))
    assert kept.boxes.tolist() == found_at(0.11).boxes.tolist()
    assert (track.track_id, track.age) == (1, 2)
    assert len(tracker.tracks) == 1


def test_carried_boxes_with_no_confidence_keep_their_tracks() -> None:
    tracker = Tracker()
    tracker.update(found_at(0.1, 0.6))
    _, seen = tracker.update(found_at(0.11, 0.59, confidence=0.0))
    assert [track.track_id for track in seen] == [1, 2]


def test_sure_box_chooses_before_an_unsure_one_that_overlaps_more() -> None:
    tracker = Tracker()
    tracker.update(found_at(0.1))
    boxes = np.concatenate([found_at(0.1).boxes, found_at(0.13).boxes])
    both = Detections(boxes, np.array([UNSURE, 1.0], np.float32), np.full(2, PERSON))
    kept, (track,) = tracker.update(both)
    assert kept.boxes.tolist() == found_at(0.13).boxes.tolist()
    assert track.track_id == 1


def test_new_box_far_from_all_tracks_is_a_new_track() -> None:
    tracker = Tracker()
    tracker.update(found_at(0.1))
    assert [track.track_id for track in tracker.update(found_at(0.1, 0.6))[1]] == [1, 2]


def test_new_box_that_hardly_touches_a_track_is_a_new_track() -> None:
    assert [track.track_id for track in follow(Tracker(), 0.1, 0.185)] == [1, 2]


def test_reset_never_gives_an_identity_twice() -> None:
    tracker = Tracker()
    tracker.update(found_at(0.1))
    tracker.reset()
    assert tracker.update(found_at(0.1))[1][0].track_id == 2
