"""Staying at a place: how long something has not moved, jumps of its box left aside."""

import dataclasses

from context.track import Sighting, distance


@dataclasses.dataclass(frozen=True, slots=True)
class Rest:
    """A stay at one place.

    Attributes:
        anchor: The sighting it began with.
        last_s: When it was last seen there.
    """

    anchor: Sighting
    last_s: float

    @property
    def still_s(self) -> float:
        """Seconds from the first sighting at the place to the last."""
        return self.last_s - self.anchor.instant_s


def rest(state: Rest | None, one: Sighting, radius: float, away_s: float) -> Rest:
    """Takes the next sighting.

    Args:
        state: The stay so far; ``None`` begins one.
        one: The next sighting.
        radius: Expected heights around the anchor that are the same place.
        away_s: Seconds elsewhere that end the stay; less is a jump of the box.
    """
    if state is None:
        return Rest(one, one.instant_s)
    if distance(state.anchor, one) <= radius:
        return Rest(state.anchor, one.instant_s)
    return state if one.instant_s - state.last_s <= away_s else Rest(one, one.instant_s)
