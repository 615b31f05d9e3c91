"""Labels from intervals."""

import pytest

from model_zoo.datasets.frame_folders import interval_labels
from model_zoo.errors import FootageError


def test_intervals_count_from_zero_and_hold_both_ends() -> None:
    assert interval_labels(6, [[1, 2], [5, 5]], "here").tolist() == [0, 1, 1, 0, 0, 1]
    assert interval_labels(2, [], "here").tolist() == [0, 0]


@pytest.mark.parametrize("interval", [[3, 6], [4, 2]])
def test_interval_beyond_the_clip_or_backwards_is_refused(interval: list[int]) -> None:
    with pytest.raises(FootageError, match=r"here: expected an interval within 6 frames, got \["):
        interval_labels(6, [interval], "here")
