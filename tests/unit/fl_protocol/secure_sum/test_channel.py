"""Channels: offers, signatures and seals."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fl_protocol.errors import SealError
from fl_protocol.secure_sum.binding import EpochName
from fl_protocol.secure_sum.channel import (
    SEALED_BYTES,
    SharePair,
    channel_key,
    check_offer,
    check_signature,
    offer_channel,
    open_shares,
    seal_shares,
)
from fl_protocol.secure_sum.masking import public_bytes
from tests.fakes.secure_fleet import identity_of

_NAME = EpochName(b"R" * 16, 3, 2)
_KEY = b"k" * 32
_PAIR = SharePair(b"p" * 32, np.arange(16, dtype=np.uint32), np.arange(65_521, 65_537, dtype=np.uint32))


def test_sealed_shares_open_for_their_receiver() -> None:
    sealed = seal_shares(_KEY, _PAIR, _NAME, 1, 2)
    opened = open_shares(_KEY, sealed, _NAME, 1, 2)
    assert len(sealed) == SEALED_BYTES == 12 + 32 + 2 * 64 + 16
    assert opened.round_public == _PAIR.round_public
    assert (opened.key_share == _PAIR.key_share).all()
    assert (opened.seed_share == _PAIR.seed_share).all()
    assert opened.key_share.dtype == np.uint32


def test_share_outside_the_field_is_one_of_the_field_to_its_holder() -> None:
    dealt = SharePair(b"p" * 32, np.full(16, 65_537 + 5, dtype=np.uint32), np.full(16, 2**32 - 1, dtype=np.uint32))
    opened = open_shares(_KEY, seal_shares(_KEY, dealt, _NAME, 1, 2), _NAME, 1, 2)
    assert set(opened.key_share) == {5}
    assert set(opened.seed_share) == {(2**32 - 1) % 65_537}


@pytest.mark.parametrize(
    ("key", "name", "sender", "receiver"),
    [
        (b"l" * 32, _NAME, 1, 2),
        (_KEY, EpochName(b"S" * 16, 3, 2), 1, 2),
        (_KEY, EpochName(b"R" * 16, 4, 2), 1, 2),
        (_KEY, EpochName(b"R" * 16, 3, 3), 1, 2),
        (_KEY, _NAME, 2, 1),
        (_KEY, _NAME, 3, 2),
        (_KEY, _NAME, 1, 3),
    ],
)
def test_sealed_shares_open_at_no_other_place(key: bytes, name: EpochName, sender: int, receiver: int) -> None:
    with pytest.raises(SealError, match=f"sealed by site {sender} for site {receiver} in epoch {name.epoch}"):
        open_shares(key, seal_shares(_KEY, _PAIR, _NAME, 1, 2), name, sender, receiver)


def test_seal_that_is_too_short_is_refused() -> None:
    for length in (0, 5, 12, 27):
        with pytest.raises(SealError, match="expected shares sealed by site 1 for site 2 in epoch 3"):
            open_shares(_KEY, seal_shares(_KEY, _PAIR, _NAME, 1, 2)[:length], _NAME, 1, 2)


def test_same_shares_sealed_twice_look_different() -> None:
    assert seal_shares(_KEY, _PAIR, _NAME, 1, 2)[:12] != seal_shares(_KEY, _PAIR, _NAME, 1, 2)[:12]


def test_offer_is_good_for_its_identity_run_and_roster_alone() -> None:
    public = public_bytes(X25519PrivateKey.generate())
    offer = offer_channel(identity_of(0), public, b"R" * 16, b"r" * 32)
    own, other = (identity_of(site).public_key().public_bytes_raw() for site in (0, 1))
    check_offer(offer, own, b"R" * 16, b"r" * 32)
    for identity, run, roster in ((other, b"R", b"r"), (own, b"S", b"r"), (own, b"R", b"s")):
        with pytest.raises(SealError, match="expected a channel key of the site, signed by the identity on the roster"):
            check_offer(offer, identity, run * 16, roster * 32)


def test_signature_of_the_published_example_is_accepted() -> None:
    """RFC 8032, section 7.1, test 1."""
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b"
    )
    check_signature(public, signature, b"", "it")
    with pytest.raises(SealError, match="expected it, signed by the identity on the roster"):
        check_signature(public, signature, b"x", "it")
    with pytest.raises(SealError, match="expected it, signed"):
        check_signature(public[:31], signature, b"", "it")


def test_both_ends_of_a_channel_have_one_key() -> None:
    one, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    key = channel_key(one, public_bytes(other), b"pair")
    assert key == channel_key(other, public_bytes(one), b"pair")
    assert key != channel_key(one, public_bytes(other), b"another pair")
    with pytest.raises(SealError, match="full order"):
        channel_key(one, bytes(32), b"pair")
