"""The box's side: keys made here and never sent, the request for the operator, the answer taken.

The folder holds the two private keys, the authority, the start script, the unit, and at the end the signed roster.
"""

import datetime as dt
import sys
from pathlib import Path

import pydantic
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.enrolment import Enrolment, JoinAnswer, make_request, public_node_key
from deploy.errors import DeployError
from deploy.folder import PRIVATE, PROGRAM, PlannedFile, locked, make_folder, read_file, write_plan
from deploy.settings import PlainPath
from deploy.templates import filled
from fl_protocol.errors import RosterError
from fl_protocol.membership import (
    IDENTITY_FILE,
    MEMBERSHIP_FILE,
    ROSTER_FILE,
    Membership,
    identity_pem,
    read_identity,
)
from fl_protocol.messages import parse_message
from fl_protocol.roster import Roster, verify_roster

NODE_KEY, AUTHORITY, REQUEST = "supernode.key", "ca.pem", "request.json"
_path = pydantic.TypeAdapter(PlainPath)


def join_federation(enrolment: Enrolment, folder: Path, now: dt.datetime) -> Path:
    """Makes the box's keys and its request in a new folder; returns the request's file, which goes to the operator.

    Raises:
        DeployError: The folder is there already, its path needs quoting, or the enrolment has ended.
    """
    identity, node = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())
    request = make_request(enrolment, identity, node, now)
    membership = Membership(
        federation=enrolment.federation,
        site=enrolment.site,
        operator_key=enrolment.operator_key,
        roster_version=enrolment.roster_version,
        privacy=enrolment.privacy,
    )
    plan = {
        IDENTITY_FILE: PlannedFile(identity_pem(identity), PRIVATE),
        NODE_KEY: PlannedFile(_openssh(node), PRIVATE),
        f"{NODE_KEY}.pub": PlannedFile(f"{public_node_key(node)} {enrolment.site}\n".encode()),
        AUTHORITY: PlannedFile(enrolment.ca_certificate.encode()),
        MEMBERSHIP_FILE: PlannedFile(membership.model_dump_json().encode()),
        REQUEST: PlannedFile(request.model_dump_json().encode()),
    }
    make_folder(folder, plan | _programs(enrolment, _plain(folder.absolute())))
    return folder / REQUEST


def accept_answer(answer: JoinAnswer, folder: Path) -> Roster:
    """Takes the operator's answer, or any later roster in the same form, if it is to be believed and names this box.

    Raises:
        DeployError: The roster is of another federation or lacks this box's key.
        RosterError: It is not the operator's, altered, or older than the one kept.
    """
    with locked(folder):
        membership = parse_message(Membership, read_file(folder / MEMBERSHIP_FILE))
        operator_key = bytes.fromhex(membership.operator_key)
        version, digest = membership.roster_version, None
        if (folder / ROSTER_FILE).exists():
            kept = verify_roster(read_file(folder / ROSTER_FILE), operator_key, newest_version=version)
            version, digest = kept.version, kept.digest
        signed = answer.signed_roster.encode()
        roster = verify_roster(signed, operator_key, newest_version=version, newest_digest=digest)
        if roster.federation != membership.federation:
            raise DeployError(f"roster: expected the federation {membership.federation}, got {roster.federation}")
        own = _identity_of(folder / IDENTITY_FILE)
        listed = roster.site(membership.site)
        if listed is None or listed.identity_key != own:
            raise DeployError(f"roster: expected {membership.site} with the key of this box in it")
        write_plan(folder, {ROSTER_FILE: PlannedFile(signed)})
    return roster


def _programs(enrolment: Enrolment, folder: str) -> dict[str, PlannedFile]:
    values = {
        "FOLDER": folder,
        "ENVIRONMENT": _plain(Path(sys.executable).absolute().parent.parent),
        "SITE": enrolment.site,
        "COORDINATOR": enrolment.coordinator,
        "SUPERLINK": enrolment.superlink,
    }
    return {
        "bin/client": PlannedFile(filled("client.sh", values), PROGRAM),
        "systemd/edgeguard-client.service": PlannedFile(filled("client.service", values)),
        "state/README": PlannedFile(b"What the client of this site writes.\n"),
    }


def _plain(path: Path) -> str:
    try:
        return _path.validate_python(str(path))
    except pydantic.ValidationError as error:
        raise DeployError(f"{path}: expected a path of letters, digits, _ . / and -") from error


def _openssh(key: ec.EllipticCurvePrivateKey) -> bytes:
    """As ``ssh-keygen`` writes it."""
    form = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _identity_of(path: Path) -> bytes:
    """The public half of this box's identity key."""
    try:
        return read_identity(read_file(path)).public_key().public_bytes_raw()
    except RosterError as error:
        raise DeployError(f"{path}: {error}") from error
