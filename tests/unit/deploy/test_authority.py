"""The authority and the coordinator's certificate, as a TLS library sees them."""

import datetime as dt
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from deploy.authority import (
    key_pem,
    load_authority_key,
    new_authority,
    new_key,
    remaining,
    server_certificate,
    server_key_of,
)
from deploy.errors import DeployError

_NOW = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
_CA_KEY, _SERVER_KEY = new_key(), new_key()
_CA = new_authority("chain", _CA_KEY, _NOW)
_CERTIFICATE = server_certificate(_SERVER_KEY.public_key(), ["c.example", "192.0.2.7"], (_CA, _CA_KEY), _NOW)


def _verify(name: x509.GeneralName, at: dt.datetime, certificate: bytes = _CERTIFICATE) -> None:
    assert isinstance(name, x509.DNSName | x509.IPAddress)
    store = Store([x509.load_pem_x509_certificate(_CA)])
    verifier = PolicyBuilder().store(store).time(at).build_server_verifier(name)
    verifier.verify(x509.load_pem_x509_certificate(certificate), [])


@pytest.mark.parametrize("name", ["c.example", "localhost"])
def test_certificate_is_good_for_each_name(name: str) -> None:
    _verify(x509.DNSName(name), _NOW)


def test_certificate_is_good_for_addresses() -> None:
    _verify(x509.IPAddress(ipaddress.ip_address("192.0.2.7")), _NOW)
    _verify(x509.IPAddress(ipaddress.ip_address("127.0.0.1")), _NOW)


def test_certificate_is_good_for_no_other_name_and_not_for_ever() -> None:
    for name, at in (("d.example", _NOW), ("c.example", _NOW + dt.timedelta(days=398))):
        with pytest.raises(VerificationError):
            _verify(x509.DNSName(name), at)


def test_server_cannot_act_as_authority() -> None:
    forged = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(_subject(_CERTIFICATE))
    forged = forged.public_key(new_key().public_key()).serial_number(1).not_valid_before(_NOW)
    signed = forged.not_valid_after(_NOW + dt.timedelta(days=1)).sign(_SERVER_KEY, hashes.SHA256())
    with pytest.raises(VerificationError):
        _verify(x509.DNSName("c.example"), _NOW, signed.public_bytes(serialization.Encoding.PEM))


def test_renewal_keeps_the_key_and_lasts_longer() -> None:
    later = _NOW + dt.timedelta(days=300)
    renewed = server_certificate(server_key_of(_CERTIFICATE), ["c.example"], (_CA, _CA_KEY), later)
    assert server_key_of(renewed) == _SERVER_KEY.public_key()
    assert remaining(renewed, later) == dt.timedelta(days=397)
    assert remaining(_CERTIFICATE, later) == dt.timedelta(days=97)


def test_key_of_another_authority_is_refused() -> None:
    with pytest.raises(DeployError, match="expected the key that belongs to its certificate"):
        server_certificate(_SERVER_KEY.public_key(), ["c.example"], (_CA, new_key()), _NOW)


def test_authority_about_to_end_is_refused() -> None:
    with pytest.raises(DeployError, match="authority: ends 2036-02-28: set up a new one"):
        server_certificate(_SERVER_KEY.public_key(), ["c.example"], (_CA, _CA_KEY), _NOW + dt.timedelta(days=3600))


def test_keys_are_read_back() -> None:
    read = load_authority_key(key_pem(_CA_KEY))
    assert read.private_numbers() == _CA_KEY.private_numbers()
    assert isinstance(read.curve, ec.SECP256R1)


def test_what_is_no_key_or_certificate_is_named() -> None:
    with pytest.raises(DeployError, match="authority: expected a private key in PEM"):
        load_authority_key(b"garbage")
    ed25519 = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    with pytest.raises(DeployError, match="authority: expected an EC key"):
        load_authority_key(ed25519.private_bytes(*pem))
    with pytest.raises(DeployError, match="server certificate: expected a certificate in PEM"):
        server_key_of(b"garbage")


def _subject(pem: bytes) -> x509.Name:
    return x509.load_pem_x509_certificate(pem).subject
