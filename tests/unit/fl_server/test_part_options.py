"""Options of a run that say what is trained and what stays at the sites."""

import pydantic
import pytest

from fl_server.run_options import RunOptions
from model_zoo.backbones.parts import WHOLE_NETWORK, PartChoice


def test_run_trains_and_sums_everything_unless_told_otherwise() -> None:
    assert RunOptions().part_choice == WHOLE_NETWORK
    options = RunOptions.model_validate({"trained-parts": "film-and-heads", "personal-parts": "heads"})
    assert options.part_choice == PartChoice("film-and-heads", "heads")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"trained-parts": "half"}, "Input should be 'all' or 'film-and-heads'"),
        ({"personal-parts": "trunk"}, "Input should be 'none', 'heads', 'film' or 'film-and-heads'"),
        ({"trained-parts": "film-and-heads", "personal-parts": "film-and-heads"}, "leave nothing to sum"),
    ],
)
def test_parts_that_are_unknown_or_leave_nothing_to_sum_are_refused(given: dict[str, str], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        RunOptions.model_validate(given)
