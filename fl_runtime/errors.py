"""Errors of this package.

FlRuntimeError
├── ConfigError          a configuration file that cannot be used; carries every problem found
└── FlowerCommandError   a command of Flower could not be run, or says that it failed
"""

from collections.abc import Sequence


class FlRuntimeError(Exception):
    """Base of every error this package raises for bad outside input."""


class ConfigError(FlRuntimeError):
    """A configuration file cannot be used; its text is one line for each problem.

    Attributes:
        problems: One line each, such as ``site.yaml:5:24: zones.0.name: Field required``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class FlowerCommandError(FlRuntimeError):
    """A command of Flower could not be run, or says that it failed."""
