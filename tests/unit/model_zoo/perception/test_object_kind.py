"""Kinds of objects, by shape and by votes."""

import numpy as np

from model_zoo.perception.object_kind import BICYCLE, OTHER, PERSON, VEHICLE, KindVotes, kind_by_shape, winner


def test_shape_tells_a_person_a_cyclist_a_vehicle_and_a_bag_apart() -> None:
    height, width = np.array([1.0, 1.1, 1.3, 0.3, 0.4]), np.array([0.4, 1.0, 2.5, 0.3, 3.0])
    assert kind_by_shape(height, width).tolist() == [PERSON, BICYCLE, VEHICLE, OTHER, VEHICLE]


def test_confident_detections_outvote_many_hesitant_ones_and_carried_boxes_have_no_vote() -> None:
    votes = KindVotes()
    for kind, confidence in ((PERSON, 0.2), (PERSON, 0.2), (BICYCLE, 0.9), (PERSON, 0.0)):
        result = votes.update([7], {7}, np.array([kind]), np.array([confidence], np.float32))
    assert winner(result[0]) == BICYCLE
    np.testing.assert_allclose(result[0], [0.4, 0.9, 0.0, 0.0], atol=1e-6)


def test_a_track_that_ended_is_forgotten_and_one_without_votes_is_other() -> None:
    votes = KindVotes()
    votes.update([7], {7}, np.array([PERSON]), np.ones(1, np.float32))
    votes.update([], set(), np.zeros(0, np.int64), np.zeros(0, np.float32))
    again = votes.update([7], {7}, np.array([PERSON]), np.zeros(1, np.float32))
    assert winner(again[0]) == OTHER
    votes.reset()
    assert not votes.update([7], {7}, np.array([PERSON]), np.zeros(1, np.float32)).any()
