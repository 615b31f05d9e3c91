"""Errors of this package.

ProtocolError
├── MessageError   an HTTP body is not the message that was expected
├── RecordError    a Flower record is not what the round expects
└── RosterError    a signed roster is not the operator's newest one
"""


class ProtocolError(Exception):
    """Base of every error this package raises for bad outside input."""


class MessageError(ProtocolError):
    """An HTTP body is not the message that was expected."""


class RecordError(ProtocolError):
    """A Flower record is not what the round expects."""


class RosterError(ProtocolError):
    """A signed roster is not to be believed: not the operator's, altered, malformed or older than one seen before."""
