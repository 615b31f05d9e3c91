"""What Flower's commands print, and what is made of it."""

import subprocess
from pathlib import Path

import pytest

from fl_runtime.errors import FlowerCommandError
from fl_runtime.flower_command import answer_of, flower_environment, flower_program


def _ended(stdout: str, stderr: str = "", status: int = 0) -> "subprocess.CompletedProcess[str]":
    return subprocess.CompletedProcess([], status, stdout, stderr)


def test_answer_is_read() -> None:
    assert answer_of(_ended('{"success": true, "node-id": 7}'), "flwr")["node-id"] == 7


@pytest.mark.parametrize(
    ("ended", "problem"),
    [
        (
            _ended('{"success": false, "error-message": "Public key already in use.\\n"}', status=1),
            "flwr supernode register: Public key already in use.",
        ),
        (
            _ended(
                '{"success": false, "error-message": "SuperLink: fleet\\n\\n[code: 15] Invalid run configuration."}'
            ),
            "flwr supernode register: [code: 15] Invalid run configuration.",
        ),
        (
            _ended("", "Error:\n no connection", 1),
            "flwr supernode register: expected JSON, got status 1: Error: no connection",
        ),
        (_ended("[]"), "flwr supernode register: expected an object, got list"),
        (_ended("{}"), "flwr supernode register: failed without a reason"),
    ],
)
def test_failure_is_one_line(ended: "subprocess.CompletedProcess[str]", problem: str) -> None:
    with pytest.raises(FlowerCommandError) as refused:
        answer_of(ended, "flwr supernode register")
    assert str(refused.value) == problem


def test_command_finds_its_connections_and_reports_to_nobody() -> None:
    environment = flower_environment(Path("/srv/flower"))
    assert environment["FLWR_HOME"] == "/srv/flower"
    assert environment["FLWR_TELEMETRY_ENABLED"] == "0"
    assert environment["FLWR_DISABLE_UPDATE_CHECK"] == "1"
    assert "PATH" in environment
    assert Path(flower_program()).is_file()
