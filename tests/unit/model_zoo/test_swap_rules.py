"""What each factor of context makes odd, on made-up actors whose truth is known."""

import numpy as np
import pytest

from model_zoo.datasets.synthetic import WorldClip, WorldFootage
from model_zoo.evaluation.swap_rules import (
    NORMAL,
    ODD,
    UNCLEAR,
    CannotShow,
    heights_a_second,
    operational_state,
    permitted_direction,
    speed_limit,
    time_of_day,
    zone,
)
from tests.fakes.world_tracks import Passer, truth_of, world_clip

LEFT = np.array([[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]])
RIGHT = LEFT + np.array([0.5, 0.0])
CAR, BICYCLE = Passer("car", (0.7, 0.5)), Passer("bicycle", (0.8, 0.5))


def footage(*training: WorldClip, testing: tuple[WorldClip, ...] = ()) -> WorldFootage:
    return WorldFootage({"left": LEFT, "right": RIGHT}, training, testing)


def test_in_the_afternoon_the_kind_least_like_a_walker_is_odd() -> None:
    clips = (world_clip("1", [Passer(), BICYCLE, CAR]), world_clip("2", [Passer()], hour=15))
    rule = time_of_day(footage(*clips, world_clip("3", [CAR], state="closing", hour=19)))
    assert rule.contexts == ("morning", "afternoon")
    assert rule.about == "car in the morning only, state open"
    verdicts = rule.verdicts_fn(truth_of([Passer(), CAR, BICYCLE], 1))
    assert verdicts.tolist() == [[NORMAL, NORMAL, NORMAL], [NORMAL, ODD, NORMAL]]
    assert [rule.contexts_fn(clip, 1) for clip in clips] == [(0,), (1,)]
    assert not rule.is_tested_fn(world_clip("4", [], state="closing"))


def test_time_of_day_needs_both_halves_of_a_day_and_more_than_walkers() -> None:
    with pytest.raises(CannotShow, match=r"^no state of the site has training clips both before and after noon$"):
        time_of_day(footage(world_clip("1", [CAR]), world_clip("2", [CAR], state="closing", hour=19)))
    walkers = [world_clip(str(hour), [Passer("staff"), Passer("guard")], hour=hour) for hour in (9, 15)]
    with pytest.raises(CannotShow, match=r"^in state open the mornings show hardly anything but people on foot$"):
        time_of_day(footage(*walkers))


def test_who_keeps_to_one_zone_is_odd_in_the_other() -> None:
    in_both = [Passer("cleaner"), Passer("cleaner", (0.7, 0.5))]
    rule = zone(footage(world_clip("1", [Passer(), Passer("staff"), CAR, *in_both])))
    assert rule.contexts == ("left", "right")
    assert rule.about == "person on foot in left only, car in right only"
    truth = truth_of([Passer("guard"), CAR, in_both[0], Passer("van")], 1)
    assert rule.verdicts_fn(truth).tolist() == [[NORMAL, ODD, NORMAL, UNCLEAR], [ODD, NORMAL, NORMAL, UNCLEAR]]
    assert rule.places_fn(truth.boxes).tolist() == [[True, False, True, True], [False, True, False, False]]


def test_a_kind_that_is_usual_elsewhere_too_keeps_to_no_zone() -> None:
    taught = world_clip("1", [Passer(), CAR])
    strays = [world_clip("2", [Passer("car", (0.1, 0.5))], num_frames=length) for length in (1, 10)]
    found = [zone(footage(taught, testing=(clip,))).about for clip in strays]
    assert found == ["person on foot in left only, car in right only", "person on foot in left only"]
    anomaly = world_clip("2", [Passer("car", (0.1, 0.5), is_usual=False)])
    assert zone(footage(taught, testing=(anomaly,))).about == "person on foot in left only, car in right only"


def test_zones_that_are_hardly_used_cannot_be_swapped() -> None:
    with pytest.raises(CannotShow, match=r"^no kind of actor keeps to one of two zones that are both used$"):
        zone(footage(world_clip("1", [Passer(), Passer("staff")])))
    with pytest.raises(CannotShow, match=r"^no kind of actor keeps to one of two zones"):
        zone(WorldFootage({}, (world_clip("1", [CAR]),), ()))


def test_states_differ_in_what_the_world_calls_wrong() -> None:
    van = Passer("van", usual_in=frozenset({"opening"}), wrong_in=frozenset({"open", "closed"}))
    walker = Passer(usual_in=frozenset({"opening", "open"}), wrong_in=frozenset({"closed"}))
    rule = operational_state(
        footage(
            world_clip("1", [van, walker], "opening"),
            world_clip("2", [walker] * 3),
            world_clip("3", [Passer("guard", usual_in=frozenset({"closed"}))], "closed", num_frames=70),
        )
    )
    assert rule.contexts == ("opening", "open"), "closed is known from less"
    verdicts = rule.verdicts_fn(truth_of([van, walker, Passer("cleaner", usual_in=frozenset({"open"}))], 1))
    assert verdicts.tolist() == [[NORMAL, NORMAL, UNCLEAR], [ODD, NORMAL, NORMAL]]
    assert rule.is_tested_fn(world_clip("4", [], "opening"))
    assert not rule.is_tested_fn(world_clip("4", [], "closed"))


def test_a_state_in_which_nobody_comes_cannot_be_learned_from_objects() -> None:
    walker = Passer(usual_in=frozenset({"open"}), wrong_in=frozenset({"closed"}))
    with pytest.raises(CannotShow, match=r"frames of actors taught, open: 80, closed: 0, of at least 60$"):
        operational_state(footage(world_clip("1", [walker]), world_clip("2", [], "closed")))


def test_each_direction_is_odd_where_the_other_is_permitted() -> None:
    right, left = Passer(step=(0.01, 0.0)), Passer(foot=(0.9, 0.5), step=(-0.01, 0.0))
    rule = permitted_direction(footage(world_clip("1", [right, left])))
    assert rule.contexts == ("rightward", "leftward")
    slow, down = Passer(step=(0.0015, 0.0)), Passer(step=(0.0, 0.01))
    middle = rule.verdicts_fn(truth_of([right, left, slow, down], 11))[:, 5::11]
    assert middle.tolist() == [[NORMAL, ODD, UNCLEAR, NORMAL], [ODD, NORMAL, UNCLEAR, NORMAL]]


def test_direction_is_taken_along_the_axis_that_is_travelled_both_ways() -> None:
    up, down = Passer(foot=(0.5, 0.95), step=(0.0, -0.005)), Passer(step=(0.0, 0.005))
    right = Passer(step=(0.01, 0.0))
    assert permitted_direction(footage(world_clip("1", [up, down, right]))).contexts == ("downward", "upward")
    with pytest.raises(CannotShow, match=r"^all travel is one way: 0 frames of actors against it, of 60$"):
        permitted_direction(footage(world_clip("1", [right, right])))


def test_velocity_is_in_own_heights_a_second_whatever_frames_are_missing() -> None:
    truth = truth_of([Passer(step=(0.01, -0.02))], 12)
    assert np.allclose(heights_a_second(truth), [0.5, -1.0], atol=1e-5), (
        "a fifth of the picture tall, ten frames a second"
    )
    assert heights_a_second(truth_of([Passer()], 1)).tolist() == [[0.0, 0.0]]


def test_above_the_limit_is_odd_at_a_walking_pace_only() -> None:
    clip = world_clip("1", [Passer(speed_m_s=1.25)] * 2)
    rule = speed_limit(footage(clip))
    assert rule.strides == (1, 2)
    truth = truth_of([Passer(speed_m_s=speed) for speed in (1.25, 1.9, 2.5)], 2)
    assert rule.verdicts_fn(truth)[:, ::2].tolist() == [[NORMAL, UNCLEAR, ODD], [NORMAL, NORMAL, NORMAL]]
    assert rule.verdicts_fn(truth.every(2))[0].tolist() == [ODD, ODD, ODD], "every second frame: twice as fast"
    assert [rule.contexts_fn(clip, stride) for stride in (1, 2)] == [(0, 1), (1,)]
    with pytest.raises(CannotShow, match=r"^0 frames of actors above 2 m/s, of at least 60$"):
        speed_limit(footage(world_clip("1", [Passer(speed_m_s=0.9)] * 4)))
