"""What is found: a behaviour with its measured value."""

import enum
from typing import NamedTuple


class Behaviour(enum.StrEnum):
    """What an object does; the comment gives the unit of the measured value."""

    SPEED = "speed"  # expected heights a second
    AGAINST_FLOW = "against_flow"  # expected heights a second along the permitted direction; negative is against it
    DWELL = "dwell"  # seconds in one zone
    STOPPED = "stopped"  # seconds still
    CROWD = "crowd"  # people in the zone
    LEFT_OBJECT = "left_object"  # seconds unattended
    FALL = "fall"  # seconds on the ground without moving


class Finding(NamedTuple):
    """One behaviour of one object, measured.

    Attributes:
        behaviour: Which one; it decides the unit.
        value: The measured value.
        holds: Whether it is beyond the limit.
        zone: Where; "" outside every zone.
        metres_s: A speed in metres a second, where the site says how long an expected height is.
    """

    behaviour: Behaviour
    value: float
    holds: bool
    zone: str = ""
    metres_s: float | None = None


def strongest(first: tuple[Finding, ...], second: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Of each behaviour in each zone the finding with the greatest magnitude, in the order of ``Behaviour``, then zone.

    The same whichever comes first, and again changes nothing.
    """
    if not second:
        return first
    chosen: dict[tuple[Behaviour, str], Finding] = {}
    for finding in (*first, *second):
        key = (finding.behaviour, finding.zone)
        if key not in chosen or abs(finding.value) > abs(chosen[key].value):
            chosen[key] = finding
    order = list(Behaviour)
    return tuple(chosen[key] for key in sorted(chosen, key=lambda key: (order.index(key[0]), key[1])))
