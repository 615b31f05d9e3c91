"""Errors of this package.

ProtocolError
├── MessageError   an HTTP body is not the message that was expected
├── PrivacyError   a sum would be less private than was promised
├── RecordError    a Flower record is not what the round expects
├── RegistrationError  a site's name is not proved to be its own
├── RosterError    a signed roster is not the operator's newest one
└── SecureSumError the secure sum does not go on
    ├── SumParameterError  no secure round with these numbers of sites
    ├── WireError          bytes are not the message that was expected
    ├── SealError          a key, seal or signature is not of whom it should be
    ├── RefusedError       a site will not do what it is asked, whoever asks
    └── UnmaskError        too few shares to open a secret, or shares of something else
"""


class ProtocolError(Exception):
    """Base of every error this package raises for bad outside input."""


class MessageError(ProtocolError):
    """An HTTP body is not the message that was expected."""


class PrivacyError(ProtocolError):
    """A sum would be less private than was promised."""


class RecordError(ProtocolError):
    """A Flower record is not what the round expects."""


class RegistrationError(ProtocolError):
    """Who registers under a site's name has not proved that the name is theirs."""


class RosterError(ProtocolError):
    """A signed roster is not to be believed: not the operator's, altered, malformed or older than one seen before."""


class SecureSumError(ProtocolError):
    """The secure sum does not go on."""


class SumParameterError(SecureSumError):
    """There is no secure round with these numbers of sites."""


class WireError(SecureSumError):
    """Bytes are not the message that was expected."""


class SealError(SecureSumError):
    """A key, seal or signature is not of whom it should be."""


class RefusedError(SecureSumError):
    """A site will not do what it is asked, whoever asks."""


class UnmaskError(SecureSumError):
    """Too few shares to open a secret, or shares of something else."""
