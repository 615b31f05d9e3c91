"""A federation as an operator sets it up: folders from ``python -m deploy``, programs from its start scripts, nginx."""

import contextlib
import dataclasses
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import httpx
import psutil

from deploy.__main__ import app
from deploy.errors import DeployError
from fl_client.supervisor import ProcessSupervisor, SuperNodeOptions, supernode_supervisor
from fl_protocol.errors import ProtocolError
from fl_runtime.command import run_command

ROOT = Path(__file__).parents[2]
PARTS = ("superlink", "coordinator", "proxy", "superexec")
PATIENCE_S = 180.0
"""Deadline of each wait. A wait ends as soon as what it waits for is there; this one is for slow machines."""
_POLL_S = 0.1
_SHOWN_LINES = 30
_ROLL_CALL = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "rollcall"
version = "0.1.0"
license = "Apache-2.0"
dependencies = []
[tool.flwr.app]
publisher = "edgeguard"
[tool.flwr.app.components]
serverapp = "tests.fakes.flower_roll_call:server_app"
clientapp = "tests.fakes.flower_roll_call:client_app"
[tool.flwr.app.config]
num-sites = 1
patience-s = 60.0
out = ""
"""


@dataclasses.dataclass(frozen=True)
class Ports:
    """Where everything listens, all on loopback."""

    fleet: int
    api: int
    superlink: int
    coordinator: int


class SecureFederation:
    """Operator, coordinator and boxes in one folder; a context manager that leaves no process.

    Args:
        folder: Where everything is written. Its path needs no quoting.
        parts: The programs of the coordinator that run, in the order they are started.

    Attributes:
        ports: Where everything listens.
    """

    def __init__(self, folder: Path, parts: Sequence[str] = PARTS) -> None:
        self._folder = folder
        self._parts = parts
        self._federation = folder / "federation"
        self.coordinator_folder = self._federation / "coordinator"
        self.ports = Ports(*_free_ports(4))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._supervisors: list[ProcessSupervisor] = []

    def __enter__(self) -> Self:
        try:
            self._set_up()
            self._start_coordinator_programs()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        for supervisor in self._supervisors:
            supervisor.close()
        for process in self._processes.values():
            _end_with_children(process)
        if kind is not None:
            for path in [*self._folder.glob("*.log"), *self._folder.glob("boxes/*/state/supernode.log")]:
                sys.stdout.write(f"--- {path}\n" + "\n".join(path.read_text().splitlines()[-_SHOWN_LINES:]) + "\n")

    def deploy(self, *arguments: str | Path) -> int:
        """Runs one command of ``python -m deploy``; returns its status."""
        try:
            run_command(app, DeployError, ProtocolError, arguments=[str(argument) for argument in arguments])
        except SystemExit as ended:
            return int(str(ended.code))
        raise AssertionError("a command ends its process")

    def enrol(self, site: str) -> Path:
        """All steps that make a box a site, except the coordinator's last; returns the box's folder."""
        box, enrolment, answer = self.box(site), self._folder / f"{site}.enrolment", self._folder / f"{site}.answer"
        folder = self._federation
        assert self.deploy("enrol", "--site", site, "--folder", folder, "--out", enrolment) == 0
        assert self.deploy("join", "--enrolment", enrolment, "--state", box) == 0
        assert self.deploy("admit", "--request", box / "request.json", "--folder", folder, "--out", answer) == 0
        assert self.deploy("accept", "--answer", answer, "--state", box) == 0
        return box

    def revoke(self, site: str) -> None:
        """Takes a site out of the roster."""
        assert self.deploy("revoke", "--site", site, "--folder", self._federation) == 0

    def apply(self) -> str:
        """What the coordinator does when it got a new roster; returns what it prints."""
        command = [self.coordinator_folder / "bin" / "apply"]
        ended = subprocess.run(command, cwd=ROOT, check=False, env=_environment(), stdout=subprocess.PIPE, text=True)
        assert ended.returncode == 0
        return ended.stdout

    def lose_superlink(self) -> None:
        """Ends the SuperLink, and starts one that has nothing of its database."""
        _end_with_children(self._processes.pop("superlink"))
        for path in (self.coordinator_folder / "state").glob("superlink.db*"):
            path.unlink()
        self._start_and_wait("superlink")

    def box(self, site: str) -> Path:
        """Folder of a site's box."""
        return self._folder / "boxes" / site

    def start_supernode(self, site: str, key: Path | None = None) -> ProcessSupervisor:
        """Starts the SuperNode of a box under the client's own supervisor, through the proxy."""
        state = self.box(site) / "state"
        options = SuperNodeOptions(
            f"localhost:{self.ports.fleet}", site, state, self.authority, key or self.box(site) / "supernode.key"
        )
        supervisor = supernode_supervisor(options)
        supervisor.start()
        self._supervisors.append(supervisor)
        return supervisor

    @property
    def authority(self) -> Path:
        """The authority that vouches for the coordinator."""
        return self.coordinator_folder / "ca.pem"

    def supernode_log(self, site: str) -> str:
        """What a site's SuperNode wrote."""
        path = self.box(site) / "state" / "supernode.log"
        return path.read_text() if path.exists() else ""

    def roll_call(self, num_sites: int) -> list[str]:
        """Asks every connected node for its name in a run of its own, once ``num_sites`` are there."""
        bundle, out = self._folder / "rollcall", self._folder / "rollcall.json"
        bundle.mkdir(exist_ok=True)
        (bundle / "pyproject.toml").write_text(_ROLL_CALL)
        out.unlink(missing_ok=True)
        home = {"FLWR_HOME": str(self.coordinator_folder / "state" / "flower")}
        options = f'num-sites={num_sites} patience-s={PATIENCE_S} out="{out}"'
        flwr = str(Path(sys.executable).with_name("flwr"))
        command = [flwr, "run", str(bundle), "fleet", "--run-config", options]
        log = self._folder / "run.log"
        with log.open("ab") as written:
            ended = subprocess.run(
                command, cwd=ROOT, env=_environment() | home, stdout=written, stderr=written, check=False
            )
        assert ended.returncode == 0, log.read_text()
        wait_for(lambda: out.exists() and out.read_text(), "roll call", PATIENCE_S + 60)
        names = json.loads(out.read_text())
        assert isinstance(names, list)
        return names

    def through_proxy(self) -> httpx.Client:
        """What any machine can reach of the SuperLink."""
        return self._client(self.ports.fleet)

    def behind_proxy(self) -> httpx.Client:
        """What a program on the coordinator's own machine can reach of the SuperLink."""
        return self._client(self.ports.superlink)

    def api(self) -> httpx.Client:
        """What any machine can reach of the coordinator."""
        return self._client(self.ports.api)

    def status_of(self, request_line: str) -> int:
        """Status the proxy gives to a request line sent byte for byte, which no HTTP library would tidy up."""
        context = ssl.create_default_context(cafile=str(self.authority))
        with (
            socket.create_connection(("127.0.0.1", self.ports.fleet), timeout=PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as line,
        ):
            line.sendall(f"{request_line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
            return int(line.recv(4096).split(b" ")[1])

    def speak_tls(self, version: ssl.TLSVersion) -> str | None:
        """Connects to the proxy with this version of TLS alone; returns the one agreed on."""
        context = ssl.create_default_context(cafile=str(self.authority))
        context.set_ciphers("DEFAULT@SECLEVEL=0")  # our side must not be the one that refuses
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", self.ports.api), timeout=PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as line,
        ):
            return line.version()

    def _client(self, port: int) -> httpx.Client:
        context = ssl.create_default_context(cafile=str(self.authority))
        return httpx.Client(base_url=f"https://localhost:{port}", verify=context, timeout=PATIENCE_S)

    def _set_up(self) -> None:
        ports = {f"--{name}-port": port for name, port in dataclasses.asdict(self.ports).items()}
        options = [str(word) for pair in ports.items() for word in pair]
        places = ("--installed-at", self.coordinator_folder, "--environment", sys.prefix, "--listen", "127.0.0.1")
        assert self.deploy("init", "--folder", self._federation, "--host", "localhost", *options, *places) == 0

    def _start_coordinator_programs(self) -> None:
        as_root = ["-g", "user root;"] if os.geteuid() == 0 else []  # its workers may read this test's folders then
        for part in self._parts:
            self._start_and_wait(part, *(as_root if part == "proxy" else ()))

    def _start_and_wait(self, part: str, *arguments: str) -> None:
        self._start(part, *arguments)
        for port in self._ports_of(part):
            wait_for(lambda port=port: _accepts(port), f"listener: {part}")  # type: ignore[misc]  # bound here

    def _ports_of(self, part: str) -> tuple[int, ...]:
        ports = self.ports
        listening = {"superlink": (ports.superlink,), "coordinator": (ports.coordinator,)}
        return listening.get(part, (ports.fleet, ports.api) if part == "proxy" else ())

    def _start(self, part: str, *arguments: str) -> None:
        with (self._folder / f"{part}.log").open("wb") as log:
            self._processes[part] = subprocess.Popen(
                [self.coordinator_folder / "bin" / part, *arguments],
                cwd=ROOT,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def wait_for(is_so: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Waits until ``is_so`` returns something true.

    Raises:
        AssertionError: The time is over.
    """
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline, f"no {what} within {patience_s:g} s"
        time.sleep(_POLL_S)


def _environment() -> dict[str, str]:
    settings = {"PYTHONPATH": str(ROOT), "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.05", "OMP_NUM_THREADS": "1"}
    return os.environ | settings


def _end_with_children(process: subprocess.Popen[bytes]) -> None:
    """Ends a program and all it started: asks first."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for end in (psutil.Process.terminate, psutil.Process.kill):
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    end(member)
            _, family = psutil.wait_procs(family, timeout=10)
    process.wait()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
