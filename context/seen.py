"""What rules are told of one camera at one instant."""

import datetime as dt
from typing import NamedTuple

from context.behaviour.finding import Finding
from context.track import Point


class Seen(NamedTuple):
    """One object.

    Attributes:
        identity: A number that stays with the object.
        kind: Name of what it is, such as "person".
        foot: Bottom centre of its box (x right, y down), fractions of the frame.
        unit: One expected height at that foot, as fractions of the frame's width and of its height; both > 0.
        zones: Every zone its foot is in.
        is_cut: Whether its box ends at the edge of the picture.
        severity: What the model says of it, in ``[0, 1]``; None where it has no opinion yet.
        findings: What was measured of its behaviour, beyond the site's limits or not.
        is_low: Whether it is one of those low things that mostly are shadows and feet, and may be a bag or a body.
    """

    identity: int
    kind: str
    foot: Point
    unit: Point
    zones: frozenset[str] = frozenset()
    is_cut: bool = False
    severity: float | None = None
    findings: tuple[Finding, ...] = ()
    is_low: bool = False


class Look(NamedTuple):
    """All objects of one camera at one instant.

    Attributes:
        instant_s: Seconds on any clock that only goes forward; durations are counted on it.
        local: The wall clock of the site.
        seen: The objects, each identity once.
        remembered: Identities that are not seen, and known to be where they were.
    """

    instant_s: float
    local: dt.datetime
    seen: tuple[Seen, ...]
    remembered: frozenset[int] = frozenset()


def apart(first: Seen, foot: Point) -> float:
    """How far an object's foot is from a point, in expected heights at the object."""
    across, along = (foot[0] - first.foot[0]) / first.unit[0], (foot[1] - first.foot[1]) / first.unit[1]
    return float((across**2 + along**2) ** 0.5)
