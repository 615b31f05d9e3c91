"""Options of a wanted training: checked when it is wanted, and written as Flower takes them when it runs."""

import re
from collections.abc import Mapping
from typing import Any

import pydantic

from fl_server.errors import MalformedError
from fl_server.storage.trainings import Training

OptionValue = bool | int | float | str

_RESERVED = frozenset({"training", "num-rounds", "state", "database", "roster", "operator-key"})
"""Said by the training itself, or by whoever set the coordinator up."""
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{0,100}")
"""Text that Flower's reading of a command line cannot take for anything else."""


def allowed_options() -> frozenset[str]:
    """Names of the options that whoever wants a training may give."""
    from fl_server.run_options import RunOptions  # loads torch

    return frozenset(field.alias or name for name, field in RunOptions.model_fields.items()) - _RESERVED


def check_options(num_rounds: int, options: Mapping[str, OptionValue], usual: Mapping[str, Any]) -> None:
    """Holds a training's options against those of a run.

    Args:
        num_rounds: Wanted.
        options: Given for this training.
        usual: Of the bundle; what is given wins over them.

    Raises:
        MalformedError: An option is unknown, out of its bounds, or contradicts another.
    """
    from fl_server.run_options import RunOptions  # loads torch

    unknown = sorted(set(options) - allowed_options())
    if unknown:
        expected = ", ".join(sorted(allowed_options()))
        raise MalformedError(f"options: expected some of {expected}, got {', '.join(unknown)[:100]}")
    for name, value in options.items():
        if isinstance(value, str) and not _PLAIN.fullmatch(value):
            raise MalformedError(f"options: {name}: expected up to 100 letters, digits, _ . and -")
    try:
        RunOptions.model_validate({**usual, **options, "num-rounds": num_rounds})
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        place = "".join(f"{step}: " for step in problem["loc"])
        raise MalformedError(f"options: {place}{problem['msg'].removeprefix('Value error, ')}") from error


def run_config(training: Training) -> str:
    """What ``flwr run --run-config`` takes for a run of ``training``: names and values as in TOML, between spaces."""
    told = {**training.options, "training": training.training_id, "num-rounds": training.num_rounds}
    return " ".join(f"{name}={_toml(value)}" for name, value in told.items())


def _toml(value: OptionValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else repr(value)
