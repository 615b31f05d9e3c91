"""Errors of this package.

SimulationError
├── FootageFolderError   a footage folder that cannot be replayed
├── OutputError          a result folder that cannot be written
└── CoordinatorStartError  the coordinator's process did not start
"""


class SimulationError(Exception):
    """Base of every error this package raises for bad outside input."""


class FootageFolderError(SimulationError):
    """A footage folder cannot be replayed."""


class OutputError(SimulationError):
    """A result folder cannot be written."""


class CoordinatorStartError(SimulationError):
    """The coordinator's process did not start."""
