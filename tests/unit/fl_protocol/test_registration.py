"""Registration: a name belongs to the identity key on the roster, and every way to take it otherwise is refused."""

import dataclasses
import re

import pydantic
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fl_protocol.errors import RegistrationError
from fl_protocol.messages import SiteRegistration, Token
from fl_protocol.registration import SiteCredential, check_registration, member_credential
from fl_protocol.roster import Roster, RosterSite, new_beacon

_OWN, _OTHER = Ed25519PrivateKey.from_private_bytes(b"\1" * 32), Ed25519PrivateKey.from_private_bytes(b"\2" * 32)
_NOT_PROVED = "site store42: expected a proof by the identity key on the roster, for this token"


def _public(identity: Ed25519PrivateKey) -> bytes:
    return identity.public_key().public_bytes_raw()


_ROSTER = Roster(
    7, new_beacon(), "chain", (RosterSite("store42", _public(_OWN)), RosterSite("store43", _public(_OTHER)))
)
_CREDENTIAL = member_credential(_OWN, "chain", "store42")


def _check(credential: SiteCredential, site: str = "store42", roster: Roster = _ROSTER) -> bytes:
    return check_registration(roster, SiteRegistration(name=site, proof=credential.proof), credential.token)


def _refusal(credential: SiteCredential, site: str = "store42", roster: Roster = _ROSTER) -> str:
    with pytest.raises(RegistrationError) as refused:
        _check(credential, site, roster)
    return str(refused.value)


def test_site_with_the_key_on_the_roster_is_admitted() -> None:
    assert _check(_CREDENTIAL) == _public(_OWN)
    assert _check(member_credential(_OTHER, "chain", "store43"), "store43") == _public(_OTHER)


def test_box_that_lost_its_state_comes_back_with_the_same_credential() -> None:
    assert member_credential(_OWN, "chain", "store42") == _CREDENTIAL


@given(st.text(), st.text(), st.binary(min_size=32, max_size=32))
def test_token_fits_its_message_and_differs_for_every_other_place_or_key(
    federation: str, site: str, key: bytes
) -> None:
    token = member_credential(Ed25519PrivateKey.from_private_bytes(key), federation, site).token
    assert pydantic.TypeAdapter(Token).validate_python(token) == token
    for other in (
        member_credential(Ed25519PrivateKey.from_private_bytes(key), federation + "x", site),
        member_credential(Ed25519PrivateKey.from_private_bytes(key), federation, site + "x"),
        member_credential(Ed25519PrivateKey.from_private_bytes(bytes([key[0] ^ 1]) + key[1:]), federation, site),
    ):
        assert other.token != token


def test_forged_proof_is_refused() -> None:
    assert _refusal(member_credential(_OTHER, "chain", "store42")) == _NOT_PROVED


def test_recorded_proof_is_worth_nothing_with_another_token() -> None:
    assert _refusal(dataclasses.replace(_CREDENTIAL, token="t" * 43)) == _NOT_PROVED


def test_recorded_proof_is_worth_nothing_under_another_name() -> None:
    assert _refusal(_CREDENTIAL, "store43") == _NOT_PROVED.replace("store42", "store43")


def test_proof_for_another_federation_is_refused() -> None:
    assert _refusal(member_credential(_OWN, "other", "store42")) == _NOT_PROVED


def test_proof_of_the_key_before_a_new_enrolment_is_refused() -> None:
    anew = _ROSTER.next_with([RosterSite("store42", _public(Ed25519PrivateKey.generate()))])
    assert _refusal(_CREDENTIAL, roster=anew) == _NOT_PROVED


def test_revoked_site_and_unknown_name_are_refused() -> None:
    revoked = _ROSTER.next_with([_ROSTER.sites[1]])
    assert _refusal(_CREDENTIAL, roster=revoked) == "site store42: expected a name on the roster (version 8)"
    assert _refusal(_CREDENTIAL, "store4") == "site store4: expected a name on the roster (version 7)"


def test_registration_without_token_or_proof_is_refused() -> None:
    expected = "site store42: expected its token and a proof by its identity key"
    assert _refusal(SiteCredential(_CREDENTIAL.token)) == expected
    with pytest.raises(RegistrationError, match=f"^{expected}$"):
        check_registration(_ROSTER, SiteRegistration(name="store42", proof=_CREDENTIAL.proof), None)


@given(st.integers(0, 511))
def test_every_bit_of_the_proof_counts(bit: int) -> None:
    proof = bytearray.fromhex(_CREDENTIAL.proof or "")
    proof[bit // 8] ^= 1 << bit % 8
    assert _refusal(dataclasses.replace(_CREDENTIAL, proof=proof.hex())) == _NOT_PROVED


def test_roster_with_a_key_that_is_none_admits_nobody_under_it() -> None:
    no_point = bytes([2]) + bytes(31)  # no point of the curve has this y
    roster = _ROSTER.next_with([RosterSite("store42", no_point)])
    assert _refusal(_CREDENTIAL, roster=roster) == _NOT_PROVED


def test_credential_shows_no_secret() -> None:
    assert repr(_CREDENTIAL) == "SiteCredential()"
    assert "proof" not in repr(SiteRegistration(name="store42", proof=_CREDENTIAL.proof))


def test_registration_without_proof_is_what_an_older_coordinator_takes() -> None:
    assert SiteRegistration(name="store42").model_dump_json() == '{"schema_version":1,"name":"store42"}'
    assert re.search(r'"proof":"[0-9a-f]{128}"', SiteRegistration(name="a", proof="0" * 128).model_dump_json())
