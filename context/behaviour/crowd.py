"""Crowd size: people in one zone, with hysteresis in number and in time.

A zone becomes a crowd when ``limit`` people have been there for ``settle_s``, and stops being one when fewer
than ``release_limit`` have been there for as long: people hide one another, and a count flickers.
"""

import dataclasses

from context.behaviour.finding import Behaviour, Finding
from context.behaviour.settings import CrowdSettings


@dataclasses.dataclass(frozen=True, slots=True)
class Crowd:
    """Whether a zone is crowded, and since when the count has said otherwise."""

    is_crowd: bool = False
    changing_since_s: float | None = None


def crowd(state: Crowd, zone: str, num_people: int, instant_s: float, settings: CrowdSettings) -> tuple[Crowd, Finding]:
    """Takes the number of people in a zone in the next frame."""
    has_enough = num_people >= (settings.release_limit if state.is_crowd else settings.limit)
    if has_enough == state.is_crowd:
        state = Crowd(state.is_crowd)
    else:
        since_s = instant_s if state.changing_since_s is None else state.changing_since_s
        is_settled = instant_s - since_s >= settings.settle_s
        state = Crowd(has_enough) if is_settled else Crowd(state.is_crowd, since_s)
    return state, Finding(Behaviour.CROWD, float(num_people), state.is_crowd, zone)
