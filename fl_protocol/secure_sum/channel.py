"""Channels between sites: keys that the roster's identities vouch for, and what is sealed under them.

Rules:

1. A site makes a channel key for each training run and signs it with its identity key, together with the run and the
   roster; others take it only with that signature, so the coordinator cannot put a key of its own in its place.
2. What one site seals for another is bound to run, epoch, round, sender and receiver: it opens for nobody else, at no
   other place and no other time.
3. Nonces are random: a channel carries one message in an epoch and direction.

Source:
    RFC 8032 (Ed25519), RFC 7748 (X25519), RFC 5869 (HKDF), NIST SP 800-38D (AES-GCM).
"""

import dataclasses
import secrets

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fl_protocol.errors import SealError
from fl_protocol.secure_sum.binding import EpochName
from fl_protocol.secure_sum.masking import agree, derive_key
from fl_protocol.secure_sum.shamir import NUM_SYMBOLS, PRIME

PUBLIC_BYTES, SIGNATURE_BYTES = 32, 64
_NONCE_BYTES, _TAG_BYTES = 12, 16
_SHARE_BYTES = 4 * NUM_SYMBOLS
SEALED_BYTES = _NONCE_BYTES + PUBLIC_BYTES + 2 * _SHARE_BYTES + _TAG_BYTES
"""Nonce, public round key, share of the round key, share of the seed, tag."""

ShareRow = npt.NDArray[np.uint32]  # (NUM_SYMBOLS,)


@dataclasses.dataclass(frozen=True)
class SharePair:
    """What one neighbour holds of another's epoch."""

    round_public: bytes
    key_share: ShareRow
    seed_share: ShareRow


@dataclasses.dataclass(frozen=True)
class ChannelOffer:
    """A site's channel key, vouched for by its identity."""

    public: bytes
    signature: bytes


def offer_channel(identity: Ed25519PrivateKey, channel_public: bytes, run: bytes, roster_digest: bytes) -> ChannelOffer:
    """Signs a channel key for one training run of one roster."""
    return ChannelOffer(channel_public, identity.sign(_offer_label(channel_public, run, roster_digest)))


def check_offer(offer: ChannelOffer, identity_public: bytes, run: bytes, roster_digest: bytes) -> None:
    """Checks that the roster's identity vouches for the key.

    Raises:
        SealError: It does not.
    """
    check_signature(
        identity_public, offer.signature, _offer_label(offer.public, run, roster_digest), "a channel key of the site"
    )


def check_signature(identity_public: bytes, signature: bytes, signed: bytes, what: str) -> None:
    """Checks a signature of a site of the roster.

    Raises:
        SealError: The signature is not of that identity and those bytes.
    """
    try:
        Ed25519PublicKey.from_public_bytes(identity_public).verify(signature, signed)
    except (InvalidSignature, ValueError) as error:
        raise SealError(f"expected {what}, signed by the identity on the roster") from error


def channel_key(own: X25519PrivateKey, other_public: bytes, label: bytes) -> bytes:
    """The key two sites seal with, either way; ``label`` names run, roster and the pair.

    Raises:
        SealError: The other's key is none to agree with.
    """
    return derive_key(agree(own, other_public), b"edgeguard secure sum channel v1" + label)


def seal_shares(key: bytes, shares: SharePair, name: EpochName, sender: int, receiver: int) -> bytes:
    """Seals shares from ``sender`` for ``receiver``. ``SEALED_BYTES`` long."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    parts = (array.astype("<u4").tobytes() for array in (shares.key_share, shares.seed_share))
    plain = shares.round_public + b"".join(parts)
    return nonce + AESGCM(key).encrypt(nonce, plain, _seal_label(name, sender, receiver))


def open_shares(key: bytes, sealed: bytes, name: EpochName, sender: int, receiver: int) -> SharePair:
    """Opens what ``seal_shares`` sealed.

    Raises:
        SealError: It was sealed by another, for another, for another epoch, or altered.
    """
    try:
        plain = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _seal_label(name, sender, receiver))
    except (InvalidTag, ValueError) as error:
        raise SealError(f"expected shares sealed by site {sender} for site {receiver} in epoch {name.epoch}") from error
    dealt = np.frombuffer(plain[PUBLIC_BYTES:], dtype="<u4").reshape(2, NUM_SYMBOLS)
    shares = (dealt % PRIME).astype(np.uint32)  # or what a liar dealt would make this site's own answer unreadable
    return SharePair(plain[:PUBLIC_BYTES], shares[0], shares[1])


def _offer_label(channel_public: bytes, run: bytes, roster_digest: bytes) -> bytes:
    return b"edgeguard secure sum channel offer v1" + run + roster_digest + channel_public


def _seal_label(name: EpochName, sender: int, receiver: int) -> bytes:
    return b"edgeguard secure sum shares v1" + name.encoded + sender.to_bytes(4) + receiver.to_bytes(4)
