"""Keeps the programs of training running beside the client: start, restart with back-off, stop.

They are Flower's SuperNode, and the trainer that holds the secrets of secure rounds.

Rules:

1. TLS unless the SuperLink is on this machine: ``--insecure`` is passed for loopback addresses only.
2. At most one of each for a state folder: one that outlived a killed client is ended first, or the site would train
   twice in one round.
3. Any end of the SuperNode is answered by a restart; Flower itself asks for that with status 305 (49 as an exit
   status) after a lost line.
4. Cameras come first: these programs and all they start yield the processor to the client, or training costs frames.
"""

import contextlib
import dataclasses
import ipaddress
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from fl_runtime.atomic_file import write_atomically
from fl_runtime.backoff import Backoff

logger = logging.getLogger(__name__)

FIRST_RESTART_S = 2.0
LONGEST_RESTART_S = 120.0
HEALTHY_AFTER_S = 60.0
STOP_GRACE_S = 10.0
MAX_LOG_BYTES = 5 * 1024 * 1024
NICENESS = 10
_ENVIRONMENT = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}


@dataclasses.dataclass(frozen=True)
class SuperNodeOptions:
    """What the SuperNode is started with.

    Attributes:
        superlink: ``HOST:PORT`` of the SuperLink.
        site: Name of the site.
        state_dir: The client's state folder: what the site trains on, and where the SuperNode's log goes.
        root_certificates: PEM file of the authority to trust; None: the system's, or plain text on loopback.
        private_key: File of the key the SuperNode proves itself with; None: it does not.
        membership_dir: Identity key and roster; with them the site takes part in secure rounds.
    """

    superlink: str
    site: str
    state_dir: Path
    root_certificates: Path | None = None
    private_key: Path | None = None
    membership_dir: Path | None = None


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, is this machine itself. Names other than localhost are not looked up."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host.lower() == "localhost"


def supernode_command(options: SuperNodeOptions, port: int) -> list[str]:
    """The command line of the SuperNode; ``port`` is where its own processes reach it, on loopback."""
    if options.root_certificates:
        security = ["--root-certificates", str(options.root_certificates)]
    else:
        security = ["--insecure"] if is_loopback(options.superlink.rpartition(":")[0]) else []  # rule 1
    if options.private_key:
        security += ["--auth-supernode-private-key", str(options.private_key)]
    return [
        str(Path(sys.executable).with_name("flower-supernode")),
        *security,
        "--superlink",
        options.superlink,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--node-config",
        f'site="{options.site}" state="{options.state_dir.resolve()}"'
        + (' trainer="process"' if options.membership_dir else ""),
    ]


def supernode_supervisor(options: SuperNodeOptions) -> "ProcessSupervisor":
    """Keeps the SuperNode running."""
    return ProcessSupervisor("supernode", options.state_dir, lambda: supernode_command(options, _free_port()))


def trainer_supervisor(state_dir: Path, membership_dir: Path) -> "ProcessSupervisor":
    """Keeps the trainer running."""
    command = [sys.executable, "-m", "fl_client.training.trainer_process"]
    command += ["--state", str(state_dir.resolve()), "--membership", str(membership_dir.resolve())]
    return ProcessSupervisor("trainer", state_dir, lambda: command)


class ProcessSupervisor:
    """One program and the thread that watches it.

    Args:
        name: Of the program; its log and the note of its process are called by it.
        state_dir: The client's state folder.
        command_fn: Gives the command line of each start.

    Attributes:
        num_restarts: Times it had to be started again.
    """

    def __init__(self, name: str, state_dir: Path, command_fn: Callable[[], list[str]]) -> None:
        self.num_restarts = 0
        self._name, self._command_fn = name, command_fn
        self._pid_path = state_dir / f"{name}.json"
        self._log_path = state_dir / f"{name}.log"
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name=f"{name}-supervisor", daemon=True)

    @property
    def pid(self) -> int | None:
        """Process number of the running program."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Ends one left over from before, and starts this one."""
        end_left_over(self._pid_path)
        self._thread.start()

    def close(self) -> None:
        """Stops the program and waits for it."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        backoff = Backoff(FIRST_RESTART_S, LONGEST_RESTART_S)
        while not self._stopping.is_set():
            began = time.monotonic()
            status = self._run_once()
            if self._stopping.is_set():
                break
            if time.monotonic() - began > HEALTHY_AFTER_S:
                backoff = backoff.after_success()
            backoff = backoff.after_failure()
            self.num_restarts += 1
            facts = {"program": self._name, "status": status, "delay_s": backoff.delay_s}
            logger.warning("program restarts", extra=facts)
            self._stopping.wait(backoff.delay_s)

    def _run_once(self) -> int | str:
        """Runs one until it ends or is to be stopped; its status, or why it could not start."""
        is_full = self._log_path.exists() and self._log_path.stat().st_size > MAX_LOG_BYTES
        folder = str(Path(sys.executable).parent)  # it looks for flower-superexec on the path
        environment = os.environ | _ENVIRONMENT | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
        try:
            with self._log_path.open("wb" if is_full else "ab") as log:
                process = subprocess.Popen(  # noqa: S603 - a program beside our interpreter
                    self._command_fn(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        self._process = process
        _yield_to_cameras(process.pid)
        self._note_process(process.pid)
        while process.poll() is None and not self._stopping.wait(0.2):
            pass
        _end_group(process.pid)
        return process.wait()

    def _note_process(self, pid: int) -> None:
        with contextlib.suppress(psutil.NoSuchProcess, OSError):  # a full disk: only a killed client would need it
            facts = {"pid": pid, "started": psutil.Process(pid).create_time()}
            write_atomically(self._pid_path, json.dumps(facts).encode())


def _yield_to_cameras(pid: int) -> None:
    with contextlib.suppress(psutil.Error):  # rule 4; what it starts inherits this
        psutil.Process(pid).nice(NICENESS)


def end_left_over(pid_path: Path) -> None:
    """Ends the program a killed client left behind; a process that merely has its number is left alone."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, psutil.Error):
        facts = json.loads(pid_path.read_bytes())
        if abs(psutil.Process(facts["pid"]).create_time() - facts["started"]) < 1.0:
            logger.warning("ending a program left over from before")
            _end_group(facts["pid"])


def _end_group(leader_pid: int) -> None:
    """Asks a process and what it started to end, and after a grace period makes them."""
    members = _members(leader_pid)
    for number, wait_s in ((signal.SIGTERM, STOP_GRACE_S), (signal.SIGKILL, STOP_GRACE_S)):
        for member in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(number)
        _, members = psutil.wait_procs(members, timeout=wait_s)
        if not members:
            return


def _members(leader_pid: int) -> list[psutil.Process]:
    """The processes of the session ``leader_pid`` leads, itself included, also those whose parent is gone."""
    return [process for process in psutil.process_iter() if _session_of(process.pid) == leader_pid]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # gone, or not ours to ask about
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
