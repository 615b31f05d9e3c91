"""What coordinator and sites say to each other, bit for bit.

1. The coordinator asks, a site answers. Requests are not signed: a site trusts no request and checks what it is asked
   against the roster, the graph, and what it has answered before.
2. Answers are signed by the site's identity, over kind, run, epoch, round and body: nobody can answer for another site
   or bring an answer of another round.
3. Sites are named by their position on the roster; lists of them are strictly ascending.
"""

import dataclasses
import hashlib

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fl_protocol.errors import WireError
from fl_protocol.secure_sum.binding import DIGEST_BYTES, MAX_ROUND, RUN_BYTES, EpochName
from fl_protocol.secure_sum.channel import (
    PUBLIC_BYTES,
    SEALED_BYTES,
    SIGNATURE_BYTES,
    ChannelOffer,
    check_signature,
)
from fl_protocol.secure_sum.graph import MAX_EPOCH
from fl_protocol.secure_sum.parameters import LARGEST_ROUND
from fl_protocol.secure_sum.shamir import NUM_SYMBOLS
from fl_protocol.secure_sum.wire import Reader, Writer

Positions = tuple[int, ...]  # strictly ascending positions on the roster
ShareRows = npt.NDArray[np.uint32]  # (len(cohort), NUM_SYMBOLS), modulo 2^32


@dataclasses.dataclass(frozen=True)
class SetUp:
    """A site's answer to the beginning of a run: how to seal for it, and which epoch it saw last."""

    site: int
    run: bytes
    offer: ChannelOffer
    newest_epoch: int

    def encode(self, identity: Ed25519PrivateKey) -> bytes:
        """The signed answer."""
        body = Writer(b"EGsu").number(self.site).fixed(self.run, RUN_BYTES).number(self.newest_epoch)
        body.fixed(self.offer.public, PUBLIC_BYTES).fixed(self.offer.signature, SIGNATURE_BYTES)
        return _signed(body.finish(), identity)

    @classmethod
    def decode(cls, message: bytes, identities: tuple[bytes, ...]) -> "SetUp":
        """Reads an answer.

        Raises:
            WireError: It is none.
            SealError: It is not signed by the identity it names.
        """
        reader = Reader(message, b"EGsu")
        site = _site(reader, len(identities))
        run, newest_epoch = reader.fixed(RUN_BYTES), reader.number(MAX_EPOCH)
        offer = ChannelOffer(reader.fixed(PUBLIC_BYTES), reader.fixed(SIGNATURE_BYTES))
        _check_signed(reader, message, identities[site])
        return cls(site, run, offer, newest_epoch)


@dataclasses.dataclass(frozen=True)
class KeysRequest:
    """Asks for the keys of an epoch, shared among the neighbours that are named."""

    name: EpochName
    positions: Positions
    offers: tuple[ChannelOffer, ...]

    def encode(self) -> bytes:
        """The request."""
        offers = b"".join(offer.public + offer.signature for offer in self.offers)
        rows = np.frombuffer(offers, dtype=np.uint8).reshape(-1, PUBLIC_BYTES + SIGNATURE_BYTES)
        writer = _named(b"EGkr", self.name)
        return _with_positions(writer, self.positions).rows(rows, "u1").finish()

    @classmethod
    def decode(cls, message: bytes) -> "KeysRequest":
        """Reads a request.

        Raises:
            WireError: It is none.
        """
        reader = Reader(message, b"EGkr")
        name, positions = _name(reader), _positions(reader)
        rows = reader.rows("u1", PUBLIC_BYTES + SIGNATURE_BYTES)
        reader.finish()
        _check_rows(rows, positions)
        parts = [row.tobytes() for row in rows]
        return cls(name, positions, tuple(ChannelOffer(row[:PUBLIC_BYTES], row[PUBLIC_BYTES:]) for row in parts))


@dataclasses.dataclass(frozen=True)
class Advertisement:
    """A site's keys of an epoch: the public one, a commitment to its seed, and sealed shares of both secrets."""

    name: EpochName
    site: int
    round_public: bytes
    seed_commitment: bytes
    receivers: Positions
    sealed: npt.NDArray[np.uint8]  # (len(receivers), SEALED_BYTES)

    def encode(self, identity: Ed25519PrivateKey) -> bytes:
        """The signed answer."""
        body = _named(b"EGad", self.name).number(self.site)
        body.fixed(self.round_public, PUBLIC_BYTES).fixed(self.seed_commitment, DIGEST_BYTES)
        return _signed(_with_positions(body, self.receivers).rows(self.sealed, "u1").finish(), identity)

    @classmethod
    def decode(cls, message: bytes, identities: tuple[bytes, ...]) -> "Advertisement":
        """Reads an answer.

        Raises:
            WireError: It is none.
            SealError: It is not signed by the identity it names.
        """
        reader = Reader(message, b"EGad")
        name, site = _name(reader), _site(reader, len(identities))
        public, commitment = reader.fixed(PUBLIC_BYTES), reader.fixed(DIGEST_BYTES)
        receivers = _positions(reader)
        sealed = reader.rows("u1", SEALED_BYTES).astype(np.uint8, copy=False)
        _check_rows(sealed, receivers)
        _check_signed(reader, message, identities[site])
        return cls(name, site, public, commitment, receivers, sealed)


@dataclasses.dataclass(frozen=True)
class MaskRequest:
    """Asks for the masked vector, and brings what neighbours sealed for this site."""

    name: EpochName
    senders: Positions
    sealed: npt.NDArray[np.uint8]  # (len(senders), SEALED_BYTES)

    def encode(self) -> bytes:
        """The request."""
        return _with_positions(_named(b"EGmr", self.name), self.senders).rows(self.sealed, "u1").finish()

    @classmethod
    def decode(cls, message: bytes) -> "MaskRequest":
        """Reads a request.

        Raises:
            WireError: It is none.
        """
        reader = Reader(message, b"EGmr")
        name, senders = _name(reader), _positions(reader)
        sealed = reader.rows("u1", SEALED_BYTES).astype(np.uint8, copy=False)
        reader.finish()
        _check_rows(sealed, senders)
        return cls(name, senders, sealed)


@dataclasses.dataclass(frozen=True)
class MaskedVector:
    """A site's vector under all its masks."""

    name: EpochName
    site: int
    packed: bytes

    def encode(self, identity: Ed25519PrivateKey) -> bytes:
        """The signed answer."""
        return _signed(_named(b"EGmv", self.name).number(self.site).blob(self.packed).finish(), identity)

    @classmethod
    def decode(cls, message: bytes, identities: tuple[bytes, ...]) -> "MaskedVector":
        """Reads an answer.

        Raises:
            WireError: It is none.
            SealError: It is not signed by the identity it names.
        """
        reader = Reader(message, b"EGmv")
        name, site = _name(reader), _site(reader, len(identities))
        packed = reader.blob()
        _check_signed(reader, message, identities[site])
        return cls(name, site, packed)


@dataclasses.dataclass(frozen=True)
class UnmaskRequest:
    """Asks for shares: of the seeds of survivors, of the round keys of the others. The same for every responder."""

    name: EpochName
    cohort: Positions
    survivors: Positions
    responders: Positions

    def encode(self) -> bytes:
        """The request."""
        writer = _named(b"EGur", self.name)
        for positions in (self.cohort, self.survivors, self.responders):
            _with_positions(writer, positions)
        return writer.finish()

    @classmethod
    def decode(cls, message: bytes) -> "UnmaskRequest":
        """Reads a request.

        Raises:
            WireError: It is none.
        """
        reader = Reader(message, b"EGur")
        request = cls(_name(reader), _positions(reader), _positions(reader), _positions(reader))
        reader.finish()
        return request


@dataclasses.dataclass(frozen=True)
class RevealedShares:
    """The weighted shares a site reveals, under masks that cancel among all who were told the same."""

    name: EpochName
    site: int
    agreement: bytes
    """Digest of what the site was told."""
    rows: ShareRows
    """One for every site of the cohort."""

    def encode(self, identity: Ed25519PrivateKey) -> bytes:
        """The signed answer."""
        body = _named(b"EGrs", self.name).number(self.site).fixed(self.agreement, DIGEST_BYTES)
        return _signed(body.rows(self.rows, "<u4").finish(), identity)

    @classmethod
    def decode(cls, message: bytes, identities: tuple[bytes, ...]) -> "RevealedShares":
        """Reads an answer.

        Raises:
            WireError: It is none.
            SealError: It is not signed by the identity it names.
        """
        reader = Reader(message, b"EGrs")
        name, site = _name(reader), _site(reader, len(identities))
        agreement = reader.fixed(DIGEST_BYTES)
        rows = reader.rows("<u4", NUM_SYMBOLS).astype(np.uint32, copy=False)
        _check_signed(reader, message, identities[site])
        return cls(name, site, agreement, rows)


def _named(kind: bytes, name: EpochName) -> Writer:
    return Writer(kind).fixed(name.run, RUN_BYTES).number(name.epoch).number(name.round_number)


def _name(reader: Reader) -> EpochName:
    return EpochName(reader.fixed(RUN_BYTES), reader.number(MAX_EPOCH), reader.number(MAX_ROUND))


def _site(reader: Reader, num_sites: int) -> int:
    return reader.number(num_sites - 1)


def _with_positions(writer: Writer, positions: Positions) -> Writer:
    return writer.rows(np.array(positions, dtype=np.uint32), "<u4")


def _positions(reader: Reader) -> Positions:
    positions = reader.rows("<u4").astype(np.int64)
    if len(positions) and ((np.diff(positions) <= 0).any() or positions[-1] >= LARGEST_ROUND):
        raise WireError(f"positions: expected them strictly ascending and below {LARGEST_ROUND}")
    return tuple(positions.tolist())


def _check_rows(rows: npt.NDArray[np.generic], positions: Positions) -> None:
    if len(rows) != len(positions):
        raise WireError(f"expected a row for each of {len(positions)} sites, got {len(rows)}")


def _signed(body: bytes, identity: Ed25519PrivateKey) -> bytes:
    return body + identity.sign(_answer_label(body))


def _check_signed(reader: Reader, message: bytes, identity_public: bytes) -> None:
    signature = reader.fixed(SIGNATURE_BYTES)
    reader.finish()
    body = memoryview(message)[:-SIGNATURE_BYTES]
    check_signature(identity_public, signature, _answer_label(body), "an answer of the site")


def _answer_label(body: bytes | memoryview) -> bytes:
    return b"edgeguard secure sum answer v1" + hashlib.sha256(body).digest()
