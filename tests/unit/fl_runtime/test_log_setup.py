"""Logs are JSON lines that never hold secrets, frames or stream addresses with passwords."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
import pytest

from fl_runtime.log_setup import JsonLinesHandler, set_up_logging

logger = logging.getLogger("fl_runtime.test")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    level = root.level
    lines = io.StringIO()
    set_up_logging("info", lines)
    yield lines
    logging.captureWarnings(capture=False)
    root.setLevel(level)
    for handler in [one for one in root.handlers if isinstance(one, JsonLinesHandler)]:
        root.removeHandler(handler)


def _only_line(stream: io.StringIO) -> dict[str, object]:
    (text,) = stream.getvalue().splitlines()
    line: dict[str, object] = json.loads(text)
    return line


def test_a_record_is_one_line_with_its_facts(stream: io.StringIO) -> None:
    logger.info("round closed", extra={"round_number": 7, "duration_s": 42.5, "sites": ("a", "b"), "model": None})
    line = _only_line(stream)
    assert str(line.pop("time")).endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "fl_runtime.test",
        "message": "round closed",
        "round_number": 7,
        "duration_s": 42.5,
        "sites": ["a", "b"],
        "model": None,
    }


def test_records_below_the_level_are_left_out(stream: io.StringIO) -> None:
    logger.debug("step")
    assert stream.getvalue() == ""


def test_setting_up_twice_writes_each_record_once(stream: io.StringIO) -> None:
    set_up_logging("info", stream)
    logger.info("once")
    assert _only_line(stream)["message"] == "once"


def test_facts_named_like_secrets_are_hidden(stream: io.StringIO) -> None:
    logger.info("x", extra={"api_token": "abc", "nested": {"Password": "abc"}, "private_key": b"abc", "mask_seed": 1})
    line = _only_line(stream)
    assert "abc" not in stream.getvalue()
    assert {line["api_token"], line["private_key"], line["mask_seed"]} == {"[hidden]"}
    assert line["nested"] == {"Password": "[hidden]"}


@pytest.mark.parametrize("address", ["rtsp://admin:pa@ss@10.0.0.7/main", "RTSP://admin@10.0.0.7/main?auth=pa@ss"])
def test_addresses_lose_user_password_and_query(stream: io.StringIO, address: str) -> None:
    logger.info("opened %s", address, extra={"source": f"'{address}' failed"})
    assert "10.0.0.7/main" in stream.getvalue()
    assert "admin" not in stream.getvalue()
    assert "ss@" not in stream.getvalue()
    assert "auth" not in stream.getvalue()


def test_a_traceback_is_part_of_the_line_and_hides_addresses(stream: io.StringIO) -> None:
    error = OSError("cannot open rtsp://admin:hunter2@camera/1")
    logger.error("camera lost", exc_info=error)
    traceback = str(_only_line(stream)["traceback"])
    assert "OSError: cannot open rtsp://camera/1" in traceback
    assert "hunter2" not in traceback


def test_arrays_and_bytes_are_named_by_type_alone(stream: io.StringIO) -> None:
    logger.info("x", extra={"frame": np.full((2, 2), 77), "blob": b"MM", "at": PurePosixPath("/a/b")})
    line = _only_line(stream)
    assert (line["frame"], line["blob"], line["at"]) == ("<ndarray>", "<bytes>", "/a/b")


def test_numbers_that_json_lacks_become_text(stream: io.StringIO) -> None:
    logger.info("x", extra={"loss": float("nan")})
    assert _only_line(stream)["loss"] == "nan"


def test_long_facts_are_cut(stream: io.StringIO) -> None:
    logger.info("x" * 10_000, extra={"all": list(range(1000))})
    assert len(stream.getvalue()) < 5000


def test_a_fact_cannot_replace_the_level(stream: io.StringIO) -> None:
    logger.info("x", extra={"level": "fake", "time": "fake"})
    assert _only_line(stream)["level"] == "info"


def test_python_warnings_become_lines(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        set_up_logging("info", stream)
        warnings.warn("old call", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "old call" in str(_only_line(stream)["message"])


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a level of debug, info, warning, error or critical, got 'loud'"):
        set_up_logging("loud")
