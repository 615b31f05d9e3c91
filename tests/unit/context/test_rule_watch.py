"""What rules fire at: each deed, look by look."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

import pytest

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.settings import BehaviourSettings
from context.residents import NOBODY_RESIDES, find_again
from context.rule import Rule
from context.rule_watch import NOTHING_WATCHED, Firing, RuleWatch, hybrid_severity
from context.schedule import Schedule
from context.seen import Look, Seen
from context.severity import Severity, least_score
from context.zone import Line

STEP_S = 0.2
NOON = dt.datetime(2026, 1, 7, 12, 0)  # noqa: DTZ001  a wall clock
UNIT = (0.1, 0.2)
Scene = tuple[Seen, ...]


def rule(deed: str, **fields: Any) -> Rule:  # noqa: ANN401  any field
    return Rule.model_validate({"name": "rule", "deed": deed, **fields}, strict=False)


def one(x: float = 0.5, *zones: str, identity: int = 1, kind: str = "person", **fields: Any) -> Seen:  # noqa: ANN401
    return Seen(identity, kind, (x, 0.5), UNIT, frozenset(zones), **fields)


def looks(scenes: Iterable[Scene], began: dt.datetime = NOON) -> list[Look]:
    return [
        Look(index * STEP_S, began + dt.timedelta(seconds=index * STEP_S), scene) for index, scene in enumerate(scenes)
    ]


@dataclasses.dataclass
class Watched:
    """A rule that is shown scenes, five a second."""

    watch: RuleWatch

    def fires(self, scenes: Iterable[Scene], began: dt.datetime = NOON) -> list[Firing]:
        """All that it fires at."""
        state, found = NOTHING_WATCHED, list[Firing]()
        for look in looks(scenes, began):
            state, firings = self.watch.look(state, look)
            found += firings
        return found

    def instants(self, scenes: Iterable[Scene], began: dt.datetime = NOON) -> list[float]:
        """When it fires."""
        return [round(firing.instant_s, 3) for firing in self.fires(scenes, began)]


def watched(deed: str, at: Line | None = None, **fields: Any) -> Watched:  # noqa: ANN401
    return Watched(RuleWatch(rule(deed, **fields), Schedule(), BehaviourSettings(), at))


def seconds(scene: Scene, length_s: float) -> list[Scene]:
    return [scene] * round(length_s / STEP_S)


OUT, IN = (one(0.1),), (one(0.5, "bay"),)
NOBODY: Scene = ()


# ---- enter and leave


def test_who_comes_in_is_told_once_he_has_settled() -> None:
    scenes = seconds(OUT, 2.0) + seconds(IN, 5.0)
    assert watched("enter", zones=["bay"]).instants(scenes) == [2.4]


def test_box_that_trembles_at_the_edge_enters_once() -> None:
    scenes = seconds(OUT, 1.0) + [IN, OUT] * 20 + seconds(IN, 1.0) + [OUT, IN] * 20
    assert len(watched("enter", zones=["bay"]).fires(scenes)) == 1


def test_who_comes_back_after_some_time_enters_again() -> None:
    scenes = seconds(IN, 2.0) + seconds(OUT, 4.0) + seconds(IN, 2.0)
    assert len(watched("enter", zones=["bay"]).fires(scenes)) == 2


def test_entering_without_a_zone_is_appearing() -> None:
    assert watched("enter").instants(seconds(NOBODY, 1.0) + seconds(OUT, 2.0)) == [1.4]


def test_others_than_are_meant_do_not_fire() -> None:
    assert watched("enter", zones=["bay"], kinds=["vehicle"]).fires(seconds(IN, 3.0)) == []
    assert watched("enter", zones=["till"]).fires(seconds(IN, 3.0)) == []


def test_who_came_in_before_the_hours_of_the_rule_does_not_enter_in_them() -> None:
    night = {"start": "12:00", "end": "13:00"}
    before = NOON - dt.timedelta(seconds=5)
    assert watched("enter", zones=["bay"], when=night).fires(seconds(IN, 20.0), before) == []
    late = seconds(OUT, 10.0) + seconds(IN, 2.0)
    assert watched("enter", zones=["bay"], when=night).instants(late, before) == [10.4]


def test_who_goes_out_leaves_once_and_the_zone_is_named() -> None:
    fired = watched("leave", zones=["bay", "till"]).fires(seconds((one(0.5, "till"),), 2.0) + seconds(OUT, 2.0))
    assert [(round(firing.instant_s, 1), firing.zone) for firing in fired] == [(2.2, "till")]


def test_who_is_lost_in_the_middle_has_not_left_and_who_is_lost_at_the_edge_has() -> None:
    edge = (one(0.99, "bay", is_cut=True),)
    assert watched("leave", zones=["bay"]).fires(seconds(IN, 2.0) + seconds(NOBODY, 10.0)) == []
    assert len(watched("leave", zones=["bay"]).fires(seconds(edge, 2.0) + seconds(NOBODY, 10.0))) == 1


# ---- dwell


def test_stay_is_told_when_it_has_lasted_and_once() -> None:
    assert watched("dwell", zones=["bay"], limit=15.0).instants(seconds(IN, 60.0)) == [15.0]


def test_stay_goes_on_over_a_moment_outside_and_a_gap() -> None:
    scenes = seconds(IN, 6.0) + seconds(OUT, 2.0) + seconds(IN, 4.0) + seconds(NOBODY, 2.0) + seconds(IN, 4.0)
    assert watched("dwell", zones=["bay"], limit=15.0).instants(scenes) == [15.0]


def test_stay_ends_after_some_time_outside() -> None:
    scenes = (seconds(IN, 8.0) + seconds(OUT, 4.0)) * 3
    assert watched("dwell", zones=["bay"], limit=15.0).fires(scenes) == []


def test_stay_that_began_before_the_hours_is_told_when_they_begin() -> None:
    after_noon = {"start": "12:00", "end": "13:00"}
    began = NOON - dt.timedelta(seconds=30)
    assert watched("dwell", zones=["bay"], limit=15.0, when=after_noon).instants(seconds(IN, 60.0), began) == [30.0]


# ---- what behaviours measure, and what is unusual


def doing(value: float, *, holds: bool = True, behaviour: Behaviour = Behaviour.FALL) -> Scene:
    return (one(0.5, "bay", findings=(Finding(behaviour, value, holds, "bay"),)),)


def test_fall_is_told_once_and_again_after_it_has_ended() -> None:
    scenes = seconds(doing(5.0), 20.0) + seconds(IN, 12.0) + seconds(doing(5.0), 20.0)
    assert watched("fall").instants(scenes) == [0.0, 32.0]


def test_limit_of_the_rule_stands_in_for_that_of_the_site() -> None:
    scenes = seconds(doing(20.0, behaviour=Behaviour.STOPPED), 1.0)
    scenes += seconds(doing(31.0, holds=False, behaviour=Behaviour.STOPPED), 1.0)
    assert watched("stopped", limit=30.0).instants(scenes) == [1.0]
    assert watched("stopped").instants(scenes) == [0.0]
    assert watched("stopped", zones=["till"]).fires(scenes) == []


def test_other_behaviours_are_not_taken_for_the_one_waited_for() -> None:
    assert watched("speed").fires(seconds(doing(5.0), 5.0)) == []


def test_fall_of_a_vehicle_is_none() -> None:
    car = (one(0.5, kind="vehicle", findings=(Finding(Behaviour.FALL, 9.0, holds=True),)),)
    assert watched("fall").fires(seconds(car, 5.0)) == []


def test_what_the_model_doubts_for_one_look_is_no_event() -> None:
    doubt = (one(0.5, "bay", severity=0.6),)
    assert watched("unusual").fires([*seconds(IN, 1.0), doubt, *seconds(IN, 20.0)]) == []
    (fired,) = watched("unusual").fires(seconds(IN, 1.0) + seconds(doubt, 5.0))
    assert (fired.value, fired.learned) == (0.6, 0.6)
    assert fired.severity == pytest.approx(0.6 + 0.4 * 0.2 / 0.6)
    assert watched("unusual", limit=0.7).fires(seconds(doubt, 5.0)) == []


# ---- lines

LINE = Line(name="line", start=(0.5, 0.0), end=(0.5, 1.0))


def way(*places: float) -> list[Scene]:
    return [(one(x),) for x in places]


def test_line_is_crossed_once_on_the_way_over_it() -> None:
    line = watched("line_crossed", LINE, line="line")
    assert line.instants(way(0.40, 0.44, 0.48, 0.52, 0.56)) == [0.6]
    assert line.fires(way(0.40, 0.44, 0.48, 0.44, 0.40)) == []


def test_who_trembles_on_the_line_crosses_it_once() -> None:
    line = watched("line_crossed", LINE, line="line")
    assert len(line.fires(way(0.40, 0.45, 0.495, *[0.505, 0.495] * 20, 0.505, 0.55))) == 1


def test_line_counts_in_its_direction_alone() -> None:
    rightward = LINE.model_copy(update={"direction": (1.0, 0.2)})
    line = watched("line_crossed", rightward, line="line")
    assert len(line.fires(way(0.4, 0.6))) == 1
    assert line.fires(way(0.6, 0.4)) == []


def test_line_ends_where_it_ends() -> None:
    short = Line(name="line", start=(0.5, 0.0), end=(0.5, 0.4))
    assert watched("line_crossed", short, line="line").fires(way(0.4, 0.6)) == []


def test_who_appears_beyond_the_line_has_not_crossed_it() -> None:
    scenes = [(one(0.4),), *seconds(NOBODY, 4.0), (one(0.6),)]
    assert watched("line_crossed", LINE, line="line").fires(scenes) == []


def test_line_is_crossed_by_those_who_are_meant() -> None:
    assert watched("line_crossed", LINE, line="line", kinds=["vehicle"]).fires(way(0.4, 0.6)) == []


def test_rule_of_a_line_that_is_not_there_is_no_silent_nothing() -> None:
    with pytest.raises(ValueError, match="expected its line at this camera"):
        watched("line_crossed", None, line="line").fires(way(0.4))


# ---- counts


def crowd(many: int, *zones: str) -> Scene:
    return tuple(one(0.1 + 0.02 * index, *zones, identity=index) for index in range(many))


def test_count_is_told_once_it_has_lasted() -> None:
    rule_of_three = watched("count", zones=["bay"], limit=3, lasting_s=10.0, kinds=["person"])
    assert rule_of_three.instants(seconds(crowd(3, "bay"), 30.0)) == [10.4]
    assert rule_of_three.fires(seconds(crowd(2, "bay") + crowd(5)[3:], 30.0)) == []


def test_count_that_is_interrupted_for_a_moment_is_not_told_again() -> None:
    scenes = seconds(crowd(3, "bay"), 5.0) + seconds(NOBODY, 6.0) + seconds(crowd(3, "bay"), 5.0)
    assert len(watched("count", zones=["bay"], limit=3).fires(scenes)) == 1
    scenes = seconds(crowd(3, "bay"), 5.0) + seconds(NOBODY, 20.0) + seconds(crowd(3, "bay"), 5.0)
    assert len(watched("count", zones=["bay"], limit=3).fires(scenes)) == 2


def test_nobody_for_some_time_is_told() -> None:
    unattended = watched("count", zones=["bay"], limit=0, comparison="at_most", lasting_s=20.0, kinds=["person"])
    assert unattended.instants(seconds(IN, 5.0) + seconds(NOBODY, 60.0)) == [28.0]
    assert unattended.fires((seconds(IN, 5.0) + seconds(NOBODY, 15.0)) * 3) == []


def test_crowd_has_the_limits_of_the_site() -> None:
    assert watched("crowd", zones=["bay"]).instants(seconds(crowd(8, "bay"), 5.0)) == [2.4]
    assert watched("crowd", zones=["bay"]).fires(seconds(crowd(7, "bay"), 5.0)) == []
    cars = tuple(seen._replace(kind="vehicle") for seen in crowd(9, "bay"))
    assert watched("crowd", zones=["bay"]).fires(seconds(cars, 5.0)) == []


def test_count_tells_how_many_and_the_worst_that_the_model_says_of_them() -> None:
    scene = (one(0.1, "bay", identity=1, severity=0.1), one(0.2, "bay", identity=2, severity=0.7))
    (fired,) = watched("count", zones=["bay"], limit=2, severity="low").fires(seconds(scene, 2.0))
    assert (fired.value, fired.zone, fired.identity, fired.learned) == (2.0, "bay", None, 0.7)
    assert fired.severity == pytest.approx(0.75)


def test_of_a_count_with_somebody_the_model_does_not_know_yet_it_has_no_opinion() -> None:
    scene = (one(0.1, "bay", identity=1), one(0.2, "bay", identity=2, severity=0.7))
    (fired,) = watched("count", zones=["bay"], limit=2, severity="low").fires(seconds(scene, 2.0))
    assert fired.learned is None
    assert fired.severity == pytest.approx(0.75)  # what it knows counts all the same


# ---- things that stay


def told_again(scenes: Iterable[Scene], watch: RuleWatch) -> int:
    residents, state, many = NOBODY_RESIDES, NOTHING_WATCHED, 0
    for look in looks(scenes):
        residents, told = find_again(residents, look)
        state, firings = watch.look(state, told)
        many += len(firings)
    return many


def car(identity: int, x: float = 0.5, kind: str = "vehicle") -> Scene:
    return (one(x, "bay", identity=identity, kind=kind),)


def test_parked_car_that_is_lost_and_found_for_ever_enters_once() -> None:
    scenes = seconds(car(1), 20.0)
    for identity in range(2, 12):
        scenes += seconds(NOBODY, 30.0) + seconds(car(identity, 0.5 + 0.001 * identity), 5.0)
    assert told_again(scenes, watched("enter", zones=["bay"]).watch) == 1
    assert told_again(scenes, watched("dwell", zones=["bay"], limit=15.0).watch) == 1


def test_other_car_at_another_place_and_person_at_the_same_place_are_new() -> None:
    scenes = seconds(car(1), 20.0) + seconds(NOBODY, 5.0)
    assert told_again(scenes + seconds(car(2, 0.7), 2.0), watched("enter", zones=["bay"]).watch) == 2
    assert told_again(scenes + seconds(car(2, kind="person"), 2.0), watched("enter", zones=["bay"]).watch) == 2
    assert told_again(seconds(car(1), 5.0) + seconds(NOBODY, 5.0) + seconds(car(2), 2.0), watched("enter").watch) == 2


def test_second_car_beside_one_that_is_still_seen_is_new() -> None:
    both = car(1) + car(2, 0.53)
    assert told_again(seconds(car(1), 20.0) + seconds(both, 5.0), watched("enter", zones=["bay"]).watch) == 2


def test_car_that_drives_away_is_forgotten() -> None:
    away = [car(1, 0.5 + 0.02 * step) for step in range(20)]
    scenes = seconds(car(1), 20.0) + away + seconds(NOBODY, 10.0) + seconds(car(2), 2.0)
    assert told_again(scenes, watched("enter", zones=["bay"]).watch) == 2


def test_remembered_car_that_is_not_seen_is_not_counted() -> None:
    scenes = seconds(car(1), 20.0) + seconds(NOBODY, 30.0)
    empty = watched("count", zones=["bay"], limit=0, comparison="at_most", lasting_s=5.0)
    assert told_again(scenes, empty.watch) == 1


# ---- severity


@pytest.mark.parametrize(
    ("rule_score", "learned", "expected"),
    [(0.5, 0.0, 0.5), (0.5, 0.4, 0.5), (0.5, 0.7, 0.75), (0.6, 1.0, 1.0), (0.0, 0.45, 0.45), (0.8, 0.5, 0.8 + 0.2 / 6)],
)
def test_hybrid_severity_by_hand(rule_score: float, learned: float, expected: float) -> None:
    assert hybrid_severity(rule_score, learned) == pytest.approx(expected)


def test_every_word_has_its_least_score() -> None:
    assert [least_score(word) for word in Severity] == [0.8, 0.7, 0.6, 0.5, 0.0]
