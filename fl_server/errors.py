"""Errors of this package.

ServerError
├── StartError          the coordinator cannot start: port, database, state folder
├── RoundError          a round cannot be closed: too few sites delivered
├── CheckpointError     a stored training state cannot be used
├── FencedError         another run has taken over: this one may commit nothing any more
├── BudgetError         a round would spend more privacy than is left
└── RequestError        one request is refused; the coordinator goes on
    ├── UnknownTokenError     no site has the presented token
    ├── UnprovenSiteError     who registers has not proved that the name is theirs
    ├── NotFoundError         there is no such thing, or it belongs to another site
    ├── ConflictError         it contradicts what is stored
    ├── TooLargeError         more bytes than the coordinator takes
    ├── DigestError           bytes are not those that were announced
    ├── MediaTypeError        not a kind of content the coordinator takes
    ├── MalformedError        a value that cannot be read
    ├── LengthMissingError    a body without Content-Length
    ├── ForeignHostError      the request calls the coordinator by a name that is not its own
    └── ForeignOriginError    another web site sent the request through an operator's browser
"""


class ServerError(Exception):
    """Base of every error this package raises for bad outside input."""


class StartError(ServerError):
    """The coordinator cannot start."""


class RoundError(ServerError):
    """A round cannot be closed."""


class FencedError(ServerError):
    """Another run has taken over."""


class CheckpointError(ServerError):
    """A stored training state cannot be used."""


class BudgetError(ServerError):
    """A round would spend more privacy than is left."""


class RequestError(ServerError):
    """One request is refused."""


class UnknownTokenError(RequestError):
    """No site has the presented token."""


class UnprovenSiteError(RequestError):
    """Who registers under a name of the roster has not proved that it is theirs."""


class NotFoundError(RequestError):
    """There is no such thing, or it belongs to another site."""


class ConflictError(RequestError):
    """The request contradicts what is stored."""


class TooLargeError(RequestError):
    """More bytes came than the coordinator takes."""


class DigestError(RequestError):
    """The bytes that came are not those that were announced."""


class MediaTypeError(RequestError):
    """Not a kind of content the coordinator takes."""


class MalformedError(RequestError):
    """A value cannot be read."""


class LengthMissingError(RequestError):
    """A body came without Content-Length."""


class ForeignHostError(RequestError):
    """The request calls the coordinator by a name that is not its own."""


class ForeignOriginError(RequestError):
    """Another web site sent the request through an operator's browser."""
