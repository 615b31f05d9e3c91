"""Errors become responses here and nowhere else: ``{"error": {"code", "message"}}``."""

import logging
from collections.abc import Sequence

import fastapi
import sqlalchemy as sa
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from fl_protocol.messages import ErrorBody, ErrorDetail
from fl_server import errors

logger = logging.getLogger(__name__)

_MAX_MESSAGE = 2000
_STATUS_AND_CODE: dict[type[Exception], tuple[int, str]] = {
    errors.UnknownTokenError: (401, "unknown_token"),
    errors.UnprovenSiteError: (403, "unproven_site"),
    errors.NotFoundError: (404, "not_found"),
    errors.ConflictError: (409, "conflict"),
    errors.TooLargeError: (413, "too_large"),
    errors.MediaTypeError: (415, "media_type"),
    errors.DigestError: (422, "wrong_digest"),
    errors.MalformedError: (422, "malformed"),
    errors.LengthMissingError: (411, "length_required"),
    errors.ForeignHostError: (421, "foreign_host"),
    errors.ForeignOriginError: (403, "foreign_origin"),
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}


def error_response(status: int, code: str, message: str) -> JSONResponse:
    """The body and headers of one refused request."""
    body = ErrorBody(error=ErrorDetail(code=code, message=message[:_MAX_MESSAGE]))
    return JSONResponse(body.model_dump(), status_code=status, headers=_HEADERS.get(status))


def refusal(error: errors.RequestError) -> JSONResponse:
    """The response to a request we refuse."""
    status, code = _STATUS_AND_CODE[type(error)]
    return error_response(status, code, str(error))


def add_error_responses(app: fastapi.FastAPI) -> None:
    """Registers how each kind of error is answered."""
    app.add_exception_handler(errors.RequestError, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(sa.exc.OperationalError, _on_database)
    app.add_exception_handler(sa.exc.TimeoutError, _on_database)  # every connection was in use for too long
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_refusal(_request: fastapi.Request, error: Exception) -> JSONResponse:
    if not isinstance(error, errors.RequestError):
        raise TypeError("expected a RequestError") from error
    return refusal(error)


async def _on_invalid(_request: fastapi.Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    return error_response(422, "invalid", "; ".join(map(_one_problem, problems)))


async def _on_http(_request: fastapi.Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 400
    detail = str(error.detail) if isinstance(error, HTTPException) else "Bad request"
    return error_response(status, _HTTP_CODES.get(status, "refused"), detail)


async def _on_database(_request: fastapi.Request, error: Exception) -> JSONResponse:
    logger.error("database does not answer", exc_info=error)
    return error_response(503, "database_unavailable", "the database does not answer: try again in a few seconds")


async def _on_disconnect(_request: fastapi.Request, _error: Exception) -> JSONResponse:
    return error_response(400, "disconnected", "the connection ended before the request did")


async def _on_unexpected(_request: fastapi.Request, _error: Exception) -> JSONResponse:
    return error_response(500, "internal", "the coordinator failed; its log says why")


def _one_problem(problem: dict[str, object]) -> str:
    """One problem with its place; what came is not repeated: it may be a secret or long."""
    steps = problem["loc"] if isinstance(problem["loc"], Sequence) else ()
    return f"{'.'.join(str(step) for step in steps)}: {problem['msg']}"
