"""Severity: the formula at the points that are documented, and the words at their borders."""

import math

import pytest

from context.severity import severity_score, severity_word


@pytest.mark.parametrize(
    ("calibrated", "expected"),
    [
        (0.0, 0.0),
        (0.9, 1 / 6),
        (0.999, 0.5),
        (1 - 1 / 60_000, 0.796),
        (1 - 1e-6, 1.0),
        (math.nextafter(1.0, 0.0), 1.0),
        (1.0, 1.0),
    ],
)
def test_severity_counts_the_nines_of_the_calibrated_score(calibrated: float, expected: float) -> None:
    assert severity_score(calibrated) == pytest.approx(expected, abs=1e-3)


def test_severity_of_the_most_common_score_is_plain_zero() -> None:
    assert math.copysign(1.0, severity_score(0.0)) == 1.0


@pytest.mark.parametrize("calibrated", [-1e-9, 1 + 1e-9, math.nan, math.inf])
def test_score_that_is_no_share_is_refused(calibrated: float) -> None:
    with pytest.raises(ValueError, match=r"^expected a calibrated score in \[0, 1\], got "):
        severity_score(calibrated)


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (1.0, "critical"),
        (0.8, "critical"),
        (0.7999, "high"),
        (0.7, "high"),
        (0.6, "medium"),
        (0.5, "low"),
        (0.4999, "none"),
        (0.0, "none"),
    ],
)
def test_each_word_begins_at_its_least_score(score: float, word: str) -> None:
    assert severity_word(score).value == word
