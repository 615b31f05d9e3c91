"""What makes a box a site of a federation: its identity key, the operator's key, the newest signed roster.

The folder holds ``identity.key`` (PKCS #8 PEM, made on the box, never sent), ``membership.json`` and ``roster.json``.
"""

import dataclasses
from typing import Annotated

import pydantic
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fl_protocol.errors import RosterError
from fl_protocol.messages import Message, Name, parse_message
from fl_protocol.privacy import MAX_EPSILON
from fl_protocol.roster import MAX_VERSION, Roster, RosterSite, new_beacon, sign_roster, verify_roster

IDENTITY_FILE, MEMBERSHIP_FILE, ROSTER_FILE = "identity.key", "membership.json", "roster.json"
Hex32 = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]


class PrivacyPromise(Message):
    """The most that a site gives away over all rounds, whatever the coordinator says (docs/privacy.md)."""

    max_epsilon: float = pydantic.Field(gt=0, le=MAX_EPSILON, description="Epsilon over all rounds.")
    delta: float = pydantic.Field(gt=0, lt=1, description="Delta; much less than one over the number of sites.")


class Membership(Message):
    """What a box keeps of its enrolment."""

    federation: Name = pydantic.Field(description="Federation the box belongs to.")
    site: Name = pydantic.Field(description="Name of the site.")
    operator_key: Hex32 = pydantic.Field(description="Ed25519 public key that signs rosters; pinned when enrolled.")
    roster_version: int = pydantic.Field(ge=0, le=MAX_VERSION, description="The box takes no roster below it.")
    privacy: PrivacyPromise | None = pydantic.Field(
        default=None, description="The box takes part with noise alone, and within this; null: as the coordinator says."
    )


@dataclasses.dataclass(frozen=True)
class RosteredSite:
    """A site that found itself on the roster."""

    identity: Ed25519PrivateKey = dataclasses.field(repr=False)
    roster: Roster
    position: int
    """Of the site on the roster."""
    privacy: PrivacyPromise | None = None


def rostered_site(
    identity_pem: bytes, membership: bytes, signed_roster: bytes, kept: Roster | None = None
) -> RosteredSite:
    """Reads what makes a site of a box.

    Args:
        identity_pem: Content of ``identity.key``.
        membership: Content of ``membership.json``.
        signed_roster: From ``roster.json``, or from the coordinator.
        kept: The newest roster that was believed before; none older is believed, and no other of its version.

    Raises:
        RosterError: The roster is not the operator's newest one, or does not hold this box's key under its name.
        MessageError: The membership cannot be read.
    """
    told = parse_message(Membership, membership)
    version = told.roster_version if kept is None else max(told.roster_version, kept.version)
    digest = kept.digest if kept is not None and kept.version == version else None
    operator_key = bytes.fromhex(told.operator_key)
    roster = verify_roster(signed_roster, operator_key, newest_version=version, newest_digest=digest)
    identity = read_identity(identity_pem)
    listed = RosterSite(told.site, identity.public_key().public_bytes_raw())
    if roster.federation != told.federation or listed not in roster.sites:
        raise RosterError(f"roster: expected {told.site} of {told.federation} on it, with the key of this box")
    return RosteredSite(identity, roster, roster.sites.index(listed), told.privacy)


def read_identity(identity_pem: bytes) -> Ed25519PrivateKey:
    """Reads an identity key.

    Raises:
        RosterError: It is no Ed25519 key in PEM without password.
    """
    try:
        identity = serialization.load_pem_private_key(identity_pem, None)
    except (ValueError, TypeError) as error:
        raise RosterError("expected a private key in PEM without password") from error
    if not isinstance(identity, Ed25519PrivateKey):
        raise RosterError("expected an Ed25519 key")
    return identity


def identity_pem(identity: Ed25519PrivateKey) -> bytes:
    """What ``read_identity`` reads."""
    form = serialization.PrivateFormat.PKCS8
    return identity.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


@dataclasses.dataclass(frozen=True)
class MadeFederation:
    """A whole federation made in one place, for one machine."""

    operator_key: bytes
    signed_roster: bytes
    files_by_site: dict[str, dict[str, bytes]]
    """Content of each site's membership folder, by the name of the file."""


def make_federation(
    federation: str, sites: list[str], operator: Ed25519PrivateKey | None = None, sites_per_round: int = 0
) -> MadeFederation:
    """Makes keys and roster for sites that all run on this machine.

    Args:
        federation: Its name.
        sites: Their names.
        operator: Signs the roster; left out: a key that is forgotten at once.
        sites_per_round: Sites that a secure round draws; 0 for all.

    Raises:
        ValueError: A name is none, or is there twice.
    """
    operator = operator or Ed25519PrivateKey.generate()
    operator_key = operator.public_key().public_bytes_raw()
    identities = {site: Ed25519PrivateKey.generate() for site in sites}
    listed = sorted(RosterSite(site, key.public_key().public_bytes_raw()) for site, key in identities.items())
    signed = sign_roster(Roster(1, new_beacon(), federation, tuple(listed), sites_per_round), operator)
    files = {
        site: {
            IDENTITY_FILE: identity_pem(identity),
            MEMBERSHIP_FILE: Membership(
                federation=federation, site=site, operator_key=operator_key.hex(), roster_version=1
            )
            .model_dump_json()
            .encode(),
            ROSTER_FILE: signed,
        }
        for site, identity in identities.items()
    }
    return MadeFederation(operator_key, signed, files)
