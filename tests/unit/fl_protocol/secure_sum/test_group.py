"""The group that follows from a roster."""

import pytest

from fl_protocol.errors import SumParameterError
from fl_protocol.secure_sum.group import sum_group
from fl_protocol.secure_sum.parameters import choose_parameters

_IDENTITIES = tuple(bytes([site]) * 32 for site in range(100))


def test_group_takes_the_whole_roster_unless_fewer_are_drawn() -> None:
    whole = sum_group(b"r" * 32, b"b" * 32, _IDENTITIES[:20], dropout_percent=10)
    assert whole.parameters == choose_parameters(20, 20, 10)
    assert sorted(whole.graph(1).circle.tolist()) == list(range(20))
    assert (
        sum_group(b"r" * 32, b"b" * 32, _IDENTITIES[:20], dropout_percent=10, num_drawn=500).parameters
        == whole.parameters
    )


def test_drawn_sites_stay_the_measure_of_corruption() -> None:
    drawn = sum_group(b"r" * 32, b"b" * 32, _IDENTITIES, dropout_percent=10, num_drawn=60)
    assert drawn.parameters == choose_parameters(60, 100, 10)
    assert drawn.parameters.max_corrupt_neighbours > 60 // 3
    assert len(drawn.graph(1).circle) == 60


def test_roster_of_two_has_no_group() -> None:
    with pytest.raises(SumParameterError, match="expected 3 to 5000 sites of a roster at least as long, got 2 of 2"):
        sum_group(b"r" * 32, b"b" * 32, _IDENTITIES[:2], dropout_percent=10)
