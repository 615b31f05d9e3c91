"""Which objects teach a context, which are swapped, and what each context makes of a frame."""

import numpy as np

from model_zoo.datasets.synthetic import ActorFrames
from model_zoo.evaluation.swap_judgement import JudgedTake, judged
from model_zoo.evaluation.swap_rules import NORMAL, ODD, UNCLEAR, Rule
from model_zoo.evaluation.world_takes import Take, matched
from model_zoo.perception.object_kind import KINDS
from model_zoo.perception.tubelet import MOTION_FEATURES
from model_zoo.scoring.observations import Observations
from tests.fakes.world_tracks import Passer, truth_of, world_clip

CAR = Passer("car", (0.5, 0.5))


def rows_at(boxes: np.ndarray, frame: np.ndarray) -> Observations:
    rows = len(boxes)
    counts = np.arange(rows)
    features, votes = np.zeros((rows, len(MOTION_FEATURES))), np.zeros((rows, len(KINDS)))
    return Observations(
        frame, counts, counts, boxes, features, votes, np.zeros(rows), np.zeros(rows), np.zeros(rows, np.int64)
    )


def take_of(truth: ActorFrames, rows: Observations, num_frames: int) -> Take:
    return Take(world_clip("1", []), 1, num_frames, rows, truth, *matched(rows, truth))


def no_cars_in_the_second(truth: ActorFrames) -> np.ndarray:
    is_car, is_van = truth.each(lambda actor: actor.kind == "car"), truth.each(lambda actor: actor.kind == "van")
    unclear = np.where(is_van, UNCLEAR, NORMAL)
    return np.stack([unclear, np.where(is_car, ODD, unclear)]).astype(np.int8)


RULE = Rule(("a", "b"), "no cars in b", no_cars_in_the_second)


def judged_boxes(passers: list[Passer], boxes: list[list[float]]) -> JudgedTake:
    """One frame with these actors and these objects."""
    rows = rows_at(np.array(boxes, np.float32).reshape(-1, 4), np.zeros(len(boxes), np.int64))
    return judged(take_of(truth_of(passers, 1), rows, 1), RULE)


def box_of(passer: Passer) -> list[float]:
    return [float(side) for side in truth_of([passer], 1).boxes[0]]


def test_an_object_shows_the_actor_it_overlaps_most_and_touches_all_it_may_show() -> None:
    walker, car = box_of(Passer()), box_of(CAR)
    both = [walker[0], walker[1], car[2], car[3]]
    one = judged_boxes([Passer(), CAR], [walker, car, both, [0.8, 0.8, 0.9, 0.9]])
    assert one.take.shown.tolist() == [0, 1, -1, -1]
    assert one.take.touched.tolist() == [[0, 0], [1, 1], [2, 0], [2, 1]]


def test_whatever_may_show_somebody_odd_unclear_or_unusual_teaches_nothing() -> None:
    walker, car = box_of(Passer()), box_of(CAR)
    both = [walker[0], walker[1], car[2], car[3]]
    one = judged_boxes([Passer(), CAR], [walker, car, both, [0.8, 0.8, 0.9, 0.9]])
    assert one.taught_rows(0).tolist() == [True, True, True, True]
    assert one.taught_rows(1).tolist() == [True, False, False, True]
    van, runner = Passer("van"), Passer(is_usual=False)
    assert judged_boxes([van], [box_of(van)]).taught_rows(0).tolist() == [False]
    assert judged_boxes([runner], [box_of(runner)]).taught_rows(0).tolist() == [False]


def test_swapped_is_who_is_plainly_odd_in_one_context_and_normal_in_the_other() -> None:
    passers = [Passer(), CAR, Passer("car", (0.9, 0.5), is_usual=False), Passer("car", (0.7, 0.9), seen=0.2)]
    one = judged_boxes(passers, [box_of(passer) for passer in passers])
    assert one.odd_in.tolist() == [-1, 1, -1, -1]


def test_frames_are_odd_by_context_and_unclear_where_the_truth_is() -> None:
    for passers, labels in (
        ([Passer()], [NORMAL, NORMAL]),
        ([Passer(), CAR], [NORMAL, ODD]),
        ([Passer("car", (0.5, 0.5), seen=0.2)], [NORMAL, UNCLEAR]),
        ([Passer("van"), CAR], [UNCLEAR, ODD]),
        ([CAR, Passer(is_usual=False)], [UNCLEAR, UNCLEAR]),
    ):
        one = judged_boxes(passers, [])
        assert [one.frames(context).tolist() for context in (0, 1)] == [[label] for label in labels]


def test_only_what_stands_in_a_place_of_the_contexts_counts() -> None:
    def left_half_and_right_half(boxes: np.ndarray) -> np.ndarray:
        foot_x = (boxes[:, 0] + boxes[:, 2]) / 2
        return np.stack([foot_x < 0.4, foot_x > 0.6])

    rule = Rule(("a", "b"), "", no_cars_in_the_second, places_fn=left_half_and_right_half)
    boxes = np.array([box_of(Passer(foot=(x, 0.5))) for x in (0.2, 0.5, 0.8)], np.float32)
    truth = truth_of([CAR], 1)
    one = judged(take_of(truth, rows_at(boxes, np.zeros(3, np.int64)), 1), rule)
    assert one.taught_rows(0).tolist() == [True, False, False]
    assert one.tested_rows.tolist() == [True, False, True]
    assert one.frames(1).tolist() == [NORMAL], "the car stands between the places"
    right = judged(take_of(truth_of([Passer("car", (0.8, 0.5))], 1), one.take.rows, 1), rule)
    assert right.frames(1).tolist() == [ODD]
