"""Messages, bit for bit."""

from collections.abc import Callable

import numpy as np
import pytest

from fl_protocol.errors import SealError, WireError
from fl_protocol.secure_sum.binding import MAX_ROUND, EpochName
from fl_protocol.secure_sum.channel import SEALED_BYTES, ChannelOffer
from fl_protocol.secure_sum.graph import MAX_EPOCH
from fl_protocol.secure_sum.messages import (
    Advertisement,
    KeysRequest,
    MaskedVector,
    MaskRequest,
    Positions,
    RevealedShares,
    SetUp,
    ShareRows,
    UnmaskRequest,
)
from fl_protocol.secure_sum.shamir import NUM_SYMBOLS
from tests.fakes.secure_fleet import identity_of

_NAME = EpochName(b"R" * 16, 3, 2)
_IDENTITIES = tuple(identity_of(site).public_key().public_bytes_raw() for site in range(4))
_OFFER = ChannelOffer(b"p" * 32, b"s" * 64)


def _sealed(count: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.arange(count * SEALED_BYTES).astype(np.uint8).reshape(count, SEALED_BYTES)


def _shares(count: int, first: int = 0) -> ShareRows:
    return np.arange(first, first + count * NUM_SYMBOLS, dtype=np.uint32).reshape(count, NUM_SYMBOLS)


def _revealed(rows: ShareRows) -> bytes:
    return RevealedShares(_NAME, 1, b"a" * 32, rows).encode(identity_of(1))


def test_set_up_comes_back() -> None:
    wanted = SetUp(2, b"R" * 16, _OFFER, 9)
    assert SetUp.decode(wanted.encode(identity_of(2)), _IDENTITIES) == wanted


@pytest.mark.parametrize("positions", [(), (1, 4999)])
def test_keys_request_comes_back(positions: Positions) -> None:
    wanted = KeysRequest(_NAME, positions, (_OFFER,) * len(positions))
    assert KeysRequest.decode(wanted.encode()) == wanted


def test_advertisement_comes_back() -> None:
    wanted = Advertisement(_NAME, 1, b"p" * 32, b"h" * 32, (0, 3), _sealed(2))
    got = Advertisement.decode(wanted.encode(identity_of(1)), _IDENTITIES)
    assert (got.name, got.site, got.round_public, got.seed_commitment) == (_NAME, 1, b"p" * 32, b"h" * 32)
    assert got.receivers == (0, 3)
    assert (got.sealed == wanted.sealed).all()


def test_mask_request_comes_back() -> None:
    got = MaskRequest.decode(MaskRequest(_NAME, (0, 3), _sealed(2)).encode())
    assert (got.name, got.senders) == (_NAME, (0, 3))
    assert (got.sealed == _sealed(2)).all()


def test_masked_vector_comes_back() -> None:
    wanted = MaskedVector(_NAME, 3, b"lanes")
    assert MaskedVector.decode(wanted.encode(identity_of(3)), _IDENTITIES) == wanted


def test_unmask_request_comes_back() -> None:
    wanted = UnmaskRequest(_NAME, (0, 1, 2), (1, 2), ())
    assert UnmaskRequest.decode(wanted.encode()) == wanted


def test_revealed_shares_come_back() -> None:
    rows = _shares(3, first=2**32 - 3 * NUM_SYMBOLS)
    got = RevealedShares.decode(_revealed(rows), _IDENTITIES)
    assert (got.name, got.site, got.agreement) == (_NAME, 1, b"a" * 32)
    assert (got.rows == rows).all()


def test_site_of_one_message_may_not_sign_for_another() -> None:
    with pytest.raises(SealError, match="expected an answer of the site, signed by the identity on the roster"):
        MaskedVector.decode(MaskedVector(_NAME, 3, b"lanes").encode(identity_of(2)), _IDENTITIES)


def test_signature_is_of_the_kind_too() -> None:
    vector = MaskedVector(_NAME, 3, b"lanes").encode(identity_of(3))
    with pytest.raises(WireError, match="message EGad: at byte 6: expected version 1 of it"):
        Advertisement.decode(vector, _IDENTITIES)


@pytest.mark.parametrize("positions", [(2, 1), (1, 1), (0, 5000)])
def test_positions_that_repeat_descend_or_are_on_no_roster_are_refused(positions: Positions) -> None:
    with pytest.raises(WireError, match="positions: expected them strictly ascending and below 5000"):
        UnmaskRequest.decode(UnmaskRequest(_NAME, positions, (), ()).encode())


@pytest.mark.parametrize(
    "decode",
    [
        lambda: KeysRequest.decode(KeysRequest(_NAME, (1, 2), (_OFFER,)).encode()),
        lambda: MaskRequest.decode(MaskRequest(_NAME, (1, 2), _sealed(3)).encode()),
        lambda: Advertisement.decode(
            Advertisement(_NAME, 1, b"p" * 32, b"h" * 32, (0,), _sealed(2)).encode(identity_of(1)), _IDENTITIES
        ),
    ],
)
def test_rows_that_are_not_as_many_as_the_sites_are_refused(decode: Callable[[], object]) -> None:
    with pytest.raises(WireError, match=r"expected a row for each of \d sites, got \d"):
        decode()


def test_numbers_beyond_their_bounds_are_refused() -> None:
    for name in (EpochName(b"R" * 16, MAX_EPOCH + 1, 1), EpochName(b"R" * 16, 1, MAX_ROUND + 1)):
        with pytest.raises(WireError, match="expected a number up to"):
            UnmaskRequest.decode(UnmaskRequest(name, (), (), ()).encode())
    with pytest.raises(WireError, match="expected a number up to 3, got 4"):
        MaskedVector.decode(MaskedVector(_NAME, 4, b"").encode(identity_of(4)), _IDENTITIES)
    with pytest.raises(WireError, match=f"expected a number up to {MAX_EPOCH}"):
        SetUp.decode(SetUp(0, b"R" * 16, _OFFER, MAX_EPOCH + 1).encode(identity_of(0)), _IDENTITIES)
