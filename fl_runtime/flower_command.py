"""Flower's command line: what ``flwr`` needs around it, and what it answers.

With ``--format json`` a command prints one object. Its exit status says nothing: it is 0 for most failures, too.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fl_runtime.errors import FlowerCommandError

_SHOWN = 300


def flower_program() -> str:
    """``flwr`` beside our interpreter, whatever the search path says."""
    return str(Path(sys.executable).with_name("flwr"))


def flower_environment(home: Path) -> dict[str, str]:
    """Environment of a command that finds its connections in ``home``, and reports to nobody."""
    own = {"FLWR_HOME": str(home.absolute()), "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}
    return os.environ | own


def answer_of(ended: "subprocess.CompletedProcess[str]", what: str) -> Mapping[str, Any]:
    """The JSON object that a command of Flower printed.

    Args:
        ended: The command, run with ``--format json``.
        what: What to call it in an error.

    Raises:
        FlowerCommandError: It printed something else, or says that it failed.
    """
    try:
        answer = json.loads(ended.stdout)
    except ValueError as error:
        said = " ".join(f"{ended.stdout} {ended.stderr}".split())[-_SHOWN:]
        raise FlowerCommandError(f"{what}: expected JSON, got status {ended.returncode}: {said}") from error
    if not isinstance(answer, dict):
        raise FlowerCommandError(f"{what}: expected an object, got {type(answer).__name__}")
    if not answer.get("success"):
        # Flower puts all it said before the failure in front of it.
        reason = str(answer.get("error-message") or "failed without a reason").strip().rpartition("\n")[2]
        raise FlowerCommandError(f"{what}: {' '.join(reason.split())}")
    return answer
