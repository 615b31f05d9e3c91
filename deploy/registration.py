"""On the coordinator: the SuperLink serves exactly the sites of the newest roster.

Flower tells nodes apart by numbers of its own, so the number of each registered site is kept in ``state/nodes``. Sites
that left the roster, or came back with another key, are taken out before new ones are put in. A SuperLink that lost its
database is told of all of them anew.
"""

import dataclasses
import hashlib
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pydantic

from deploy.coordinator_folder import CONNECTION, FLOWER_HOME, NODE_KEYS, OPERATOR_KEY, ROSTER
from deploy.errors import DeployError
from deploy.folder import PRIVATE, PlannedFile, locked, read_file, write_plan
from fl_protocol.messages import Digest, Message, Name, parse_message
from fl_protocol.roster import Roster, verify_roster
from fl_runtime.errors import FlowerCommandError
from fl_runtime.flower_command import answer_of, flower_environment, flower_program

_STATE = "state"
_NODES, _APPLIED = "state/nodes", "state/roster.json"
_TIMEOUT_S = 120.0
Flower = Callable[[Sequence[str]], Mapping[str, Any]]
"""Runs one ``flwr`` command and returns the JSON it prints."""


class RegisteredNode(Message):
    """What is kept of a site that the SuperLink serves."""

    site: Name = pydantic.Field(description="Name of the site.")
    node_id: str = pydantic.Field(pattern=r"^[0-9]{1,20}$", description="Flower's number for it.")
    key_digest: Digest = pydantic.Field(description="SHA-256 of its public key's file.")


@dataclasses.dataclass(frozen=True)
class Applied:
    """What a roster changed at the SuperLink."""

    version: int
    registered: tuple[str, ...]
    removed: tuple[str, ...]


def apply_roster(folder: Path, flower: Flower | None = None) -> Applied:
    """Registers and takes out nodes until the SuperLink serves the sites of ``roster.json``.

    Args:
        folder: The coordinator's folder, where its SuperLink runs.
        flower: How ``flwr`` is run; the real one when absent.

    Raises:
        RosterError: The roster is not the operator's, or older than the one applied before.
        DeployError: A site's SuperNode key is missing.
        FlowerCommandError: Flower refuses.
    """
    run = flower or _real_flower(folder)
    with locked(folder):
        signed = read_file(folder / ROSTER)
        roster = _newest(folder, signed)
        wanted = {site.name: _key_digest(folder, site.name) for site in roster.sites}
        known = _known(folder, run)
        removed = [node for node in known if wanted.get(node.site) != node.key_digest]
        for node in removed:
            run(["supernode", "unregister", node.node_id, CONNECTION, "--format", "json"])
            (folder / _NODES / f"{node.site}.json").unlink()
        kept = {node.site for node in known} - {node.site for node in removed}
        registered = [name for name in wanted if name not in kept]
        for name in registered:
            _register(folder, name, wanted[name], run)
        write_plan(folder, {_APPLIED: PlannedFile(signed)})
    return Applied(roster.version, tuple(registered), tuple(node.site for node in removed))


def _newest(folder: Path, signed: bytes) -> Roster:
    try:
        operator_key = bytes.fromhex(read_file(folder / OPERATOR_KEY).decode())
        version, digest = 0, None
        if (folder / _APPLIED).exists():
            applied = verify_roster(read_file(folder / _APPLIED), operator_key, newest_version=0)
            version, digest = applied.version, applied.digest
        return verify_roster(signed, operator_key, newest_version=version, newest_digest=digest)
    except ValueError as error:
        raise DeployError(f"{folder / OPERATOR_KEY}: expected 64 hex digits") from error


def _known(folder: Path, run: Flower) -> list[RegisteredNode]:
    """What was registered and still is; forgets the rest."""
    paths = sorted((folder / _NODES).glob("*.json"))
    if not paths:
        return []
    listed = run(["supernode", "list", CONNECTION, "--format", "json"]).get("nodes", [])
    served = {str(node["node-id"]) for node in listed if node["status"] != "unregistered"}
    known = []
    for path in paths:
        node = parse_message(RegisteredNode, read_file(path))
        if node.node_id in served:
            known.append(node)
        else:
            path.unlink()
    return known


def _key_digest(folder: Path, name: str) -> str:
    return hashlib.sha256(read_file(folder / NODE_KEYS / f"{name}.pub")).hexdigest()


def _register(folder: Path, name: str, key_digest: str, run: Flower) -> None:
    key = folder / NODE_KEYS / f"{name}.pub"
    answer = run(["supernode", "register", str(key), CONNECTION, "--name", name, "--format", "json"])
    node = RegisteredNode(site=name, node_id=str(answer.get("node-id", "")), key_digest=key_digest)
    write_plan(folder / _NODES, {f"{name}.json": PlannedFile(node.model_dump_json().encode(), PRIVATE)})


def _real_flower(folder: Path) -> Flower:
    environment = flower_environment(folder / FLOWER_HOME)

    def run(arguments: Sequence[str]) -> Mapping[str, Any]:
        what = " ".join(["flwr", *arguments[:2]])
        command = [flower_program(), *arguments]
        try:
            ended = subprocess.run(  # noqa: S603 - Flower's own program beside our interpreter
                command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FlowerCommandError(f"{what}: cannot be run: {error}") from error
        return answer_of(ended, what)

    return run
