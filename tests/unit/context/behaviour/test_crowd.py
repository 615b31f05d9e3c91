"""When many people are a crowd."""

import pydantic
import pytest

from context.behaviour.crowd import Crowd, crowd
from context.behaviour.settings import CrowdSettings

SETTINGS = CrowdSettings(limit=5, release_limit=4, settle_s=2.0)


def crowded(counts: list[int], settings: CrowdSettings = SETTINGS) -> str:
    """A letter for each second: C while the zone is a crowd."""
    state, found = Crowd(), ""
    for second, count in enumerate(counts):
        state, finding = crowd(state, "hall", count, float(second), settings)
        assert (finding.value, finding.zone) == (count, "hall")
        found += "C" if finding.holds else "."
    return found


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([4] * 6, "......"),
        ([5] * 6, "..CCCC"),
        ([5, 5, 4, 5, 5, 5], ".....C"),  # the count flickers
        ([5, 5, 5, 4, 4, 4, 4, 4], "..CCCCCC"),  # fewer, but not fewer enough
        ([5, 5, 5, 3, 3, 3, 3, 5], "..CCC..."),
        ([5, 5, 5, 3, 3, 5, 3, 3], "..CCCCCC"),
    ],
)
def test_crowd_needs_its_number_for_a_while_and_so_does_its_end(counts: list[int], expected: str) -> None:
    assert crowded(counts) == expected


def test_limits_that_contradict_are_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="release_limit must be at most limit"):
        CrowdSettings(limit=5, release_limit=6)
