"""Which segments of the continuous recording are kept: by age and by interest, within a disk budget."""

import enum
from collections.abc import Iterable
from typing import NamedTuple

from context.recording import RecordingSettings
from context.severity import Severity

RESERVE_BYTES = 500_000_000
"""Of the disk, kept free for alerts and clips."""
_DAY_S = 86400.0
_GIGABYTE = 1e9


class Tier(enum.IntEnum):
    """Of how much interest a segment is; more comes later."""

    CONTINUOUS = 0
    MOTION = 1
    EVENT = 2
    ALERT = 3


class Segment(NamedTuple):
    """One file of the continuous recording.

    Attributes:
        camera: Whose.
        name: Of the file.
        began_s: Instant of its first picture, seconds since 1970 UTC.
        ended_s: Of its last; None while it is written.
        num_bytes: Size of the file; 0 while it is written.
        tier: Of how much interest it is.
    """

    camera: str
    name: str
    began_s: float
    ended_s: float | None
    num_bytes: int
    tier: Tier


def tier_of(severity: Severity) -> Tier:
    """The tier of an alert."""
    return Tier.ALERT if severity in {Severity.HIGH, Severity.CRITICAL} else Tier.EVENT


def most_bytes(settings: RecordingSettings, used_bytes: int, free_bytes: int) -> float:
    """How much recordings may take: their budget, and less where the disk is fuller than that.

    Args:
        settings: The budget.
        used_bytes: What recordings take now.
        free_bytes: Of the disk.
    """
    return min(settings.budget_gb * _GIGABYTE, used_bytes + free_bytes - RESERVE_BYTES)


def expired(
    segments: Iterable[Segment], settings: RecordingSettings, now_s: float, bound_bytes: float
) -> list[Segment]:
    """The segments that go: those past their days, then the least interesting, oldest first, until the rest fits.

    What is being written stays.

    Args:
        segments: All there are, of all cameras.
        settings: The days of each tier.
        now_s: Seconds since 1970 UTC.
        bound_bytes: How much they may take.
    """
    days = {
        Tier.CONTINUOUS: settings.continuous_days,
        Tier.MOTION: settings.motion_days,
        Tier.EVENT: settings.event_days,
        Tier.ALERT: settings.alert_days,
    }
    whole = [(one, one.ended_s) for one in segments if one.ended_s is not None]
    gone = [one for one, ended_s in whole if now_s - ended_s > days[one.tier] * _DAY_S]
    kept = [one for one, ended_s in whole if now_s - ended_s <= days[one.tier] * _DAY_S]
    over = sum(one.num_bytes for one in kept) - bound_bytes
    for one in sorted(kept, key=lambda segment: (segment.tier, segment.began_s)):
        if over <= 0:
            break
        gone.append(one)
        over -= one.num_bytes
    return gone
