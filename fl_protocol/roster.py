"""The roster: which sites belong to a federation, by their identity keys, signed by its operator.

The operator's private key is kept off the coordinator. A coordinator can therefore neither add sites that do not exist
(Sybils) nor put its own keys in place of a site's: a site takes identity keys from a verified roster alone.

Rules:

1. A signed roster is one JSON object in canonical form (sorted keys, no spaces, bytes as lower-case hex) of at most
   ``MAX_ROSTER_BYTES``. Any other bytes are refused, also those that mean the same.
2. The operator signs ``_DOMAIN`` and the canonical bytes of the roster, with Ed25519: the signature is worth nothing
   anywhere else, and any altered bit voids it.
3. Versions are counted from 1 and only ever grow. Who has seen version n refuses every one below it (rollback: it would
   bring a revoked site back), and another roster of version n (equivocation). The caller keeps both on disk.
4. Sites are sorted by name; no name and no key is there twice: one box must not take part as two sites.
5. Every version has 32 new random bytes, the beacon, for what all sites must draw alike and nobody may choose.
6. How many sites a secure round draws, and how many drop-outs it stands, is the operator's to say: a coordinator could
   tell every site something else.
"""

import dataclasses
import hashlib
import json
import secrets
from collections.abc import Iterable
from typing import Annotated, Literal, Self

import pydantic
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fl_protocol.errors import RosterError
from fl_protocol.messages import Name
from fl_protocol.secure_sum.group import SumGroup, sum_group
from fl_protocol.secure_sum.parameters import MAX_DROPOUT_PERCENT, SMALLEST_ROUND

SCHEMA_VERSION = 2
KEY_BYTES = 32
"""Length of an Ed25519 public key, raw."""
BEACON_BYTES = 32
MAX_SITES = 5000
MAX_ROSTER_BYTES = 1_000_000
"""Larger than a roster of ``MAX_SITES`` with the longest names."""
MAX_VERSION = 2**53
DEFAULT_DROPOUT_PERCENT = 10

_DOMAIN = b"edgeguard roster v1\x00"
_name = pydantic.TypeAdapter(Name)
_STRICT = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)
_Hex32 = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]


@dataclasses.dataclass(frozen=True, order=True)
class RosterSite:
    """One site of the federation.

    Attributes:
        name: As everywhere else: what alerts and feedback call it.
        identity_key: Ed25519 public key, raw, 32 bytes; the private one never leaves the box.
    """

    name: str
    identity_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_bytes(self.identity_key, KEY_BYTES, "identity_key")


@dataclasses.dataclass(frozen=True)
class Roster:
    """All sites of a federation at one version.

    Attributes:
        version: From 1; each roster of a federation has a greater one than the roster before.
        beacon: 32 random bytes, new with every version.
        federation: Name of the federation; a roster of another one is no roster here.
        sites: Sorted by name, no name or key twice, at most ``MAX_SITES``.
        sites_per_round: How many of them the beacon draws for a secure round; 0 for all.
        dropout_percent: Drop-outs that a secure round of more than 64 sites stands, in percent of those drawn.
    """

    version: int
    beacon: bytes
    federation: str
    sites: tuple[RosterSite, ...]
    sites_per_round: int = 0
    dropout_percent: int = DEFAULT_DROPOUT_PERCENT

    def __post_init__(self) -> None:
        if not 1 <= self.version <= MAX_VERSION:
            raise ValueError(f"version: expected 1 to 2^53, got {self.version}")
        _check_bytes(self.beacon, BEACON_BYTES, "beacon")
        _check_name(self.federation)
        _check_sites(self.sites)
        if self.sites_per_round != 0 and not SMALLEST_ROUND <= self.sites_per_round <= MAX_SITES:
            raise ValueError(
                f"sites_per_round: expected 0 or {SMALLEST_ROUND} to {MAX_SITES}, got {self.sites_per_round}"
            )
        if not 0 <= self.dropout_percent <= MAX_DROPOUT_PERCENT:
            raise ValueError(f"dropout_percent: expected 0 to {MAX_DROPOUT_PERCENT}, got {self.dropout_percent}")

    @property
    def canonical_bytes(self) -> bytes:
        """The roster's one and only form in bytes."""
        return _canonical(_fields(self))

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes: tells two rosters of one version apart."""
        return hashlib.sha256(self.canonical_bytes).digest()

    def sum_group(self) -> SumGroup:
        """Who may sum together in secure rounds, and how; the same at all sites and at the coordinator.

        Raises:
            SumParameterError: No secure round is possible with these sites.
        """
        return sum_group(
            self.digest,
            self.beacon,
            tuple(site.identity_key for site in self.sites),
            dropout_percent=self.dropout_percent,
            num_drawn=self.sites_per_round or None,
        )

    def site(self, name: str) -> RosterSite | None:
        """The site of that name, or None."""
        return next((site for site in self.sites if site.name == name), None)

    def next_with(self, sites: Iterable[RosterSite]) -> Self:
        """The next version, with these sites in any order and a new beacon.

        Raises:
            ValueError: A name or key is there twice, or there are too many sites.
        """
        ordered = tuple(sorted(sites))
        return dataclasses.replace(self, version=self.version + 1, beacon=new_beacon(), sites=ordered)


def new_beacon() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(BEACON_BYTES)


def sign_roster(roster: Roster, operator_private_key: Ed25519PrivateKey) -> bytes:
    """The roster as the operator publishes it (rules 1 and 2).

    Args:
        roster: A roster of a version not signed before; that is for the caller to see to.
        operator_private_key: Kept off the coordinator.

    Returns:
        Canonical JSON with the roster and the signature.
    """
    signature = operator_private_key.sign(_DOMAIN + roster.canonical_bytes)
    return _canonical({"roster": _fields(roster), "signature": signature.hex()})


def verify_roster(
    signed: bytes, operator_public_key: bytes, *, newest_version: int, newest_digest: bytes | None = None
) -> Roster:
    """Reads a signed roster; believes it only if it is the operator's, unaltered, and not older than the newest seen.

    Args:
        signed: What ``sign_roster`` made, from anywhere.
        operator_public_key: Ed25519, raw, 32 bytes; pinned when the site was enrolled.
        newest_version: The greatest version verified before; 0 for none.
        newest_digest: Digest of the roster of that version; None for none.

    Raises:
        RosterError: It is not to be believed; the message says which rule it breaks.
        ValueError: ``operator_public_key`` is not 32 bytes.
    """
    public_key = Ed25519PublicKey.from_public_bytes(operator_public_key)
    if len(signed) > MAX_ROSTER_BYTES:  # before parsing: a flood must not fill the memory
        raise RosterError(f"roster: expected at most {MAX_ROSTER_BYTES} bytes, got {len(signed)}")
    roster, signature = _parse(signed)
    try:
        public_key.verify(signature, _DOMAIN + roster.canonical_bytes)
    except InvalidSignature as error:
        raise RosterError("roster: expected a signature by the operator's key over exactly these bytes") from error
    _check_newest(roster, newest_version, newest_digest)
    return roster


def _check_newest(roster: Roster, newest_version: int, newest_digest: bytes | None) -> None:
    """Rule 3: rollback and equivocation."""
    if roster.version < newest_version:
        raise RosterError(f"roster: expected version {newest_version} or newer, got {roster.version}: a rollback")
    if roster.version == newest_version and newest_digest not in {None, roster.digest}:
        raise RosterError(f"roster: another roster of version {roster.version} was seen before")


class _Site(pydantic.BaseModel):
    model_config = _STRICT

    identity_key: _Hex32
    name: Name


class _Roster(pydantic.BaseModel):
    model_config = _STRICT

    beacon: _Hex32
    dropout_percent: Annotated[int, pydantic.Field(ge=0, le=MAX_DROPOUT_PERCENT)]
    federation: Name
    schema_version: Literal[2]
    sites: Annotated[tuple[_Site, ...], pydantic.Field(max_length=MAX_SITES, strict=False)]
    sites_per_round: Annotated[int, pydantic.Field(ge=0, le=MAX_SITES)]
    version: Annotated[int, pydantic.Field(ge=1, le=MAX_VERSION)]


class _SignedRoster(pydantic.BaseModel):
    model_config = _STRICT

    roster: _Roster
    signature: Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{128}$")]


def _parse(signed: bytes) -> tuple[Roster, bytes]:
    """The roster and its signature, not yet checked; refuses what is not in canonical form."""
    try:
        read = _SignedRoster.model_validate_json(signed)
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in problem["loc"]) or "file"
        raise RosterError(f"roster: {place}: {problem['msg']}") from error
    if _canonical(read.model_dump()) != signed:  # rule 1; keys given twice are found here, too
        raise RosterError("roster: expected the canonical form: sorted keys, no spaces, nothing twice")
    parts = read.roster
    sites = tuple(RosterSite(site.name, bytes.fromhex(site.identity_key)) for site in parts.sites)
    try:
        roster = Roster(
            parts.version,
            bytes.fromhex(parts.beacon),
            parts.federation,
            sites,
            parts.sites_per_round,
            parts.dropout_percent,
        )
    except ValueError as error:
        raise RosterError(f"roster: {error}") from error
    return roster, bytes.fromhex(read.signature)


def _check_sites(sites: tuple[RosterSite, ...]) -> None:
    """Rule 4."""
    if len(sites) > MAX_SITES:
        raise ValueError(f"sites: expected at most {MAX_SITES}, got {len(sites)}")
    names = [site.name for site in sites]
    if len(set(names)) < len(names):
        raise ValueError("sites: expected every name once")
    if names != sorted(names):
        raise ValueError("sites: expected them sorted by name")
    if len({site.identity_key for site in sites}) < len(sites):
        raise ValueError("sites: expected every identity key once")


def _check_name(name: str) -> None:
    try:
        _name.validate_python(name, strict=True)
    except pydantic.ValidationError as error:
        raise ValueError(f"expected a name of letters, digits, _ . and -, got {name!r}") from error


def _check_bytes(value: bytes, length: int, what: str) -> None:
    if len(value) != length:
        raise ValueError(f"{what}: expected {length} bytes, got {len(value)}")


def _fields(roster: Roster) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "version": roster.version,
        "beacon": roster.beacon.hex(),
        "federation": roster.federation,
        "sites": [{"name": site.name, "identity_key": site.identity_key.hex()} for site in roster.sites],
        "sites_per_round": roster.sites_per_round,
        "dropout_percent": roster.dropout_percent,
    }


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")
