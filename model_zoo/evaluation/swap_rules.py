"""Five factors of context: for each, two contexts, and what the world's ground truth makes odd in either.

What is compared, which zones, states or kinds, is settled by the training footage of the camera and by ground truth;
no score has a part in it. Letters in shapes: A an actor in one frame, N boxes.
"""

import collections
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import shapely

from model_zoo.datasets.synthetic import Actor, ActorFrames, Boxes, Polygon, WorldClip, WorldFootage
from model_zoo.perception.tubelet import ANALYSIS_FPS

Verdicts = npt.NDArray[np.int8]  # (2, A) by context: NORMAL, ODD or UNCLEAR
Places = npt.NDArray[np.bool_]  # (2, N) whether what stands there belongs to the context

NORMAL, ODD, UNCLEAR = 0, 1, -1
LEAST_SEEN = 0.3
"""Share of an actor that must be seen for a frame to show it."""
LEAST_TAUGHT = 60
"""Frames of actors that a context, and what is odd in the other one, must be known from."""
NOON = 12
SPEED_LIMIT_M_S = 2.0
_CLOSE_TO_LIMIT_M_S = 0.2
_MOVING, _STANDING = 0.12, 0.04  # heights of the actor a second
_DIRECTION_STEP = 5  # frames before and after: a whole stride, so that legs do not count
_STRAYING = 0.05  # of the frames of a kind: the edge of a box may lie across a line that its wheels keep to
_ON_FOOT = frozenset({"shopper", "staff", "guard"})
_PERSON = "person on foot"
_LEAST_LIKE_A_WALKER = ("van", "car", "bicycle", "cleaner", "cart_shopper")


class CannotShow(Exception):  # noqa: N818  not an error of the user's: the factor is left out, with this reason
    """The footage does not show a factor; says why."""


def both_contexts(_clip: WorldClip, _stride: int) -> tuple[int, ...]:
    """For rules by which every clip is footage of both contexts."""
    return (0, 1)


def every_clip(_clip: WorldClip) -> bool:
    """For rules that are tested on every clip."""
    return True


def anywhere(boxes: Boxes) -> Places:
    """For rules that hold in the whole picture."""
    return np.ones((2, len(boxes)), np.bool_)


@dataclasses.dataclass(frozen=True)
class Rule:
    """Two contexts of one factor."""

    contexts: tuple[str, str]
    about: str
    """What differs, in a few words."""
    verdicts_fn: Callable[[ActorFrames], Verdicts]
    contexts_fn: Callable[[WorldClip, int], tuple[int, ...]] = both_contexts
    """The contexts that a clip, watched at a stride, is footage of."""
    is_tested_fn: Callable[[WorldClip], bool] = every_clip
    places_fn: Callable[[Boxes], Places] = anywhere
    strides: tuple[int, ...] = (1,)


def looks_of(actor: Actor) -> str:
    """What an actor looks like: whoever walks looks like anybody else, whatever they wear."""
    return _PERSON if actor.kind in _ON_FOOT else actor.kind


def time_of_day(footage: WorldFootage) -> Rule:
    """Within one state of the site: one kind of traffic in the morning only, the least like a walker.

    Afternoons are taught without that kind, so that it is new there by construction.

    Raises:
        CannotShow: No state has training clips before and after noon, or only people on foot are seen.
    """
    state, clips = _mornings_and_afternoons(footage.training)
    counts = _counts([clip for clip in clips if clip.hour < NOON], _anybody)
    kind = next((one for one in _LEAST_LIKE_A_WALKER if counts.get(one, 0) >= LEAST_TAUGHT), None)
    if kind is None:
        raise CannotShow(f"in state {state} the mornings show hardly anything but people on foot")

    def verdicts(truth: ActorFrames) -> Verdicts:
        is_kind = truth.each(lambda actor: actor.kind == kind)
        return np.stack([np.zeros(len(truth)), is_kind]).astype(np.int8)

    return Rule(
        ("morning", "afternoon"),
        f"{kind} in the morning only, state {state}",
        verdicts,
        lambda clip, _stride: (int(clip.hour >= NOON),) if clip.state == state else (),
        lambda clip: clip.state == state,
    )


@dataclasses.dataclass(frozen=True)
class _ZonePair:
    """Two zones, and how many frames of each kind of actor stand in them."""

    names: tuple[str, str]
    polygons: tuple[Polygon, Polygon]
    taught: tuple[Mapping[str, int], Mapping[str, int]]
    """In training clips."""
    ever: tuple[Mapping[str, int], Mapping[str, int]]
    """In any clip."""

    def keeping(self, one: int) -> dict[str, int]:
        """The kinds that are seen in one of the zones and hardly ever in the other, with their frames."""
        own, other = self.ever[one], self.ever[1 - one]
        return {
            kind: count
            for kind, count in self.taught[one].items()
            if count >= LEAST_TAUGHT and other.get(kind, 0) <= _STRAYING * own[kind]
        }

    @property
    def num_known(self) -> int:
        """Frames of actors that the less used zone is known from; 0 where no kind keeps to one of the zones."""
        return min(sum(counts.values()) for counts in self.taught) if self.keeping(0) or self.keeping(1) else 0

    def verdicts(self, truth: ActorFrames) -> Verdicts:
        """Odd is what keeps to the other zone; a kind not known from a zone is unclear there."""
        looks = [
            [
                ODD if looks_of(actor) in self.keeping(1 - one) else NORMAL if looks_of(actor) in own else UNCLEAR
                for actor in truth.actors
            ]
            for one, own in enumerate(self.taught)
        ]
        return np.array(looks, np.int8)[:, truth.actor]

    def places(self, boxes: Boxes) -> Places:
        """Who stands in which of them."""
        return np.stack([_inside(polygon, boxes) for polygon in self.polygons])


def zone(footage: WorldFootage) -> Rule:
    """Two zones of the camera: what keeps to one of them is odd in the other.

    Of the pairs of zones that show this, the one whose less used zone is known from most.

    Raises:
        CannotShow: No kind of actor keeps to one of two zones that are both used.
    """
    everything = (*footage.training, *footage.testing)
    taught = {name: _standing_in(footage.training, polygon) for name, polygon in footage.zones.items()}
    ever = {name: _standing_in(everything, polygon) for name, polygon in footage.zones.items()}
    pairs = [
        _ZonePair(
            (first, second),
            (footage.zones[first], footage.zones[second]),
            (taught[first], taught[second]),
            (ever[first], ever[second]),
        )
        for first, second in itertools.combinations(footage.zones, 2)
    ]
    pair = max(pairs, key=lambda one: one.num_known, default=None)
    if pair is None or pair.num_known < LEAST_TAUGHT:
        raise CannotShow("no kind of actor keeps to one of two zones that are both used")
    kept = [f"{kind} in {pair.names[one]} only" for one in (0, 1) for kind in sorted(pair.keeping(one))]
    return Rule(pair.names, ", ".join(kept), pair.verdicts, places_fn=pair.places)


def operational_state(footage: WorldFootage) -> Rule:
    """Two states of the site: who is usual in one of them is, on the same way, wrong in the other.

    Of the pairs of states that show this, the one whose poorer state is known from most.

    Raises:
        CannotShow: No two states with enough traffic differ in what is wrong.
    """
    traffic = {
        state: sum(_counts([clip for clip in footage.training if clip.state == state], _anybody).values())
        for state in dict.fromkeys(clip.state for clip in footage.training)
    }
    pairs = [
        pair
        for pair in itertools.combinations(traffic, 2)
        if min(traffic[state] for state in pair) >= LEAST_TAUGHT
        and _num_wrong_in_other(footage.training, pair) >= LEAST_TAUGHT
    ]
    if not pairs:
        seen = ", ".join(f"{state}: {count}" for state, count in traffic.items())
        raise CannotShow(
            f"no two states with enough traffic differ in what is wrong; frames of actors taught, {seen}, "
            f"of at least {LEAST_TAUGHT}"
        )
    states = max(pairs, key=lambda pair: min(traffic[state] for state in pair))

    def verdicts(truth: ActorFrames) -> Verdicts:
        rows = [np.where(_usual_in(truth, state), NORMAL, UNCLEAR) for state in states]
        return np.stack(
            [np.where(_wrong_in(truth, state), ODD, row) for state, row in zip(states, rows, strict=True)]
        ).astype(np.int8)

    return Rule(
        states,
        f"traffic of state {states[0]} or {states[1]}",
        verdicts,
        lambda clip, _stride: (states.index(clip.state),) if clip.state in states else (),
        lambda clip: clip.state in states,
    )


def permitted_direction(footage: WorldFootage) -> Rule:
    """One direction of travel allowed, then the other, along the axis of the picture that is travelled most both ways.

    Raises:
        CannotShow: All travel is one way.
    """
    travel = [heights_a_second(clip.truth)[_is_shown(clip.truth)] for clip in footage.training]
    moving = np.concatenate([np.zeros((0, 2)), *travel])
    both_ways = np.minimum((moving > _MOVING).sum(axis=0), (moving < -_MOVING).sum(axis=0))  # (2,) x, y
    axis = int(both_ways.argmax())
    if both_ways[axis] < LEAST_TAUGHT:
        raise CannotShow(f"all travel is one way: {both_ways[axis]} frames of actors against it, of {LEAST_TAUGHT}")

    def verdicts(truth: ActorFrames) -> Verdicts:
        along = heights_a_second(truth)[:, axis]
        unclear = np.where(np.abs(along) < _STANDING, NORMAL, UNCLEAR)
        rows = [np.where(way < -_MOVING, ODD, np.where(way > _MOVING, NORMAL, unclear)) for way in (along, -along)]
        return np.stack(rows).astype(np.int8)

    return Rule(
        (("rightward", "leftward"), ("downward", "upward"))[axis],
        "direction of travel in the picture",
        verdicts,
    )


def speed_limit(footage: WorldFootage) -> Rule:
    """A walking pace, then no limit; all clips are also watched with every second frame left out, at twice the speed.

    Raises:
        CannotShow: Nobody is fast even then.
    """
    doubled = [clip.truth.every(2) for clip in footage.training]
    num_fast = sum(int((_is_shown(truth) & (truth.speed_m_s > SPEED_LIMIT_M_S)).sum()) for truth in doubled)
    if num_fast < LEAST_TAUGHT:
        raise CannotShow(f"{num_fast} frames of actors above {SPEED_LIMIT_M_S:g} m/s, of at least {LEAST_TAUGHT}")

    def verdicts(truth: ActorFrames) -> Verdicts:
        over = truth.speed_m_s - SPEED_LIMIT_M_S
        limited = np.where(np.abs(over) < _CLOSE_TO_LIMIT_M_S, UNCLEAR, np.where(over > 0, ODD, NORMAL))
        return np.stack([limited, np.zeros(len(truth))]).astype(np.int8)

    return Rule(
        ("walking pace", "no limit"),
        f"limit of {SPEED_LIMIT_M_S:g} m/s; every clip also at twice its speed",
        verdicts,
        lambda _clip, stride: (0, 1) if stride == 1 else (1,),
        strides=(1, 2),
    )


FACTORS: dict[str, Callable[[WorldFootage], Rule]] = {
    "time_of_day": time_of_day,
    "zone": zone,
    "operational_state": operational_state,
    "permitted_direction": permitted_direction,
    "speed_limit": speed_limit,
}


def heights_a_second(truth: ActorFrames) -> npt.NDArray[np.float64]:
    """How fast the foot of each actor moves in the picture, right and down, in its own heights. ``(A, 2)``."""
    foot = np.stack([(truth.boxes[:, 0] + truth.boxes[:, 2]) / 2, truth.boxes[:, 3]], axis=1).astype(np.float64)
    height = np.maximum(truth.boxes[:, 3] - truth.boxes[:, 1], 1e-3)
    velocity = np.zeros((len(truth), 2))
    for one in range(len(truth.actors)):
        mine = np.flatnonzero(truth.actor == one)
        if not len(mine):
            continue
        order = np.arange(len(mine))
        before, after = (np.clip(order + step, 0, len(mine) - 1) for step in (-_DIRECTION_STEP, _DIRECTION_STEP))
        passed_s = (truth.frame[mine[after]] - truth.frame[mine[before]]) / ANALYSIS_FPS
        way = (foot[mine[after]] - foot[mine[before]]) / height[mine][:, None]
        velocity[mine] = way / np.maximum(passed_s, 1 / ANALYSIS_FPS)[:, None]
    return velocity


def _is_shown(truth: ActorFrames) -> npt.NDArray[np.bool_]:
    return np.asarray(truth.each(lambda actor: actor.is_usual) & (truth.seen >= LEAST_SEEN))


def _anybody(truth: ActorFrames) -> npt.NDArray[np.bool_]:
    return np.ones(len(truth), np.bool_)


def _counts(clips: Sequence[WorldClip], chosen_fn: Callable[[ActorFrames], npt.NDArray[np.bool_]]) -> dict[str, int]:
    """Frames of usual actors by what they look like."""
    counts: collections.Counter[str] = collections.Counter()
    for clip in clips:
        for actor in clip.truth.actor[_is_shown(clip.truth) & chosen_fn(clip.truth)]:
            counts[looks_of(clip.truth.actors[actor])] += 1
    return dict(counts)


def _standing_in(clips: Sequence[WorldClip], polygon: Polygon) -> dict[str, int]:
    return _counts(clips, lambda truth: _inside(polygon, truth.boxes))


def _inside(polygon: Polygon, boxes: Boxes) -> npt.NDArray[np.bool_]:
    foot_x = (boxes[:, 0] + boxes[:, 2]) / 2
    return np.asarray(shapely.intersects_xy(shapely.Polygon(polygon), foot_x, boxes[:, 3]), np.bool_)


def _usual_in(truth: ActorFrames, state: str) -> npt.NDArray[np.bool_]:
    return truth.each(lambda actor: state in actor.usual_in)


def _wrong_in(truth: ActorFrames, state: str) -> npt.NDArray[np.bool_]:
    return truth.each(lambda actor: state in actor.wrong_in)


def _num_wrong_in_other(clips: Sequence[WorldClip], states: tuple[str, str]) -> int:
    """Frames of actors that are usual in one of the states and wrong in the other."""
    total = 0
    for clip in clips:
        if clip.state in states:
            other = states[1 - states.index(clip.state)]
            total += int((_is_shown(clip.truth) & _wrong_in(clip.truth, other)).sum())
    return total


def _mornings_and_afternoons(clips: Sequence[WorldClip]) -> tuple[str, list[WorldClip]]:
    """The state of the site with most clips, some before noon and some after, and these clips."""
    by_state: dict[str, list[WorldClip]] = {}
    for clip in clips:
        by_state.setdefault(clip.state, []).append(clip)
    found = {state: some for state, some in by_state.items() if len({clip.hour < NOON for clip in some}) == 2}
    if not found:
        raise CannotShow("no state of the site has training clips both before and after noon")
    return max(found.items(), key=lambda one: len(one[1]))
