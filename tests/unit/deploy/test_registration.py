"""What Flower's commands print, and what is made of it."""

import subprocess

import pytest

from deploy.errors import DeployError
from deploy.registration import answer_of


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
            _ended("", "Error:\n no connection", 1),
            "flwr supernode register: expected JSON, got status 1: Error: no connection",
        ),
        (_ended("[]"), "flwr supernode register: expected an object, got list"),
        (_ended("{}"), "flwr supernode register: failed without a reason"),
    ],
)
def test_failure_is_one_line(ended: "subprocess.CompletedProcess[str]", problem: str) -> None:
    with pytest.raises(DeployError) as refused:
        answer_of(ended, "flwr supernode register")
    assert str(refused.value) == problem
