"""Falls: somebody upright is low and wide within a moment, and does not move any more.

``is_upright`` and ``is_down`` are all that is asked of a body. Where its posture is known, that answers; the shape of
its box does where it is not. A fall must be seen: after a gap nobody is known to have been upright.
"""

from typing import NamedTuple

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.settings import FallSettings
from context.track import PERSON, Posture, Rest, Sighting, rest

_TALLNESS_S = 1.0


class Upright(NamedTuple):
    """When somebody was last upright, and their usual height then, in expected heights."""

    instant_s: float
    tallness: float


class Body(NamedTuple):
    """What is known of one body.

    Attributes:
        last_s: Its last sighting.
        upright: How it last stood; ``None`` when it has not, or there was a gap since.
        lying: Its stay on the ground; ``None`` while it has not fallen.
    """

    last_s: float
    upright: Upright | None = None
    lying: Rest | None = None


def is_upright(one: Sighting, settings: FallSettings) -> bool:
    """Whether somebody stands, by the posture where it is known; a cut box gives no height to compare with later."""
    if one.posture is not None:
        return one.posture is Posture.UPRIGHT and not one.is_cut
    return one.size[0] <= settings.upright_aspect * one.size[1] and one.kind == PERSON and not one.is_cut


def is_down(one: Sighting, tallness: float, settings: FallSettings) -> bool:
    """Whether who stood ``tallness`` expected heights tall is on the ground, by the posture where it is known."""
    if one.posture is not None:
        return one.posture is Posture.DOWN
    width, height = one.size
    is_low = height <= settings.drop_share * tallness and width >= settings.down_aspect * height
    return is_low and width >= settings.least_length and not one.is_cut


def fall(state: Body | None, one: Sighting, settings: FallSettings) -> tuple[Body, Finding]:
    """Takes the next sighting of an object; ``None`` begins.

    The value is the seconds since the fall without moving; getting up and moving on end it.
    """
    if state is None or (state.lying is None and one.instant_s - state.last_s > settings.gap_s):
        state = Body(one.instant_s)
    state = _standing(state, one, settings) if state.lying is None else _lying(state, state.lying, one, settings)
    value = 0.0 if state.lying is None else state.lying.still_s
    return state, Finding(Behaviour.FALL, value, value >= settings.limit_s, one.zone)


def _standing(state: Body, one: Sighting, settings: FallSettings) -> Body:
    before, now_s = state.upright, one.instant_s
    if is_upright(one, settings):
        height = one.size[1]
        weight = 1.0 if before is None else min(1.0, (now_s - before.instant_s) / _TALLNESS_S)
        tallness = height if before is None else before.tallness + weight * (height - before.tallness)
        return Body(now_s, Upright(now_s, tallness))
    if before is None or now_s - before.instant_s > settings.drop_s:
        return Body(now_s)
    if is_down(one, before.tallness, settings):
        return Body(now_s, before, Rest(one, now_s))
    return Body(now_s, before)


def _lying(state: Body, lying: Rest, one: Sighting, settings: FallSettings) -> Body:
    if is_upright(one, settings):
        return Body(one.instant_s, Upright(one.instant_s, one.size[1]))
    return Body(one.instant_s, state.upright, rest(lying, one, settings.radius, settings.away_s))
