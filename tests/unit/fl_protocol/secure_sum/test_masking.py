"""Masks, against published examples and a slow key stream."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from fl_protocol.errors import SealError
from fl_protocol.secure_sum.binding import EpochName, RoundBinding
from fl_protocol.secure_sum.lanes import Lanes
from fl_protocol.secure_sum.masking import (
    _CHUNK_BYTES,
    MaskAdder,
    agree,
    derive_key,
    pair_key,
    public_bytes,
    seed_key,
)

_BINDING = RoundBinding(EpochName(b"R" * 16, 3, 2), b"r" * 32, b"m" * 32, b"c" * 32)
_KEY = bytes(range(32))


def _block(key: bytes, block: bytes) -> bytes:
    """One block, to compare with."""
    encryptor = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(block) + encryptor.finalize()


def _stream(key: bytes, num_bytes: int) -> bytes:
    """Counter mode, block by block from zero."""
    return b"".join(_block(key, count.to_bytes(16)) for count in range(-(-num_bytes // 16)))[:num_bytes]


def test_block_cipher_is_that_of_the_standard() -> None:
    """FIPS 197, appendix C.3."""
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert _block(_KEY, block).hex() == "8ea2b7ca516745bfeafc49904b496089"


def test_mask_of_the_zero_key_is_the_published_block() -> None:
    """Block zero under key zero: the first answer of NIST's AES-256 known-answer tests with variable text."""
    lanes = np.zeros(4, dtype=np.uint32)
    MaskAdder().add([lanes], bytes(32), 1)
    assert lanes.astype("<u4").tobytes().hex() == "dc95c078a2408989ad48a21492842087"


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.uint64])
def test_mask_is_the_key_stream_across_chunks_and_segments(dtype: type[np.uint16 | np.uint32 | np.uint64]) -> None:
    size = _CHUNK_BYTES // np.dtype(dtype).itemsize
    vector: list[Lanes] = [np.zeros(3, dtype=np.uint16), np.zeros(size + 5, dtype=dtype), np.zeros(2, dtype=np.uint64)]
    MaskAdder().add(vector, _KEY, 1)
    stream = b"".join(lanes.astype(lanes.dtype.newbyteorder("<")).tobytes() for lanes in vector)
    ends = slice(0, 64), slice(_CHUNK_BYTES - 64, _CHUNK_BYTES + 26)
    counted = Cipher(algorithms.AES256(_KEY), modes.CTR(bytes(16))).encryptor().update(bytes(len(stream)))
    assert counted[:64] == _stream(_KEY, 64)
    assert all(stream[end] == counted[end] for end in ends)
    assert stream == counted


def test_mask_that_is_added_and_subtracted_leaves_the_vector() -> None:
    adder, lanes = MaskAdder(), np.arange(1000, dtype=np.uint16)
    adder.add([lanes], _KEY, 1)
    assert np.count_nonzero(lanes == np.arange(1000)) < 10
    adder.add([lanes], _KEY, -1)
    assert (lanes == np.arange(1000)).all()


def test_masks_look_uniform() -> None:
    """255 degrees of freedom: more than 430 once in 10^10 times."""
    lanes = np.zeros(8192, dtype=np.uint64)
    MaskAdder().add([lanes], _KEY, 1)
    counts = np.bincount(lanes.view(np.uint8), minlength=256)
    assert ((counts - 256.0) ** 2 / 256.0).sum() < 430


def test_agreed_secret_is_that_of_the_standard() -> None:
    """RFC 7748, section 6.1."""
    private = {
        "Alice": "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
        "Bob": "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    }
    keys = {who: X25519PrivateKey.from_private_bytes(bytes.fromhex(key)) for who, key in private.items()}
    assert public_bytes(keys["Alice"]).hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert public_bytes(keys["Bob"]).hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    assert agree(keys["Alice"], public_bytes(keys["Bob"])).hex() == shared
    assert agree(keys["Bob"], public_bytes(keys["Alice"])).hex() == shared


def test_derived_key_is_that_of_the_standard() -> None:
    """RFC 5869, appendix A.3: SHA-256 without salt and info."""
    assert derive_key(b"\x0b" * 22, b"").hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_both_of_a_pair_derive_one_key_and_other_pairs_and_rounds_others() -> None:
    one, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    key = pair_key(one, public_bytes(other), _BINDING, (1, 2))
    assert key == pair_key(other, public_bytes(one), _BINDING, (1, 2))
    later = RoundBinding(EpochName(b"R" * 16, 4, 2), b"r" * 32, b"m" * 32, b"c" * 32)
    others = [
        pair_key(one, public_bytes(other), _BINDING, (1, 3)),
        pair_key(one, public_bytes(other), later, (1, 2)),
        seed_key(agree(one, public_bytes(other)), _BINDING, 1),
    ]
    assert len({key, *others}) == 4


def test_own_masks_of_two_sites_with_one_seed_differ() -> None:
    assert len({seed_key(b"s" * 32, _BINDING, site) for site in range(5)}) == 5


@pytest.mark.parametrize("public", [bytes(32), b"\x01" + bytes(31), b"short", bytes(33)])
def test_public_key_that_is_none_is_refused(public: bytes) -> None:
    with pytest.raises(SealError, match="expected a public X25519 key of full order"):
        agree(X25519PrivateKey.generate(), public)
