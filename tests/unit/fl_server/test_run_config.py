"""Options of a training: checked, and as Flower reads them."""

from typing import Any

import pytest
from flwr.common.config import parse_config_args
from hypothesis import given
from hypothesis import strategies as st

from fl_server.errors import MalformedError
from fl_server.run_options import RunOptions
from fl_server.storage.trainings import Training
from fl_server.supervision.run_config import OptionValue, allowed_options, check_options, run_config
from tests.unit.fl_server.memory_storage import START

TEXT = st.text("abcXYZ019_.-", max_size=20)
VALUES = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT


def _training(options: dict[str, OptionValue]) -> Training:
    return Training("a" * 32, 5, 0, options, True, "wanted", None, START)


@given(st.dictionaries(st.sampled_from(sorted(allowed_options())), VALUES))
def test_flower_reads_every_option_as_it_was_given(options: dict[str, OptionValue]) -> None:
    read = parse_config_args([run_config(_training(options))])
    assert read == {**options, "training": "a" * 32, "num-rounds": 5}
    assert all(type(read[name]) is type(value) for name, value in options.items())


def test_good_options_are_taken() -> None:
    check_options(3, {"min-sites": 3, "deadline-s": 30, "strategy": "fedadam", "conditioned": True}, {"seed": 1})
    assert "min-sites" in allowed_options()
    assert not {"state", "roster", "operator-key", "database", "num-rounds"} & allowed_options()


@pytest.mark.parametrize(
    ("num_rounds", "options", "usual", "problem"),
    [
        (3, {"min-sights": 3, "roster": "x"}, {}, "options: expected some of conditioned, .*, got min-sights, roster"),
        (3, {"min-sites": 0}, {}, "options: min-sites: Input should be greater than or equal to 1"),
        (3, {"strategy": "fedfoo"}, {}, "options: strategy: Input should be "),
        (3, {"initial": 'a" state="/'}, {}, "options: initial: expected up to 100 letters, digits, _ . and -"),
        (0, {}, {}, "options: num-rounds: Input should be greater than or equal to 1"),
        (
            3,
            {"robust": "krum"},
            {"roster": "/r"},
            "options: robust: krum looks at single updates",
        ),
    ],
)
def test_bad_options_are_refused_in_one_line(
    num_rounds: int, options: dict[str, OptionValue], usual: dict[str, Any], problem: str
) -> None:
    with pytest.raises(MalformedError, match=problem):
        check_options(num_rounds, options, usual)


def test_every_option_that_is_not_reserved_is_one_of_a_run() -> None:
    assert allowed_options() < {field.alias or name for name, field in RunOptions.model_fields.items()}
