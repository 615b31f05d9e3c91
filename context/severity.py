"""Severity: one number for how rare an event is, and the words operators know it by."""

import enum
import math

_WORDS = ((0.8, "critical"), (0.7, "high"), (0.6, "medium"), (0.5, "low"))


class Severity(enum.StrEnum):
    """Severity of an alert."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


def severity_score(calibrated: float) -> float:
    """Maps a calibrated score to severity: min(1, -log10(1 - calibrated) / 6).

    0.5 is one normal tubelet in a thousand, 0.8 about one in sixty thousand.

    Raises:
        ValueError: ``calibrated`` is outside ``[0, 1]`` or NaN.
    """
    if not 0.0 <= calibrated <= 1.0:
        raise ValueError(f"expected a calibrated score in [0, 1], got {calibrated}")
    return 1.0 if calibrated == 1.0 else min(1.0, 0.0 - math.log10(1.0 - calibrated) / 6)  # never -0.0


def severity_word(score: float) -> Severity:
    """The severity class of a severity score."""
    for least, word in _WORDS:
        if score >= least:
            return Severity(word)
    return Severity.NONE


def least_score(word: Severity) -> float:
    """The lowest severity score that a word stands for."""
    return next((least for least, name in _WORDS if name == word), 0.0)
