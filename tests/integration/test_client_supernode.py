"""The SuperNode beside the client: a real one, killed, left over, and stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fl_client import supervisor
from fl_client.supervisor import SuperNodeOptions, end_left_over, supernode_supervisor

PATIENCE_S = 30.0


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {PATIENCE_S} s")
        time.sleep(0.1)


@pytest.fixture
def options(tmp_path: Path) -> SuperNodeOptions:
    return SuperNodeOptions("127.0.0.1:9", "store42", tmp_path)  # nobody listens there: it tries for ever


def test_killed_supernode_is_started_again_and_closing_leaves_none(options: SuperNodeOptions) -> None:
    supernode = supernode_supervisor(options)
    supernode.start()
    log = options.state_dir / "supernode.log"
    wait_until(lambda: log.exists() and b"Starting Flower SuperNode" in log.read_bytes(), "started SuperNode")
    first = supernode.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: supernode.num_restarts == 1 and supernode.pid not in {None, first}, "restart")
    second = supernode.pid
    assert second is not None
    supernode.close()
    assert not psutil.pid_exists(second)
    assert "error:" not in log.read_text()  # it took every option we gave it


def test_supernode_a_killed_client_left_behind_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    left_over = subprocess.Popen(command, start_new_session=True)
    noted = tmp_path / "supernode.json"
    noted.write_text(json.dumps({"pid": left_over.pid, "started": psutil.Process(left_over.pid).create_time()}))
    end_left_over(noted)
    assert not psutil.pid_exists(left_over.pid)
    left_over.wait(timeout=PATIENCE_S)


def test_process_that_merely_has_the_number_is_left_alone(tmp_path: Path) -> None:
    noted = tmp_path / "supernode.json"
    noted.write_text(json.dumps({"pid": os.getpid(), "started": 1.0}))
    end_left_over(noted)
    noted.write_text("not JSON")
    end_left_over(noted)
    end_left_over(tmp_path / "missing.json")
    assert supervisor.is_loopback("127.0.0.1")
