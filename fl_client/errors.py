"""Errors of this package.

ClientError
├── SettingsError             options that contradict each other or the site description
├── SourceError               a source that cannot be watched: missing, empty, no video, or its decoder died
│   └── ChannelError          a decoder that sent something other than the agreed messages
├── ClipError                 a clip that cannot be written as it was asked for
├── StateError                a state folder that cannot be used, or is in use by another client
└── CoordinatorError          the coordinator did not do what was asked
    ├── UnreachableError      no answer, or one that says to try again: keep it and retry
    └── RefusedError          a clear no: trying the same again cannot help
"""


class ClientError(Exception):
    """Base of every error this package raises for bad outside input."""


class SettingsError(ClientError):
    """Options contradict each other or the site description."""


class SourceError(ClientError):
    """A source cannot be watched, or its decoder died."""


class ChannelError(SourceError):
    """A decoder sent something other than the agreed messages."""


class ClipError(ClientError):
    """A clip cannot be written as it was asked for."""


class StateError(ClientError):
    """A state folder cannot be used."""


class CoordinatorError(ClientError):
    """The coordinator did not do what was asked."""


class UnreachableError(CoordinatorError):
    """The coordinator gave no answer, or asked to try again later."""


class RefusedError(CoordinatorError):
    """The coordinator refused; trying the same again cannot help."""
