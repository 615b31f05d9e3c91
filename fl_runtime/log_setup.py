"""Logging for commands: one JSON object a line, with the facts given in ``extra``.

Facts are printed as numbers, text, lists and mappings of these; anything else (a frame, an update, bytes) is named by
its type alone. Facts named like a secret are replaced, as are user names, passwords and queries in addresses.
"""

import datetime as dt
import enum
import json
import logging
import math
import re
import sys
from collections.abc import Mapping
from pathlib import PurePath
from typing import TextIO

_MAX_TEXT = 4000
_MAX_ITEMS = 50
_HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|private|credential|authorization|cookie|api_?key|mask_seed", re.IGNORECASE
)
_ADDRESS_SECRETS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?:[^\s\"'/]*@)?(?P<rest>[^\s?\"']*)(?P<query>\?\S*)?", re.IGNORECASE
)
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

Printable = dict[str, "Printable"] | list["Printable"] | str | int | float | bool | None


class JsonLinesFormatter(logging.Formatter):
    """Writes a record as one line of JSON: time (UTC), level, logger, message, facts and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, without its newline."""
        instant = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        line: dict[str, Printable] = {
            "time": instant,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _without_address_secrets(record.getMessage()),
        }
        facts = {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}
        line |= {name: _printable(name, value) for name, value in facts.items() if name not in line}
        if record.exc_info:
            line["traceback"] = _without_address_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class JsonLinesHandler(logging.StreamHandler[TextIO]):
    """The one handler commands install; its class tells it from handlers of others."""


def set_up_logging(level: str, stream: TextIO | None = None) -> None:
    """Sends every log record and Python warning to ``stream`` as JSON lines; replaces an earlier set-up.

    Args:
        level: The least level written: debug, info, warning, error or critical.
        stream: Where lines go; standard error when absent.

    Raises:
        ValueError: ``level`` is not one of these words.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None or level.lower() not in {"debug", "info", "warning", "error", "critical"}:
        raise ValueError(f"expected a level of debug, info, warning, error or critical, got {level!r}")
    handler = JsonLinesHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonLinesFormatter())
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one, JsonLinesHandler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(number)
    logging.captureWarnings(capture=True)


def _printable(name: str, value: object) -> Printable:
    if _SECRET_NAME.search(name) and not isinstance(value, (bool, type(None))):
        return _HIDDEN
    if isinstance(value, (str, PurePath, dt.datetime, dt.date, enum.Enum, BaseException)):
        text = str(value.value) if isinstance(value, enum.Enum) else str(value)
        return _without_address_secrets(text)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _printable_collection(name, value)


def _printable_collection(name: str, value: object) -> Printable:
    if isinstance(value, Mapping):
        return {str(key): _printable(str(key), item) for key, item in list(value.items())[:_MAX_ITEMS]}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_printable(name, item) for item in list(value)[:_MAX_ITEMS]]
    return f"<{type(value).__name__}>"


def _without_address_secrets(text: str) -> str:
    def shown(match: re.Match[str]) -> str:
        return match["scheme"] + match["rest"] + (f"?{_HIDDEN}" if match["query"] else "")

    hidden = _ADDRESS_SECRETS.sub(shown, text)
    return hidden if len(hidden) <= _MAX_TEXT else hidden[:_MAX_TEXT] + "…"
