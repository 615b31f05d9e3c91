"""The federation's own certificate authority and the coordinator's certificate.

* The authority vouches for the coordinator alone; its key is kept with the operator. Sites trust this authority and no
  other, so no public authority can vouch for somebody else in the coordinator's place.
* Keys are EC P-256. The authority lasts ten years and may not make further authorities; a server certificate lasts 397
  days and names every host, every address, and loopback, where SuperLink and proxy talk to each other.
* A renewal vouches for the same key anew: the key stays on the coordinator.
"""

import datetime as dt
import ipaddress
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.errors import DeployError

AUTHORITY_LIFETIME = dt.timedelta(days=3650)
SERVER_LIFETIME = dt.timedelta(days=397)
RENEW_BEFORE = dt.timedelta(days=30)
"""A server certificate with less left than this is to be renewed."""
_SKEW = dt.timedelta(hours=1)
_LOOPBACK = ("localhost", "127.0.0.1")


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new EC P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key in PEM (PKCS 8), without password: file permissions protect it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def new_authority(federation: str, key: ec.EllipticCurvePrivateKey, now: dt.datetime) -> bytes:
    """The authority's own certificate, PEM."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{federation} authority"[:64])])
    builder = _builder(name, name, key.public_key(), (now, AUTHORITY_LIFETIME))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(is_authority=True), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def server_certificate(
    public_key: ec.EllipticCurvePublicKey,
    names: Sequence[str],
    authority: tuple[bytes, ec.EllipticCurvePrivateKey],
    now: dt.datetime,
) -> bytes:
    """A certificate for the coordinator, PEM.

    Args:
        public_key: The server's.
        names: Host names and addresses it answers to; loopback is added.
        authority: Certificate in PEM, and its key.
        now: Start of its life.

    Raises:
        DeployError: The key is not that of the authority, or the authority ends before the certificate would.
    """
    issuer = x509.load_pem_x509_certificate(authority[0])
    if issuer.public_key() != authority[1].public_key():
        raise DeployError("authority: expected the key that belongs to its certificate")
    if issuer.not_valid_after_utc < now + SERVER_LIFETIME:
        raise DeployError(f"authority: ends {issuer.not_valid_after_utc:%Y-%m-%d}: set up a new one")
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0][:64])])
    builder = _builder(subject, issuer.subject, public_key, (now, SERVER_LIFETIME))
    every = [_general_name(name) for name in dict.fromkeys((*names, *_LOOPBACK))]
    builder = builder.add_extension(x509.SubjectAlternativeName(every), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(is_authority=False), critical=True)
    server_only = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
    builder = builder.add_extension(server_only, critical=False)
    key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority[1].public_key())
    signed = builder.add_extension(key_id, critical=False).sign(authority[1], hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def load_authority_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Reads the authority's key.

    Raises:
        DeployError: It is not an EC key in PEM.
    """
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise DeployError("authority: expected a private key in PEM without password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise DeployError("authority: expected an EC key")
    return key


def server_key_of(certificate_pem: bytes) -> ec.EllipticCurvePublicKey:
    """The public key a certificate is about.

    Raises:
        DeployError: It is not a certificate of an EC key.
    """
    key = _certificate(certificate_pem).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise DeployError("server certificate: expected an EC key")
    return key


def remaining(certificate_pem: bytes, now: dt.datetime) -> dt.timedelta:
    """How long a certificate still lasts; negative when it has ended.

    Raises:
        DeployError: It is not a certificate.
    """
    return _certificate(certificate_pem).not_valid_after_utc - now


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise DeployError("server certificate: expected a certificate in PEM") from error


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    life: tuple[dt.datetime, dt.timedelta],
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(life[0] - _SKEW).not_valid_after(life[0] + life[1])
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
