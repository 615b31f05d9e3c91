"""Errors of this package.

ProtocolError
├── MessageError   an HTTP body is not the message that was expected
├── PrivacyError   a sum would be less private than was promised
└── RecordError    a Flower record is not what the round expects
"""


class ProtocolError(Exception):
    """Base of every error this package raises for bad outside input."""


class MessageError(ProtocolError):
    """An HTTP body is not the message that was expected."""


class PrivacyError(ProtocolError):
    """A sum would be less private than was promised."""


class RecordError(ProtocolError):
    """A Flower record is not what the round expects."""
