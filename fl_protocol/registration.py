"""How a site proves to the coordinator that the name it registers under is its own.

Rules:

1. The roster says whose a name is. Who registers under it signs federation, name and a digest of the token it will call
   with, by the identity key that the roster names for it.
2. What is signed begins with a word of its own, so that no other signature of the key serves here, and this one nowhere
   else. It is worth nothing without its token: a registration that was read or recorded admits nobody else.
3. A box's token follows from its identity key. A key proves no other token, ever, so nobody can bring back an older one
   by sending an older registration again, and a box that lost its state comes back with the token it had.
"""

import base64
import dataclasses
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fl_protocol.errors import RegistrationError
from fl_protocol.messages import SiteRegistration
from fl_protocol.roster import Roster
from fl_protocol.secure_sum.masking import derive_key

_PROOF_DOMAIN = b"edgeguard site registration v1\x00"
_TOKEN_DOMAIN = b"edgeguard site token v1\x00"


@dataclasses.dataclass(frozen=True)
class SiteCredential:
    """What a site calls its coordinator with."""

    token: str = dataclasses.field(repr=False)
    """The bearer token."""
    proof: str | None = dataclasses.field(default=None, repr=False)
    """Of a box on a roster, for the token."""


def member_credential(identity: Ed25519PrivateKey, federation: str, site: str) -> SiteCredential:
    """The credential of a box on a roster; the same every time (rule 3)."""
    secret = derive_key(identity.private_bytes_raw(), _TOKEN_DOMAIN + _canonical(federation, site))
    token = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    return SiteCredential(token, identity.sign(_signed_bytes(federation, site, token)).hex())


def check_registration(roster: Roster, registration: SiteRegistration, token: str | None) -> bytes:
    """Holds a registration against the roster (rules 1 and 2).

    Args:
        roster: The newest one.
        registration: What came.
        token: The bearer token it came with; None for none.

    Returns:
        The identity key that proved it.

    Raises:
        RegistrationError: The name is not on the roster, or its identity key did not prove this.
    """
    listed = roster.site(registration.name)
    if listed is None:
        raise RegistrationError(f"site {registration.name}: expected a name on the roster (version {roster.version})")
    if token is None or registration.proof is None:
        raise RegistrationError(f"site {registration.name}: expected its token and a proof by its identity key")
    signed = _signed_bytes(roster.federation, registration.name, token)
    try:
        Ed25519PublicKey.from_public_bytes(listed.identity_key).verify(bytes.fromhex(registration.proof), signed)
    except InvalidSignature as error:
        message = f"site {registration.name}: expected a proof by the identity key on the roster, for this token"
        raise RegistrationError(message) from error
    return listed.identity_key


def _signed_bytes(federation: str, site: str, token: str) -> bytes:
    return _PROOF_DOMAIN + _canonical(federation, site, hashlib.sha256(token.encode()).hexdigest())


def _canonical(*words: str) -> bytes:
    """One byte string for each list of words, whatever they hold."""
    return json.dumps(words, separators=(",", ":")).encode("ascii")
