"""How a box becomes a site: one-time token, keys made on the box, a request, the operator's answer.

1. The operator makes a token for one site name. It ends after a while, and only its SHA-256 is kept. The enrolment with
   the token goes to the box by hand; with it go the operator's public key, the authority, and the addresses.
2. The box makes its keys. The request holds their public halves alone; each key signs the request (proof of possession:
   nobody enrols a key that is not theirs), and an HMAC under the token's digest binds both keys to the token. The token
   itself is not in the request: who intercepts it can put no other key in its place.
3. The operator takes a token once, for the name it was made for, before it ends. The answer is the signed roster.
4. What is signed begins with a word of its own, so that no signature serves for another purpose.
5. A budget of its own goes to the box with the token: it is there against the coordinator, who has no say in it.

Every step is a message, so that the same can travel over HTTP.
"""

import datetime as dt
import hashlib
import hmac
import json
import operator
import secrets
from typing import Annotated

import pydantic
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from deploy.errors import DeployError
from fl_protocol.membership import PrivacyPromise
from fl_protocol.messages import Message, Name, Token, UtcInstant

DEFAULT_VALID_HOURS = 72.0
_DOMAIN = b"edgeguard join v1\x00"
_TOKEN_DOMAIN = b"edgeguard enrolment token v1\x00"
_Hex32 = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]
_EnrolmentId = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{32}$")]
_NodeKey = Annotated[str, pydantic.Field(pattern=r"^ecdsa-sha2-nistp384 [A-Za-z0-9+/=]{100,300}$")]
_Signature = Annotated[str, pydantic.Field(pattern=r"^([0-9a-f]{2}){8,128}$")]
_Pem = Annotated[str, pydantic.Field(min_length=1, max_length=8192)]
_Address = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9:/.-]{1,300}$")]
_SignedRoster = Annotated[str, pydantic.Field(min_length=1, max_length=1_000_000)]


class Enrolment(Message):
    """What the operator hands to one box; whoever holds it can become that site."""

    enrolment_id: _EnrolmentId = pydantic.Field(description="Names the token without giving it away.")
    federation: Name = pydantic.Field(description="Name of the federation.")
    site: Name = pydantic.Field(description="The one name this may be used for.")
    token: Token = pydantic.Field(repr=False, description="One-time secret.")
    expires_utc: UtcInstant = pydantic.Field(description="The token ends here.")
    operator_key: _Hex32 = pydantic.Field(description="Ed25519 public key that signs rosters; pinned by the box.")
    ca_certificate: _Pem = pydantic.Field(description="PEM of the authority; the box trusts no other.")
    superlink: _Address = pydantic.Field(description="HOST:PORT for training messages.")
    coordinator: _Address = pydantic.Field(description="URL of the coordinator.")
    roster_version: int = pydantic.Field(ge=1, le=2**53, description="Newest roster; the box takes none below it.")
    privacy: PrivacyPromise | None = pydantic.Field(
        default=None,
        exclude_if=operator.not_,
        description="The most the box gives away; left out: as the coordinator says.",
    )


class OpenEnrolment(Message):
    """What the operator keeps of an enrolment that was not used yet."""

    enrolment_id: _EnrolmentId = pydantic.Field(description="As in the enrolment.")
    site: Name = pydantic.Field(description="The one name it may be used for.")
    token_digest: _Hex32 = pydantic.Field(
        repr=False, description="SHA-256 of the token, and key of the request's HMAC."
    )
    expires_utc: UtcInstant = pydantic.Field(description="The token ends here.")


class OpenEnrolments(Message):
    """All enrolments that were not used yet."""

    enrolments: tuple[OpenEnrolment, ...] = pydantic.Field(
        default=(), strict=False, max_length=5000, description="All."
    )


class JoinRequest(Message):
    """What a box sends back: public keys and proofs, no secret."""

    enrolment_id: _EnrolmentId = pydantic.Field(description="Which enrolment it answers.")
    federation: Name = pydantic.Field(description="Name of the federation.")
    site: Name = pydantic.Field(description="Name of the site.")
    identity_key: _Hex32 = pydantic.Field(description="Ed25519 public key for the roster.")
    node_key: _NodeKey = pydantic.Field(description="EC P-384 public key of the SuperNode, OpenSSH format.")
    identity_signature: _Signature = pydantic.Field(description="By the identity key.")
    node_signature: _Signature = pydantic.Field(description="By the SuperNode's key.")
    token_proof: _Hex32 = pydantic.Field(description="HMAC-SHA256 under the token's digest.")


class JoinAnswer(Message):
    """What the operator sends to a site that was admitted."""

    site: Name = pydantic.Field(description="Name of the site.")
    signed_roster: _SignedRoster = pydantic.Field(description="As ``fl_protocol.roster`` signs it.")


def privacy_promise(max_epsilon: float | None, delta: float | None) -> PrivacyPromise | None:
    """The budget that an operator gives a box (rule 5); None where none is given.

    Raises:
        DeployError: One goes without the other, or is out of its bounds.
    """
    if max_epsilon is None and delta is None:
        return None
    if max_epsilon is None or delta is None:
        raise DeployError("--max-epsilon, --delta: expected both or neither, got only one")
    try:
        return PrivacyPromise(max_epsilon=max_epsilon, delta=delta)
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        option = f"--{problem['loc'][0]}".replace("_", "-")
        raise DeployError(f"{option}: {problem['msg']} (got {problem['input']})") from error


def new_token() -> str:
    """A one-time secret of 256 bits."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(_TOKEN_DOMAIN + token.encode()).digest()


def make_request(
    enrolment: Enrolment, identity: Ed25519PrivateKey, node: ec.EllipticCurvePrivateKey, now: dt.datetime
) -> JoinRequest:
    """The request of a box for its two keys (rule 2).

    Raises:
        DeployError: The enrolment has ended.
    """
    if now >= enrolment.expires_utc:
        raise DeployError(f"enrolment: ended {enrolment.expires_utc.isoformat()}; ask the operator for a new one")
    fields = {
        "enrolment_id": enrolment.enrolment_id,
        "federation": enrolment.federation,
        "site": enrolment.site,
        "identity_key": identity.public_key().public_bytes_raw().hex(),
        "node_key": public_node_key(node),
    }
    signed = _signed_bytes(fields)
    return JoinRequest(
        **fields,
        identity_signature=identity.sign(signed).hex(),
        node_signature=node.sign(signed, ec.ECDSA(hashes.SHA384())).hex(),
        token_proof=hmac.digest(token_digest(enrolment.token), signed, "sha256").hex(),
    )


def check_request(request: JoinRequest, opened: OpenEnrolment, federation: str, now: dt.datetime) -> None:
    """Holds a request against the enrolment it answers (rules 2 and 3).

    Raises:
        DeployError: It proves too little; the message says what.
    """
    if request.site != opened.site:
        raise DeployError(f"request: expected the site {opened.site}, which the token is for, got {request.site}")
    if request.federation != federation:
        raise DeployError(f"request: expected the federation {federation}, got {request.federation}")
    if now >= opened.expires_utc:
        raise DeployError(f"request: the token ended {opened.expires_utc.isoformat()}; enrol the site again")
    names = ("enrolment_id", "federation", "site", "identity_key", "node_key")
    signed = _signed_bytes({name: getattr(request, name) for name in names})
    expected = hmac.digest(bytes.fromhex(opened.token_digest), signed, "sha256")
    if not hmac.compare_digest(expected, bytes.fromhex(request.token_proof)):
        raise DeployError("request: expected a proof of the token over exactly these keys")
    _check_signatures(request, signed)


def public_node_key(key: ec.EllipticCurvePrivateKey) -> str:
    """The public half of a SuperNode's key as ``ssh-keygen`` writes it, without comment."""
    ssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return key.public_key().public_bytes(*ssh).decode("ascii")


def _check_signatures(request: JoinRequest, signed: bytes) -> None:
    try:
        identity = Ed25519PublicKey.from_public_bytes(bytes.fromhex(request.identity_key))
        identity.verify(bytes.fromhex(request.identity_signature), signed)
        node = serialization.load_ssh_public_key(request.node_key.encode())
        if not isinstance(node, ec.EllipticCurvePublicKey):
            raise DeployError("request: expected an EC key for the SuperNode")
        node.verify(bytes.fromhex(request.node_signature), signed, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature as error:
        raise DeployError("request: expected a signature by each of its keys") from error
    except ValueError as error:
        raise DeployError("request: expected an Ed25519 and an EC P-384 public key") from error


def _signed_bytes(fields: dict[str, str]) -> bytes:
    return _DOMAIN + json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
