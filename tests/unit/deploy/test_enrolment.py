"""Enrolment: what a box proves, and every way to prove less that is refused."""

import datetime as dt
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.enrolment import (
    Enrolment,
    JoinRequest,
    OpenEnrolment,
    check_request,
    make_request,
    new_token,
    token_digest,
)
from deploy.errors import DeployError

_NOW = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
_IDENTITY, _NODE = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())
_ENROLMENT = Enrolment(
    enrolment_id="0" * 32,
    federation="chain",
    site="store42",
    token=new_token(),
    expires_utc=_NOW + dt.timedelta(hours=72),
    operator_key="1" * 64,
    ca_certificate="PEM",
    superlink="coordinator.example:9443",
    coordinator="https://coordinator.example:8443",
    roster_version=1,
)
_OPENED = OpenEnrolment(
    enrolment_id=_ENROLMENT.enrolment_id,
    site=_ENROLMENT.site,
    token_digest=token_digest(_ENROLMENT.token).hex(),
    expires_utc=_ENROLMENT.expires_utc,
)
_REQUEST = make_request(_ENROLMENT, _IDENTITY, _NODE, _NOW)


def _refusal(request: JoinRequest, now: dt.datetime = _NOW, opened: OpenEnrolment = _OPENED) -> str:
    with pytest.raises(DeployError) as refused:
        check_request(request, opened, "chain", now)
    return str(refused.value)


def _of_another_box(**changed: Any) -> JoinRequest:  # noqa: ANN401  fields of every type
    enrolment = Enrolment.model_validate(_ENROLMENT.model_dump() | changed)
    return make_request(enrolment, Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1()), _NOW)


def test_request_of_the_box_is_taken() -> None:
    check_request(_REQUEST, _OPENED, "chain", _NOW)
    check_request(_of_another_box(), _OPENED, "chain", _NOW)


def test_request_holds_neither_token_nor_private_key() -> None:
    sent = _REQUEST.model_dump_json()
    assert _ENROLMENT.token not in sent
    assert _OPENED.token_digest not in sent
    assert _IDENTITY.private_bytes_raw().hex() not in sent
    assert _ENROLMENT.token not in _OPENED.model_dump_json()


def test_guessed_token_is_refused() -> None:
    forged = _of_another_box(token=new_token())
    assert _refusal(forged) == "request: expected a proof of the token over exactly these keys"


@pytest.mark.parametrize("name", ["identity_key", "node_key"])
def test_key_exchanged_on_the_way_is_refused(name: str) -> None:
    other = _of_another_box(token=new_token())
    swapped = _REQUEST.model_copy(update={name: getattr(other, name)})
    assert _refusal(swapped) == "request: expected a proof of the token over exactly these keys"


@pytest.mark.parametrize("name", ["identity_signature", "node_signature"])
def test_key_of_somebody_else_is_refused(name: str) -> None:
    other = _of_another_box()
    copied = _REQUEST.model_copy(update={name: getattr(other, name)})
    assert _refusal(copied) == "request: expected a signature by each of its keys"


def test_token_of_another_site_is_refused() -> None:
    moved = _of_another_box(site="store43")
    assert _refusal(moved) == "request: expected the site store42, which the token is for, got store43"


def test_request_for_another_federation_is_refused() -> None:
    assert _refusal(_of_another_box(federation="other")) == "request: expected the federation chain, got other"


def test_token_that_has_ended_is_refused_on_both_sides() -> None:
    late = _ENROLMENT.expires_utc
    assert _refusal(_REQUEST, now=late).startswith("request: the token ended 2026-03-05T10:00:00+00:00")
    with pytest.raises(DeployError, match="ask the operator for a new one"):
        make_request(_ENROLMENT, _IDENTITY, _NODE, late)


def test_node_key_that_is_no_point_is_refused() -> None:
    weak = ec.generate_private_key(ec.SECP256R1())
    ssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    body = weak.public_key().public_bytes(*ssh).decode().partition(" ")[2]
    fields = _REQUEST.model_dump() | {"node_key": f"ecdsa-sha2-nistp384 {body}"}
    forged = _with_proof(fields)
    assert _refusal(forged) == "request: expected an Ed25519 and an EC P-384 public key"


def _with_proof(fields: dict[str, Any]) -> JoinRequest:
    """A request whose token and identity are right, whatever else it says."""
    names = ("enrolment_id", "federation", "site", "identity_key", "node_key")
    text = json.dumps({name: fields[name] for name in names}, sort_keys=True, separators=(",", ":"))
    signed = b"edgeguard join v1\x00" + text.encode()
    proof = hmac.digest(token_digest(_ENROLMENT.token), signed, "sha256").hex()
    return JoinRequest.model_validate(
        fields | {"token_proof": proof, "identity_signature": _IDENTITY.sign(signed).hex()}
    )
