"""Errors of this package.

WorldError
└── OutputFolderError   a dataset is asked for where something else already is
"""


class WorldError(Exception):
    """Base of every error this package raises for bad outside input."""


class OutputFolderError(WorldError):
    """The folder to write into is neither new nor empty."""
