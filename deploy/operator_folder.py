"""The operator's side: the folder with the keys that matter, and what is made for the coordinator beside it.

``FOLDER/operator`` holds the authority's key and the key that signs rosters; it is kept off the coordinator.
``FOLDER/coordinator`` is what the coordinator is given, anew after every step. Each step can be repeated after a crash:
the roster is written first, and an enrolment counts as open until all else is done.
"""

import dataclasses
import datetime as dt
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy import coordinator_folder
from deploy.authority import key_pem, load_authority_key, new_authority, new_key, server_certificate, server_key_of
from deploy.coordinator_folder import coordinator_files
from deploy.enrolment import (
    Enrolment,
    JoinAnswer,
    JoinRequest,
    OpenEnrolment,
    OpenEnrolments,
    check_request,
    new_token,
    token_digest,
)
from deploy.errors import DeployError
from deploy.folder import PRIVATE, PlannedFile, locked, make_folder, read_file, write_plan
from deploy.settings import FederationSettings, parse_settings
from fl_protocol.errors import SumParameterError
from fl_protocol.membership import PrivacyPromise
from fl_protocol.messages import parse_message
from fl_protocol.roster import MAX_SITES, Roster, RosterSite, new_beacon, sign_roster, verify_roster
from fl_protocol.secure_sum.parameters import SMALLEST_ROUND

OPERATOR, COORDINATOR = "operator", "coordinator"
_CA_KEY, _CA, _SIGNING_KEY = "ca.key", "ca.pem", "operator.key"
_SETTINGS, _ROSTER, _OPEN = "settings.json", "roster.json", "enrolments.json"
_SECRET_BYTES = 48


def init_federation(folder: Path, settings: FederationSettings, now: dt.datetime) -> None:
    """Makes the operator's folder and the coordinator's: keys, certificates, an empty roster, scripts, units.

    Raises:
        DeployError: ``folder`` is there already, or cannot be made.
    """
    ca_key, server_key, signing_key = new_key(), new_key(), Ed25519PrivateKey.generate()
    ca = new_authority(settings.federation, ca_key, now)
    names = (*settings.hosts, *settings.ips)
    certificate = server_certificate(server_key.public_key(), names, (ca, ca_key), now)
    roster = sign_roster(Roster(1, new_beacon(), settings.federation, ()), signing_key)
    operator = {
        _CA_KEY: PlannedFile(key_pem(ca_key), PRIVATE),
        _SIGNING_KEY: PlannedFile(_signing_key_pem(signing_key), PRIVATE),
        _CA: PlannedFile(ca),
        _SETTINGS: PlannedFile(settings.file_content),
        _OPEN: PlannedFile(OpenEnrolments().model_dump_json().encode(), PRIVATE),
        _ROSTER: PlannedFile(roster),
    }
    coordinator = coordinator_files(settings) | {
        coordinator_folder.AUTHORITY: PlannedFile(ca),
        coordinator_folder.SERVER_CERTIFICATE: PlannedFile(certificate),
        coordinator_folder.SERVER_KEY: PlannedFile(key_pem(server_key), PRIVATE),
        coordinator_folder.SUPEREXEC_SECRET: PlannedFile(secrets.token_urlsafe(_SECRET_BYTES).encode(), PRIVATE),
        coordinator_folder.OPERATOR_KEY: PlannedFile(_public_hex(signing_key)),
        coordinator_folder.ROSTER: PlannedFile(roster),
    }
    plan = {f"{OPERATOR}/{name}": planned for name, planned in operator.items()}
    make_folder(folder, plan | {f"{COORDINATOR}/{name}": planned for name, planned in coordinator.items()})


def enrol_site(
    folder: Path, site: str, valid_for: dt.timedelta, now: dt.datetime, privacy: PrivacyPromise | None = None
) -> Enrolment:
    """Makes a one-time token for ``site``; the enrolment returned is for the box alone.

    Args:
        folder: Of the federation.
        site: Name of the site.
        valid_for: Until the token ends.
        now: From here.
        privacy: The most that the box gives away, whatever the coordinator says; None: as the coordinator says.

    Raises:
        DeployError: The site is in the roster already, or its name cannot be one.
    """
    with locked(folder):
        books = _Books(folder)
        try:
            RosterSite(site, bytes(32))
        except ValueError as error:
            raise DeployError(f"site: {error}") from error
        if books.roster.site(site):
            raise DeployError(f"site: {site} is in the roster; revoke it first to enrol it with new keys")
        if len(books.roster.sites) >= MAX_SITES:
            raise DeployError(f"site: the roster has its {MAX_SITES} sites already")
        settings = books.settings
        enrolment = Enrolment(
            enrolment_id=secrets.token_hex(16),
            federation=settings.federation,
            site=site,
            token=new_token(),
            expires_utc=now + valid_for,
            operator_key=_public_hex(books.signing_key).decode(),
            ca_certificate=read_file(folder / OPERATOR / _CA).decode(),
            superlink=settings.superlink_address,
            coordinator=settings.coordinator_address,
            roster_version=books.roster.version,
            privacy=privacy,
        )
        opened = OpenEnrolment(
            enrolment_id=enrolment.enrolment_id,
            site=site,
            token_digest=token_digest(enrolment.token).hex(),
            expires_utc=enrolment.expires_utc,
        )
        lasting = [one for one in books.opened if one.expires_utc > now and one.site != site]
        write_plan(folder / OPERATOR, {_OPEN: _open_file([*lasting, opened])})
    return enrolment


def admit_site(folder: Path, request: JoinRequest, now: dt.datetime) -> JoinAnswer:
    """Takes a box's request: signs the next roster with it, and readies the coordinator's folder.

    Raises:
        DeployError: The token is not, no longer or not for this request valid, or a key is not new.
    """
    with locked(folder):
        books = _Books(folder)
        opened = next((one for one in books.opened if one.enrolment_id == request.enrolment_id), None)
        if opened is None:
            raise DeployError("request: its token is not known, was used already or was replaced; enrol the site again")
        check_request(request, opened, books.settings.federation, now)
        admitted = RosterSite(request.site, bytes.fromhex(request.identity_key))
        roster = _with_site(books.roster, admitted)
        node_keys = folder / COORDINATOR / coordinator_folder.NODE_KEYS
        _check_node_key(node_keys, request)
        signed = books.publish(roster)
        write_plan(node_keys, {f"{request.site}.pub": PlannedFile(f"{request.node_key} {request.site}\n".encode())})
        write_plan(folder / OPERATOR, {_OPEN: _open_file([one for one in books.opened if one is not opened])})
    return JoinAnswer(site=request.site, signed_roster=signed.decode())


def revoke_site(folder: Path, site: str) -> int:
    """Signs the next roster without ``site`` and forgets its open enrolments; returns the roster's version.

    Raises:
        DeployError: There is no such site and no enrolment for it.
    """
    with locked(folder):
        books = _Books(folder)
        is_enrolled = any(one.site == site for one in books.opened)
        if not (books.roster.site(site) or is_enrolled):
            raise DeployError(f"site: {site} is neither in the roster nor enrolled")
        write_plan(folder / OPERATOR, {_OPEN: _open_file([one for one in books.opened if one.site != site])})
        roster = books.roster
        if roster.site(site):
            roster = roster.next_with(one for one in roster.sites if one.name != site)
        books.publish(roster)
        (folder / COORDINATOR / coordinator_folder.NODE_KEYS / f"{site}.pub").unlink(missing_ok=True)
    return roster.version


def set_draw(folder: Path, sites_per_round: int, dropout_percent: int) -> int:
    """Signs the next roster, by which secure rounds draw so many sites; returns its version.

    Args:
        folder: Of the federation.
        sites_per_round: 0 for all on the roster.
        dropout_percent: Drop-outs that a round of more than 64 sites stands.

    Raises:
        DeployError: A number is out of its bounds, or no secure round is possible with them.
    """
    with locked(folder):
        books = _Books(folder)
        try:
            following = books.roster.next_with(books.roster.sites)
            roster = dataclasses.replace(following, sites_per_round=sites_per_round, dropout_percent=dropout_percent)
        except ValueError as error:
            raise DeployError(str(error)) from error
        books.publish(roster)
    return roster.version


def renew_certificate(folder: Path, now: dt.datetime) -> None:
    """Vouches anew for the coordinator's key, which stays where it is; the names are those of ``init``.

    Raises:
        DeployError: The authority or the certificate cannot be read, or the authority ends too soon.
    """
    with locked(folder):
        settings = _Books(folder).settings
        path = folder / COORDINATOR / coordinator_folder.SERVER_CERTIFICATE
        authority = read_file(folder / OPERATOR / _CA), load_authority_key(read_file(folder / OPERATOR / _CA_KEY))
        names = (*settings.hosts, *settings.ips)
        renewed = server_certificate(server_key_of(read_file(path)), names, authority, now)
        write_plan(path.parent, {path.name: PlannedFile(renewed)})


class _Books:
    """What the operator's folder says; read once for a step."""

    def __init__(self, folder: Path) -> None:
        own = folder / OPERATOR
        self._folder = folder
        self.settings = parse_settings(read_file(own / _SETTINGS), own / _SETTINGS)
        self.signing_key = _load_signing_key(own / _SIGNING_KEY)
        self.opened = parse_message(OpenEnrolments, read_file(own / _OPEN)).enrolments
        public_key = self.signing_key.public_key().public_bytes_raw()
        self.roster = verify_roster(read_file(own / _ROSTER), public_key, newest_version=1)

    def publish(self, roster: Roster) -> bytes:
        """Signs ``roster`` and puts it into both folders; the one already signed is put there as it is.

        Raises:
            DeployError: No secure round is possible with its sites and numbers.
        """
        if len(roster.sites) >= SMALLEST_ROUND:
            try:
                roster.sum_group()
            except SumParameterError as error:
                raise DeployError(f"sites_per_round {roster.sites_per_round}: {error}") from error
        own, theirs = self._folder / OPERATOR, self._folder / COORDINATOR
        signed = read_file(own / _ROSTER) if roster == self.roster else sign_roster(roster, self.signing_key)
        write_plan(own, {_ROSTER: PlannedFile(signed)})
        theirs.mkdir(exist_ok=True)
        write_plan(theirs, {coordinator_folder.ROSTER: PlannedFile(signed)})
        return signed


def _with_site(roster: Roster, admitted: RosterSite) -> Roster:
    """The next roster with the site; the same one where a crash came after it was signed."""
    known = roster.site(admitted.name)
    if known == admitted:
        return roster
    if known:
        raise DeployError(f"request: {admitted.name} is in the roster with another key; revoke it first")
    try:
        return roster.next_with([*roster.sites, admitted])
    except ValueError as error:
        raise DeployError(f"request: {error}") from error


def _check_node_key(node_keys: Path, request: JoinRequest) -> None:
    for path in sorted(node_keys.glob("*.pub")):
        if path.stem != request.site and read_file(path).decode().startswith(f"{request.node_key} "):
            raise DeployError(f"request: its SuperNode key is that of {path.stem}")


def _open_file(enrolments: list[OpenEnrolment]) -> PlannedFile:
    return PlannedFile(OpenEnrolments(enrolments=tuple(enrolments)).model_dump_json().encode(), PRIVATE)


def _signing_key_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load_signing_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(read_file(path), None)
    except (ValueError, TypeError) as error:
        raise DeployError(f"{path}: expected a private key in PEM without password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise DeployError(f"{path}: expected an Ed25519 key")
    return key


def _public_hex(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw().hex().encode()
