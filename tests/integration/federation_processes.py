"""A whole federation on loopback, every part a process of its own: SuperLink, coordinator, sites, training runs.

What it starts is told from all other processes by ``FLWR_HOME`` in its environment, which children inherit. So
whatever outlives its parent, in whichever session, is found and ended too.
"""

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil

from fl_client.supervisor import ProcessSupervisor, SuperNodeOptions, supernode_supervisor, trainer_supervisor
from tests.fakes.tubelet_sites import fill_site

ROOT = Path(__file__).parents[2]
FLOWER_APP = ROOT / "deploy" / "flower-app"
PATIENCE_S = 400.0
"""Deadline of each wait. A wait ends as soon as what it waits for is there; this one is for slow and busy machines."""
STOP_PATIENCE_S = 60.0
_POLL_S = 0.25
_SHOWN_LINES = 40
_CONNECTION = "local"

Found = TypeVar("Found")


@dataclasses.dataclass(frozen=True)
class StartedProcess:
    """One process of the federation, with its standard output and its log."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    log: Path

    def tail(self) -> str:
        """The last lines it wrote."""
        lines = [line for path in (self.output, self.log) for line in path.read_text(errors="replace").splitlines()]
        return f"--- {self.name}, status {self.process.poll()}\n" + "\n".join(lines[-_SHOWN_LINES:]) + "\n"


@dataclasses.dataclass(frozen=True)
class RunningSite:
    """One ``python -m fl_client``."""

    name: str
    state: Path
    started: StartedProcess

    def ask_to_stop(self) -> None:
        """Asks it to end in good order."""
        self.started.process.terminate()

    def summary(self) -> dict[str, Any]:
        """Waits for its end; returns the summary it prints then."""
        status = self.started.process.wait(STOP_PATIENCE_S)
        assert status == 0, f"{self.name} ended with {status}"
        summary = json.loads(self.started.output.read_text())
        assert isinstance(summary, dict)
        return summary

    def logged(self) -> list[dict[str, Any]]:
        """Its log, line by line."""
        return [json.loads(line) for line in self.started.log.read_text().splitlines()]


class Federation:
    """SuperLink and coordinator, and whatever is started beside them; a context manager that leaves no process.

    Args:
        folder: Where everything is written. Must not exist yet in another federation's use.

    Attributes:
        client: Talks to the coordinator.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True)
        self._flower_home = folder / "flower"
        self._started: list[StartedProcess] = []
        self._superlink = f"127.0.0.1:{_free_port()}"
        self.server_state = folder / "coordinator"
        self.client = httpx.Client()

    def __enter__(self) -> Self:
        try:
            self._start_superlink()
            self._start_coordinator()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        self.client.close()
        self.end_all()
        if kind is not None:
            sys.stdout.writelines(started.tail() for started in self._started)
            sys.stdout.writelines(_file_tail(path) for path in sorted(self._folder.glob("*/supernode.log")))

    def start_site(self, name: str, film: Path, learn_for_s: float) -> RunningSite:
        """Starts a client that watches ``film`` in real time and takes part in training."""
        state = self._folder / name
        command = [sys.executable, "-m", "fl_client", "--site", name, "--source", str(film), "--state", str(state)]
        command += ["--learn-for", str(learn_for_s), "--superlink", self._superlink]
        command += ["--coordinator", str(self.client.base_url)]
        return RunningSite(name, state, self._start(name, command))

    @property
    def superlink(self) -> str:
        """HOST:PORT of the SuperLink."""
        return self._superlink

    def train(self, num_rounds: int, min_sites: int = 2, options: str = "") -> StartedProcess:
        """Starts a training run."""
        options += f" num-rounds={num_rounds} num-steps=4 min-sites={min_sites} deadline-s={PATIENCE_S}"
        options += f' state="{self.server_state}"'
        command = ["flwr", "run", str(FLOWER_APP), _CONNECTION, "--run-config", options, "--stream"]
        return self._start(f"run-{len(self._started)}", command)

    def get(self, path: str) -> bytes | None:
        """What the coordinator answers, or None where it knows nothing of that."""
        response = self.client.get(path)
        return None if response.status_code == httpx.codes.NOT_FOUND else response.raise_for_status().content

    def wait_for(self, find: Callable[[], Found | None], what: str, run: StartedProcess | None = None) -> Found:
        """Waits until ``find`` returns something true.

        Raises:
            AssertionError: A process has ended that should not have, or the time is over.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not (found := find()):
            for started in self._started:
                is_lasting = not started.name.startswith("run-")
                assert not is_lasting or started.process.poll() is None, f"{started.name} ended; no {what}"
            assert run is None or not run.process.poll(), f"{run and run.name} failed; no {what}"
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S:g} s"
            time.sleep(_POLL_S)
        return found

    def programs_left(self) -> set[str]:
        """Names of the programs of this federation that run."""
        words = [Path(word).name for process in self._left_over() for word in _command_line(process)[:2]]
        return set(words)

    def end_all(self) -> None:
        """Ends all that still runs: asks first, sites before what they talk to, then kills."""
        for started in reversed(self._started):
            started.process.terminate()
        _wait_all([started.process for started in self._started], STOP_PATIENCE_S / 2)
        for process in self._left_over():
            process.kill()
        _wait_all([started.process for started in self._started], STOP_PATIENCE_S / 2)

    def _start_superlink(self) -> None:
        host, port = self._superlink.split(":")
        self._flower_home.mkdir()
        connection = f'[superlink.{_CONNECTION}]\naddress = "{self._superlink}"\ninsecure = true\n'
        (self._flower_home / "config.toml").write_text(connection)
        command = ["flower-superlink", "--insecure", "--host", host, "--port", port]
        command += ["--database", str(self._folder / "superlink.db"), "--disable-runtime-dependency-installation"]
        self._start("superlink", command)
        self.wait_for(lambda: _accepts(host, int(port)), "listening SuperLink")

    def _start_coordinator(self) -> None:
        command = [sys.executable, "-m", "fl_server", "--port", "0", "--state", str(self.server_state)]
        output = self._start("coordinator", command).output
        self.wait_for(lambda: output.read_text().endswith("\n"), "listening coordinator")
        self.client = httpx.Client(base_url=json.loads(output.read_text())["address"], timeout=30.0)

    def _start(self, name: str, command: list[str]) -> StartedProcess:
        output, log = self._logs / f"{name}.out", self._logs / f"{name}.log"
        with output.open("wb") as out, log.open("wb") as err:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self._environment()
            )
        self._started.append(StartedProcess(name, process, output, log))
        return self._started[-1]

    def _environment(self) -> dict[str, str]:
        settings = {
            "FLWR_HOME": str(self._flower_home),
            "FLWR_TELEMETRY_ENABLED": "0",
            "FLWR_DISABLE_UPDATE_CHECK": "1",
            "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.1",
            "OMP_NUM_THREADS": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        return os.environ | settings

    def _left_over(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            is_running = process.status() != psutil.STATUS_ZOMBIE
            return is_running and process.environ().get("FLWR_HOME") == str(self._flower_home)
        except psutil.Error:  # gone, or not ours to ask about
            return False


def site_supervisors(
    folder: Path, membership: Mapping[str, bytes], superlink: str
) -> tuple[ProcessSupervisor, ProcessSupervisor]:
    """Trainer and SuperNode of a new site with a few tubelets, named as its folder: "site" and a number."""
    membership_dir = folder / "membership"
    membership_dir.mkdir(parents=True)
    for name, content in membership.items():
        (membership_dir / name).write_bytes(content)
    fill_site(folder, int(folder.name.removeprefix("site")))
    supernode = SuperNodeOptions(superlink, folder.name, folder, membership_dir=membership_dir)
    return trainer_supervisor(folder, membership_dir), supernode_supervisor(supernode)


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


def _wait_all(processes: list[subprocess.Popen[bytes]], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _file_tail(path: Path) -> str:
    return f"--- {path}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]) + "\n"


def _accepts(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
