"""A federation on loopback whose programs are killed: each is started again by a supervisor, as systemd would.

SuperLink (process isolation, database), SuperExec, coordinator, server app, SuperNodes and trainers are the real ones,
and their rounds are secure. The server app can be held at named instants (``tests.fakes.held_server_app``). What
belongs to a federation is told by ``FLWR_HOME`` in its environment.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil
import pytest
import sqlalchemy as sa

from fl_client.supervisor import ProcessSupervisor
from fl_protocol.membership import make_federation
from fl_server.config import TrainingSupervision
from fl_server.storage import open_storage
from fl_server.storage.tables import TrainingStateRow
from fl_server.storage.trainings import find_training
from fl_server.supervision.flower_runs import FlowerRuns
from tests.fakes.held_server_app import HOLDS
from tests.integration.federation_processes import site_supervisors

ROOT = Path(__file__).parents[2]
SUPERLINK, SUPEREXEC, COORDINATOR = "superlink", "superexec", "coordinator"
SERVER_APP, SUPERNODE, TRAINER = "flwr-serverapp", "supernode", "trainer"
PROGRAMS = (SUPERNODE, SUPERLINK, SUPEREXEC, COORDINATOR, SERVER_APP, TRAINER)
MACHINE = "machine"
"""All of them at once."""
PATIENCE_S = 400.0
"""Deadline of each wait. A wait ends as soon as what it waits for is there; this one is for slow and busy machines."""
_APP = ROOT / "deploy" / "flower-app" / "pyproject.toml"
_POLL_S = 0.25
_MAX_STARTS = 12
"""In a row without a round: more than any kill here accounts for."""
_SHOWN_LINES = 40

Found = TypeVar("Found")


@dataclasses.dataclass(frozen=True)
class Ended:
    """What a training left behind."""

    status: str
    num_committed: int
    round_numbers: tuple[int, ...]
    """In the order they were closed."""
    model_round: int
    """Round of the model in force; 0 for none."""


@dataclasses.dataclass(frozen=True)
class Committed:
    """What a round left in the database."""

    round_number: int
    lease_epoch: int
    """Of the run that committed it."""
    secure_epoch: int


class CrashFederation:
    """Programs that may be killed at any instant; a context manager that leaves none.

    Args:
        folder: Where everything is written.
        monkeypatch: Sets what the programs find in their environment.
        num_sites: Three is the least of a secure round, and each is needed then; of five one may drop out.
        database: SQLAlchemy's address of the coordinator's; None is a SQLite file.
    """

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, num_sites: int, database: str | None = None
    ) -> None:
        self._database = database
        self._folder, self._home, self._state = folder, folder / "flower", folder / "coordinator"
        self._superlink, self._coordinator = (f"127.0.0.1:{port}" for port in _free_ports(2))
        self._holds = folder / "holds"
        environment = {"FLWR_HOME": str(self._home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        environment |= {"FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.2", HOLDS: str(self._holds)}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        self._supervisors: dict[str, ProcessSupervisor] = {}
        self._sites = [f"site{number}" for number in range(num_sites)]
        self._places = itertools.cycle(self._sites)
        self._flower_runs = FlowerRuns(
            TrainingSupervision(app=folder / "flower-app", connection="local", home=self._home)
        )
        self.client = httpx.Client(base_url=f"http://{self._coordinator}", timeout=30.0)

    def __enter__(self) -> Self:
        try:
            memberships = self._write_files()
            for name, command in self._commands().items():
                self._start(name, ProcessSupervisor(name, self._folder, lambda command=command: command))  # type: ignore[misc]  # bound here
            for site, membership in memberships.items():
                trainer, supernode = site_supervisors(self._folder / site, membership, self._superlink)
                self._start(f"{TRAINER} {site}", trainer)
                self._start(f"{SUPERNODE} {site}", supernode)
            self.wait_for(lambda: self.get("/v1/health"), "coordinator")
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        self.client.close()
        for supervisor in reversed(self._supervisors.values()):
            supervisor.close()
        for process in self._processes():
            process.kill()
        if kind is not None:
            for path in sorted([*self._folder.glob("*.log"), *self._folder.glob("*/*.log")]):
                lines = path.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]
                sys.stdout.write(f"--- {path}\n" + "\n".join(lines) + "\n")

    def want(self, num_rounds: int) -> str:
        """Wants a training; returns its number."""
        response = self.client.post("/v1/trainings", json={"num_rounds": num_rounds}).raise_for_status()
        return str(response.json()["training_id"])

    def training(self, training_id: str) -> Mapping[str, Any]:
        """A training as the coordinator tells it; waits for a coordinator that is being started."""
        return self.wait_for(lambda: self.get(f"/v1/trainings/{training_id}"), "answer of the coordinator")

    def num_committed(self, training_id: str) -> int:
        """Rounds that a training has.

        Raises:
            AssertionError: Run after run has failed.
        """
        training = self.training(training_id)
        assert training["num_starts"] < _MAX_STARTS, training["problem"]
        return int(training["num_committed"])

    def ended(self, training_id: str) -> Ended:
        """Waits until a training has ended; returns what is there then."""
        self.wait_for(
            lambda: self.num_committed(training_id) >= 0 and self.training(training_id)["status"] != "wanted",
            "end of the training",
        )
        training, rounds = self.training(training_id), self.get("/v1/rounds") or {}
        numbers = [one["round_number"] for one in rounds["rounds"] if one["training_id"] == training_id]
        model = self.get("/v1/models/latest") or {"round_number": 0}
        return Ended(training["status"], training["num_committed"], tuple(reversed(numbers)), model["round_number"])

    def get(self, path: str) -> Mapping[str, Any] | None:
        """What the coordinator answers; None while it does not, or knows nothing of that."""
        try:
            response = self.client.get(path)
        except httpx.TransportError:
            return None
        return None if response.status_code == httpx.codes.NOT_FOUND else response.raise_for_status().json()

    def committed(self) -> tuple[Committed, ...]:
        """The rounds in the database, in their order."""
        storage = open_storage(self._database, self._state)
        row = TrainingStateRow
        asked = sa.select(row.round_number, row.lease_epoch, row.secure_epoch).order_by(row.id)
        with storage.reading() as session:
            rounds = tuple(Committed(number, lease, epoch or 0) for number, lease, epoch in session.execute(asked))
        storage.close()
        return rounds

    def start_run(self, training_id: str) -> None:
        """Starts a run of a training by hand, whether one is live or not."""
        storage = open_storage(self._database, self._state)
        training = find_training(storage, training_id)
        storage.close()
        asyncio.run(self._flower_runs.start(training))

    def problems(self) -> tuple[str, ...]:
        """How runs failed, by what Flower lists."""
        return tuple(run.problem for run in asyncio.run(self._flower_runs.newest()) if run.problem is not None)

    def hold(self, instant: str) -> None:
        """Has the server app that next gets to an instant wait there."""
        self._holds.joinpath(instant).touch()

    def held(self, instant: str) -> int:
        """Waits until a server app is held at an instant; returns its process number."""
        path = self.wait_for(lambda: next(self._holds.glob(f"{instant}.*"), None), f"server app at {instant}")
        return int(path.suffix.removeprefix("."))

    def release(self, instant: str) -> None:
        """Lets the server app that is held at an instant go on, if it still runs."""
        for path in self._holds.glob(f"{instant}.*"):
            path.unlink()

    def end(self, program: str, number: signal.Signals = signal.SIGKILL) -> str | None:
        """Ends one of ``PROGRAMS``, or ``MACHINE``; returns which, and None where no server app runs that was to end.

        Of sites it is the next one's in turn that runs.
        """
        pids = self.server_apps() if program in {SERVER_APP, MACHINE} else []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if program == SERVER_APP:
            return program if pids else None
        restarts = {name: supervisor.num_restarts for name, supervisor in self._supervisors.items()}
        ended = self.wait_for(lambda: self._ended(program, number), f"running {program}")
        for name in ended:
            self.wait_for(lambda: self._supervisors[name].num_restarts > restarts[name], f"restart of {name}")  # noqa: B023  called now
        return program if program == MACHINE else ended[0]

    def _ended(self, program: str, number: signal.Signals) -> list[str]:
        """Ends the programs of that name that run; of sites one."""
        if program in {SUPERNODE, TRAINER}:
            in_turn = (f"{program} {site}" for site in itertools.islice(self._places, len(self._sites)))
            return list(itertools.islice(filter(lambda name: self._killed(name, number), in_turn), 1))
        names = list(self._supervisors) if program == MACHINE else [program]
        return [name for name in names if self._killed(name, number)]

    def _killed(self, name: str, number: signal.Signals) -> bool:
        """Ends a program, if it runs."""
        leader = self._supervisors[name].pid
        if leader is None or not psutil.pid_exists(leader):
            return False
        os.kill(leader, number)
        return True

    def server_apps(self) -> list[int]:
        """Process numbers of the server apps that run."""
        return [process.pid for process in self._processes() if _program(process) == SERVER_APP]

    def wait_for(self, find: Callable[[], Found | None], what: str) -> Found:
        """Waits until ``find`` returns something true.

        Raises:
            AssertionError: The time is over.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not (found := find()):
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S:g} s"
            time.sleep(_POLL_S)
        return found

    def _start(self, name: str, supervisor: ProcessSupervisor) -> None:
        self._supervisors[name] = supervisor
        supervisor.start()
        if name == SUPERLINK:  # the others would only try in vain, and wait longer and longer
            self.wait_for(lambda: _accepts(self._superlink), "listening SuperLink")

    def _commands(self) -> dict[str, list[str]]:
        programs, (host, port) = Path(sys.executable).parent, self._superlink.split(":")
        secret = ["--superexec-auth-secret-file", str(self._folder / "secret")]
        superlink = [str(programs / "flower-superlink"), "--insecure", "--host", host, "--port", port, *secret]
        superlink += ["--database", str(self._folder / "superlink.db"), "--isolation", "process"]
        superlink += ["--disable-runtime-dependency-installation"]
        superexec = [str(programs / "flower-superexec"), "--insecure", "--runtime-api-address", self._superlink]
        coordinator = [sys.executable, "-m", "fl_server", "--config", str(self._folder / "coordinator.yaml")]
        return {SUPERLINK: superlink, SUPEREXEC: [*superexec, *secret], COORDINATOR: coordinator}

    def _write_files(self) -> dict[str, dict[str, bytes]]:
        """Everything but the sites' own; returns their memberships."""
        self._home.mkdir()
        self._holds.mkdir()
        made = make_federation("test", self._sites)
        roster, operator_key = self._folder / "roster.json", self._folder / "operator.pub"
        roster.write_bytes(made.signed_roster)
        operator_key.write_text(made.operator_key.hex())
        (self._home / "config.toml").write_text(f'[superlink.local]\naddress = "{self._superlink}"\ninsecure = true\n')
        (self._folder / "secret").write_text(secrets.token_hex())
        app = self._folder / "flower-app"
        app.mkdir()
        replaced = {
            'serverapp = "fl_server.server_app:app"': 'serverapp = "tests.fakes.held_server_app:app"',
            "deadline-s = 600.0": "deadline-s = 60.0",  # a message to a SuperNode that was killed is waited for
            "straggler-floor-s = 15.0": "straggler-floor-s = 5.0",
            "num-steps = 16": "num-steps = 4",
            "min-sites = 2": "min-sites = 3",
            'roster = ""': f'roster = "{roster}"',
            'operator-key = ""': f'operator-key = "{operator_key}"',
            'state = "state"': f'state = "{self._state}"',
            'database = ""': f'database = "{self._database or ""}"',
        }
        text = _APP.read_text()
        for usual, own in replaced.items():
            assert usual in text
            text = text.replace(usual, own)
        (app / "pyproject.toml").write_text(text)
        training = {"app": str(app), "connection": "local", "home": str(self._home)}
        training_s = {"poll_s": 6.0, "first_pause_s": 1.0, "longest_pause_s": 4.0}
        host, port = self._coordinator.split(":")
        config = {"host": host, "port": int(port), "state_folder": str(self._state), "database": self._database}
        config["training"] = training | training_s
        (self._folder / "coordinator.yaml").write_text(json.dumps(config))
        return {site: dict(files) for site, files in made.files_by_site.items()}

    def _processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            is_running = process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid()
            return is_running and process.environ().get("FLWR_HOME") == str(self._home)
        except psutil.Error:  # gone, or not ours to ask about
            return False


def _program(process: psutil.Process) -> str:
    """Name of the program, which its interpreter's command line begins with."""
    try:
        return next((Path(word).name for word in process.cmdline()[:2] if Path(word).name == SERVER_APP), "")
    except psutil.Error:  # it has just ended
        return ""


def _accepts(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def _free_ports(number: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
