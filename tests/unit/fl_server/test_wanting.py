"""Options as an operator writes them on a command line."""

import pytest

from fl_server.errors import MalformedError
from fl_server.supervision.wanting import parse_options


def test_values_are_read_as_what_they_look_like() -> None:
    given = ["min-sites=3", "deadline-s=30.5", "conditioned=false", "strategy=fedadam", "initial=null", "robust="]
    assert parse_options(given) == {
        "min-sites": 3,
        "deadline-s": 30.5,
        "conditioned": False,
        "strategy": "fedadam",
        "initial": "null",
        "robust": "",
    }


@pytest.mark.parametrize("given", [["min-sites"], ["seed=1", "seed=2"]])
def test_word_of_another_form_is_refused(given: list[str]) -> None:
    with pytest.raises(MalformedError, match=f"expected NAME=VALUE, each name once, got '{given[-1]}'"):
        parse_options(given)
