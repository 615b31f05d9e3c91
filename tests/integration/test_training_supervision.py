"""Flower's commands as the coordinator runs them, and the coordinator's own command."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fl_runtime.errors import FlowerCommandError
from fl_server.config import TrainingSupervision
from fl_server.errors import StartError
from fl_server.storage import open_storage
from fl_server.storage.trainings import list_trainings, want_training
from fl_server.supervision.bundle import read_bundle
from fl_server.supervision.flower_runs import FlowerRuns, _run
from tests.integration.test_server_api import CoordinatorProcess

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "deploy" / "flower-app"


@pytest.fixture
def settings(tmp_path: Path) -> TrainingSupervision:
    """A SuperLink that does not run."""
    home = tmp_path / "flower"
    home.mkdir()
    (home / "config.toml").write_text('[superlink.fleet]\naddress = "127.0.0.1:9"\ninsecure = true\n')
    return TrainingSupervision(app=BUNDLE, connection="fleet", home=home, poll_s=0.1)


def _configuration(folder: Path, settings: TrainingSupervision) -> Path:
    path = folder / "coordinator.yaml"
    path.write_text(json.dumps({"training": json.loads(settings.model_dump_json())}))
    return path


def test_superlink_that_does_not_run_is_told_in_one_line(tmp_path: Path, settings: TrainingSupervision) -> None:
    storage = open_storage(None, tmp_path / "state")
    training = want_training(storage, 1, {})
    storage.close()
    for ask in (FlowerRuns(settings).newest(), FlowerRuns(settings).start(training)):
        with pytest.raises(FlowerCommandError, match=r"^flwr (ls|run): Connection to the SuperLink is unavailable"):
            asyncio.run(ask)


def test_command_that_takes_too_long_is_killed(settings: TrainingSupervision) -> None:
    impatient = settings.model_copy(update={"command_timeout_s": 0.05})
    before = psutil.Process().children()
    with pytest.raises(FlowerCommandError, match=r"^flwr ls: no answer within 0.05 s$"):
        asyncio.run(FlowerRuns(impatient).newest())
    assert set(psutil.Process().children()) <= set(before)


def test_program_that_is_not_there_is_told() -> None:
    with pytest.raises(FlowerCommandError, match=r"^flwr ls: cannot be run: .*No such file"):
        asyncio.run(_run(["/nonexistent/flwr", "ls"], {}, 1.0))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[project", "expected a Flower app: Expected"),
        ('[project]\nname = "x"\n', "expected a Flower app, got one without tool"),
        ("tool = 3", "expected a Flower app: 'int' object is not subscriptable"),
    ],
)
def test_damaged_bundle_is_named(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "pyproject.toml").write_text(content)
    with pytest.raises(StartError) as refused:
        read_bundle(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path}/pyproject.toml: {problem}")


def test_coordinator_tells_why_nothing_runs_and_stops_at_once(tmp_path: Path, settings: TrainingSupervision) -> None:
    with CoordinatorProcess(tmp_path / "state", "--config", str(_configuration(tmp_path, settings))) as coordinator:
        wanted = coordinator.client.post("/v1/trainings", json={"num_rounds": 2}).raise_for_status().json()
        deadline = time.monotonic() + 60
        while (page := coordinator.client.get("/v1/trainings").json())["problem"] is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert page["problem"].startswith("flwr ls: Connection to the SuperLink is unavailable")
        assert page["trainings"] == [wanted]
        children = psutil.Process(coordinator._process.pid).children()
        assert coordinator.stop(signal.SIGTERM) == 0
        assert not any(child.is_running() for child in children)
    log = [json.loads(line) for line in (tmp_path / "server.log").read_text().splitlines()]
    assert [line["message"] for line in log].count("SuperLink does not do as asked") == 1


def test_operator_wants_a_training_by_command(tmp_path: Path, settings: TrainingSupervision) -> None:
    command = [sys.executable, "-m", "fl_server", "--config", str(_configuration(tmp_path, settings))]
    command += ["--state", str(tmp_path / "state"), "train", "--rounds", "5", "--option", "min-sites=3"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    storage = open_storage(None, tmp_path / "state")
    (wanted,) = list_trainings(storage, 10)
    storage.close()
    assert json.loads(ended.stdout) == {"training_id": wanted.training_id}
    assert (wanted.num_rounds, wanted.options, wanted.is_supervised) == (5, {"min-sites": 3}, True)
    refused = subprocess.run(
        [*command, "--option", "min-sites=many"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    (line,) = refused.stderr.splitlines()
    assert (refused.returncode, line) == (2, "error: option: expected NAME=VALUE, each name once, got 'min-sites=many'")
