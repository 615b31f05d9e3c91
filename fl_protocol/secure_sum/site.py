"""What a site does in the secure sum: four steps, each a function from a state to the next and an answer.

Rules:

1. Keys of an epoch are fresh and live in memory alone. Whoever calls stores ``SiteState.newest_epoch`` on the disk
   before an answer leaves; a site never makes keys for an epoch that is not newer, so none is ever used twice.
2. A site masks one vector in an epoch, with all neighbours whose sealed shares came and opened, and with no fewer of
   them than open a secret.
3. Either or: of every neighbour it masked with it reveals a share of the seed (the neighbour delivered) or of the round
   key (it did not), never of both. It is told the whole cohort and all survivors and responders; it refuses lists that
   do not hold each other, a cohort in which its neighbours are others than it masked with, and fewer responders among
   its neighbours than open a secret.
4. What it reveals opens nothing unless all responders were told the same (``agreement``).
5. The same request again gets the same bytes; another request for the same step is refused. Only shares may be asked
   for anew, of fewer responders, in the same cohort with the same survivors: one of them may have vanished.

Source:
    Bonawitz et al., CCS 2017, figure 4; in place of its consistency check, which costs an exchange, rule 4. Bell et
    al., CCS 2020, section 4. The fresh keys of an epoch travel with the answer that closes the epoch before.
    docs/secure-rounds.md has the argument.
"""

import dataclasses
import hashlib
import secrets
from collections.abc import Mapping

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fl_protocol.errors import RefusedError
from fl_protocol.secure_sum.agreement import Agreement, blinded_shares
from fl_protocol.secure_sum.binding import EpochName, RoundBinding
from fl_protocol.secure_sum.channel import (
    SEALED_BYTES,
    ChannelOffer,
    SharePair,
    channel_key,
    check_offer,
    offer_channel,
    open_shares,
    seal_shares,
)
from fl_protocol.secure_sum.graph import Graph
from fl_protocol.secure_sum.group import SumGroup
from fl_protocol.secure_sum.lanes import Lanes
from fl_protocol.secure_sum.masking import MaskAdder, pair_key, public_bytes, seed_key
from fl_protocol.secure_sum.messages import (
    Advertisement,
    KeysRequest,
    MaskedVector,
    MaskRequest,
    Positions,
    RevealedShares,
    SetUp,
    UnmaskRequest,
)
from fl_protocol.secure_sum.shamir import SECRET_BYTES, make_shares
from fl_protocol.secure_sum.vector import Layout, pack_lanes


@dataclasses.dataclass(frozen=True)
class Answered:
    """A request that was answered, so that it can be answered again with the same bytes."""

    request: bytes
    """Its SHA-256."""
    answer: bytes


@dataclasses.dataclass(frozen=True)
class PreparedEpoch:
    """Keys that neighbours hold shares of, with which nothing is masked yet."""

    name: EpochName
    round_key: X25519PrivateKey = dataclasses.field(repr=False)
    seed: bytes = dataclasses.field(repr=False)
    channel_keys: Mapping[int, bytes] = dataclasses.field(repr=False)
    """By the neighbour's position, of those the shares were sealed for."""


@dataclasses.dataclass(frozen=True)
class OpenedRequest:
    """A request for a vector whose sealed shares are opened."""

    message: bytes = dataclasses.field(repr=False)
    name: EpochName
    held: Mapping[int, SharePair] = dataclasses.field(repr=False)
    """By the neighbour that shared them: the partners to mask with."""


@dataclasses.dataclass(frozen=True)
class MaskedEpoch:
    """An epoch in which the vector has left."""

    binding: RoundBinding
    held: Mapping[int, SharePair] = dataclasses.field(repr=False)
    """Shares of the neighbours that were masked with."""
    channel_keys: Mapping[int, bytes] = dataclasses.field(repr=False)
    """Of the same neighbours."""
    told: Agreement | None = None
    """What shares were revealed for, if they were."""


@dataclasses.dataclass(frozen=True)
class SiteState:
    """One site in one training run."""

    group: SumGroup
    site: int
    """Position on the roster."""
    run: bytes
    identity: Ed25519PrivateKey = dataclasses.field(repr=False)
    channel: X25519PrivateKey = dataclasses.field(repr=False)
    newest_epoch: int
    """Of all keys this site ever made; stored on the disk by the caller."""
    known_channels: Mapping[bytes, bytes] = dataclasses.field(default_factory=dict, repr=False)
    """Channel keys that were checked and agreed on, by the other's public key and its position."""
    prepared: PreparedEpoch | None = None
    masked: MaskedEpoch | None = None
    answered: Mapping[str, Answered] = dataclasses.field(default_factory=dict, repr=False)
    """The last answer of each step."""


def join_run(group: SumGroup, site: int, identity: Ed25519PrivateKey, run: bytes, newest_epoch: int) -> SiteState:
    """A site at the beginning of a run, with a channel key of its own.

    Args:
        group: From the roster.
        site: Its position on the roster.
        identity: Its identity key.
        run: The run.
        newest_epoch: The last epoch it made keys for under this roster, from its disk; 0 for none.
    """
    return SiteState(group, site, run, identity, X25519PrivateKey.generate(), newest_epoch)


def set_up(state: SiteState) -> bytes:
    """The answer that lets others seal for this site."""
    offer = offer_channel(state.identity, public_bytes(state.channel), state.run, state.group.roster_digest)
    return SetUp(state.site, state.run, offer, state.newest_epoch).encode(state.identity)


def agree_channels(state: SiteState, offers: Mapping[int, ChannelOffer]) -> SiteState:
    """The state with a checked channel key for every offer; those known already cost nothing.

    ``advertise`` does this for the neighbours of its epoch; a site that has time does it for all before.

    Raises:
        SealError: The roster's identity does not vouch for a key.
    """
    known = dict(state.known_channels)
    for site, offer in offers.items():
        name = _channel_name(site, offer)
        if name not in known:
            check_offer(offer, state.group.identities[site], state.run, state.group.roster_digest)
            low, high = min(site, state.site), max(site, state.site)
            label = state.run + state.group.roster_digest + low.to_bytes(4) + high.to_bytes(4)
            known[name] = channel_key(state.channel, offer.public, label)
    return dataclasses.replace(state, known_channels=known)


def advertise(state: SiteState, message: bytes) -> tuple[SiteState, bytes]:
    """Makes the keys of an epoch and shares them among the neighbours.

    Raises:
        WireError: The request cannot be read.
        RefusedError: Of another run, of an epoch that is not newer, or with too few neighbours (rules 1, 2 and 4).
        SealError: A neighbour's channel key is not its own.
    """
    again = _answered_before(state, "keys", message)
    if again is not None:
        return state, again
    request = KeysRequest.decode(message)
    _check_new_epoch(state, request.name)
    graph = state.group.graph(request.name.epoch)
    if state.site not in graph.circle:
        raise RefusedError(f"epoch {request.name.epoch}: this site was not drawn")
    offers = dict(zip(request.positions, request.offers, strict=True))
    if not set(offers) <= set(graph.neighbours(state.site)):
        raise RefusedError(f"epoch {request.name.epoch}: expected channel keys of neighbours alone")
    _check_enough(state, len(offers), "neighbours with keys")
    state = agree_channels(state, offers)
    keys = {site: state.known_channels[_channel_name(site, offer)] for site, offer in offers.items()}
    prepared = PreparedEpoch(request.name, X25519PrivateKey.generate(), secrets.token_bytes(SECRET_BYTES), keys)
    answer = _advertisement(state, prepared).encode(state.identity)
    state = dataclasses.replace(state, prepared=prepared, newest_epoch=request.name.epoch)
    return _with_answer(state, "keys", message, answer), answer


def open_round(state: SiteState, message: bytes) -> OpenedRequest:
    """Opens what neighbours sealed for a round, before anything is computed for it; ``mask`` goes on with it.

    Raises:
        WireError: The request cannot be read.
        RefusedError: Of an epoch this site has no keys for, from others than its neighbours, or from too few.
        SealError: What a neighbour sealed does not open.
    """
    request = MaskRequest.decode(message)
    prepared = _prepared(state, request.name)
    if not set(request.senders) <= set(prepared.channel_keys):
        raise RefusedError(f"epoch {request.name.epoch}: expected sealed shares of neighbours alone")
    _check_enough(state, len(request.senders), "neighbours with keys")
    held = {
        sender: open_shares(prepared.channel_keys[sender], row.tobytes(), request.name, sender, state.site)
        for sender, row in zip(request.senders, request.sealed, strict=True)
    }
    return OpenedRequest(message, request.name, held)


def masked_before(state: SiteState, message: bytes, binding: RoundBinding) -> bytes | None:
    """The masked vector that already answered this request, if it did: the same bytes again (rule 4)."""
    return _answered_before(state, "mask", message + binding.encoded)


def mask(
    state: SiteState, opened: OpenedRequest, vector: list[Lanes], layout: Layout, binding: RoundBinding
) -> tuple[SiteState, bytes]:
    """Masks the vector; its keys are forgotten with that.

    Args:
        state: The site.
        opened: The request.
        vector: The lanes of every segment; masked in place.
        layout: Of the vector; part of the settings whose digest ``binding`` holds.
        binding: What the vector was computed from, by this site's own reckoning.

    Raises:
        RefusedError: The keys of this epoch are gone, or never were; or the vector is of another epoch or roster.
        SealError: A neighbour's round key is none to agree with.
    """
    prepared = _prepared(state, binding.name)
    if (opened.name, state.group.roster_digest) != (binding.name, binding.roster_digest):
        raise RefusedError(f"epoch {opened.name.epoch}: expected a vector of the epoch and roster that are masked")
    adder = MaskAdder()
    adder.add(vector, seed_key(prepared.seed, binding, state.site), 1)
    for neighbour, shares in opened.held.items():
        pair = (min(state.site, neighbour), max(state.site, neighbour))
        key = pair_key(prepared.round_key, shares.round_public, binding, pair)
        adder.add(vector, key, 1 if state.site < neighbour else -1)
    answer = MaskedVector(opened.name, state.site, pack_lanes(layout, vector)).encode(state.identity)
    channel_keys = {neighbour: prepared.channel_keys[neighbour] for neighbour in opened.held}
    state = dataclasses.replace(state, prepared=None, masked=MaskedEpoch(binding, opened.held, channel_keys))
    return _with_answer(state, "mask", opened.message + binding.encoded, answer), answer


def reveal(state: SiteState, message: bytes) -> tuple[SiteState, bytes]:
    """Reveals one share of every neighbour this site masked with (rules 3 and 4).

    Raises:
        WireError: The request cannot be read.
        RefusedError: Of another epoch, or with lists that break rule 3 or 5.
    """
    again = _answered_before(state, "shares", message)
    if again is not None:
        return state, again
    request = UnmaskRequest.decode(message)
    masked = state.masked
    if masked is None or masked.binding.name != request.name:
        raise RefusedError(f"epoch {request.name.epoch}: this site has masked nothing in it, or in a later one since")
    told = Agreement(masked.binding, request.cohort, request.survivors, request.responders)
    graph = state.group.graph(request.name.epoch)
    _check_told(state, masked, told, graph)
    rows = blinded_shares(told, graph, state.site, masked.held, masked.channel_keys)
    answer = RevealedShares(request.name, state.site, told.digest, rows).encode(state.identity)
    kept = {step: answered for step, answered in state.answered.items() if step != "mask"}
    state = dataclasses.replace(state, masked=dataclasses.replace(masked, told=told), answered=kept)
    return _with_answer(state, "shares", message, answer), answer


def _check_told(state: SiteState, masked: MaskedEpoch, told: Agreement, graph: Graph) -> None:
    """Refuses lists that break rule 3 or 5."""
    if not {state.site} <= set(told.responders) <= set(told.survivors) <= set(told.cohort):
        raise RefusedError("expected this site among the responders, those among the survivors, those in the cohort")
    if not set(told.cohort) <= set(graph.circle.tolist()):
        raise RefusedError("expected a cohort of sites that were drawn for this epoch")
    neighbours = set(graph.neighbours(state.site))
    if neighbours & set(told.cohort) != set(masked.held):
        raise RefusedError("expected a cohort with all neighbours that were masked with, and no other neighbours")
    _check_enough(state, len(neighbours & set(told.responders)), "responding neighbours")
    if masked.told is not None and not told.is_narrower(masked.told):
        raise RefusedError("expected the cohort and the survivors of before, and fewer responders")


def _advertisement(state: SiteState, prepared: PreparedEpoch) -> Advertisement:
    receivers: Positions = tuple(sorted(prepared.channel_keys))
    points = np.array(receivers, dtype=np.int64) + 1
    secret_values = [prepared.round_key.private_bytes_raw(), prepared.seed]
    shares = make_shares(secret_values, points, state.group.parameters.share_threshold)
    public = public_bytes(prepared.round_key)
    sealed = [
        seal_shares(prepared.channel_keys[site], SharePair(public, rows[0], rows[1]), prepared.name, state.site, site)
        for site, rows in zip(receivers, shares, strict=True)
    ]
    rows = np.frombuffer(b"".join(sealed), dtype=np.uint8).reshape(-1, SEALED_BYTES)
    return Advertisement(prepared.name, state.site, public, seed_commitment(prepared.seed), receivers, rows)


def seed_commitment(seed: bytes) -> bytes:
    """What tells whether an opened seed is the one its site chose."""
    return hashlib.sha256(b"edgeguard secure sum seed v1" + seed).digest()


def _channel_name(site: int, offer: ChannelOffer) -> bytes:
    return site.to_bytes(4) + offer.public


def _check_new_epoch(state: SiteState, name: EpochName) -> None:
    if name.run != state.run:
        raise RefusedError("expected keys to be asked for the run this site was set up for")
    if name.epoch <= state.newest_epoch:
        raise RefusedError(f"expected an epoch after {state.newest_epoch}, got {name.epoch}")


def _check_enough(state: SiteState, count: int, what: str) -> None:
    if count < state.group.parameters.share_threshold:
        raise RefusedError(f"expected at least {state.group.parameters.share_threshold} {what}, got {count}")


def _prepared(state: SiteState, name: EpochName) -> PreparedEpoch:
    if state.prepared is None or state.prepared.name != name:
        raise RefusedError(f"epoch {name.epoch} of round {name.round_number}: this site has no unused keys for it")
    return state.prepared


def _answered_before(state: SiteState, step: str, message: bytes) -> bytes | None:
    answered = state.answered.get(step)
    is_same = answered is not None and answered.request == hashlib.sha256(message).digest()
    return answered.answer if answered is not None and is_same else None


def _with_answer(state: SiteState, step: str, message: bytes, answer: bytes) -> SiteState:
    answered = {**state.answered, step: Answered(hashlib.sha256(message).digest(), answer)}
    return dataclasses.replace(state, answered=answered)
