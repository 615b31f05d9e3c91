"""Wanting a training: checked against this coordinator's Flower app before it is put down."""

import json
from collections.abc import Mapping, Sequence

from fl_server.config import TrainingSupervision
from fl_server.errors import ConflictError, MalformedError
from fl_server.storage.database import Storage
from fl_server.storage.trainings import Training, want_training
from fl_server.supervision.bundle import read_bundle
from fl_server.supervision.run_config import OptionValue, check_options


def want(
    storage: Storage, settings: TrainingSupervision | None, num_rounds: int, options: Mapping[str, OptionValue]
) -> Training:
    """Puts down that rounds are wanted.

    Args:
        storage: The open storage.
        settings: How this coordinator starts runs; None where it starts none.
        num_rounds: To commit.
        options: Of the runs, over those of the Flower app.

    Raises:
        ConflictError: Nobody would start its runs.
        MalformedError: No run would take these options.
    """
    if settings is None:
        raise ConflictError("expected a coordinator that starts runs: there is no 'training' in its configuration")
    check_options(num_rounds, options, read_bundle(settings.app).options)
    return want_training(storage, num_rounds, options)


def parse_options(given: Sequence[str]) -> dict[str, OptionValue]:
    """Options from ``NAME=VALUE``: true, false and numbers as such, all else as text.

    Raises:
        MalformedError: A word has no ``=``, or a name is given twice.
    """
    options: dict[str, OptionValue] = {}
    for word in given:
        name, sign, text = word.partition("=")
        if not sign or name in options:
            raise MalformedError(f"option: expected NAME=VALUE, each name once, got {word[:100]!r}")
        options[name] = _value(text)
    return options


def _value(text: str) -> OptionValue:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (bool, int, float)) else text
