"""Laws of the secure sum."""

import dataclasses
import functools
import math
from collections.abc import Callable, Collection

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fl_protocol.errors import RefusedError, SealError, SecureSumError, UnmaskError, WireError
from fl_protocol.secure_sum import site as steps
from fl_protocol.secure_sum.binding import EpochName, RoundBinding
from fl_protocol.secure_sum.epoch_keys import EpochKeys, KeyCollector, keys_request
from fl_protocol.secure_sum.fixed_point import FRACTION_BITS, from_fixed, to_fixed
from fl_protocol.secure_sum.graph import MAX_EPOCH, draw_graph
from fl_protocol.secure_sum.lanes import lane_type, pack, unpack
from fl_protocol.secure_sum.masked_sum import MaskedSum
from fl_protocol.secure_sum.masking import MaskAdder, seed_key
from fl_protocol.secure_sum.messages import SetUp
from fl_protocol.secure_sum.parameters import choose_parameters
from fl_protocol.secure_sum.shamir import NUM_SYMBOLS, PRIME, Points, holder_weights, make_shares, opened_secret
from fl_protocol.secure_sum.update_code import decode_sum, encode_update, update_code
from fl_protocol.secure_sum.vector import from_lanes, segment_for, to_lanes
from tests.fakes.lying_coordinator import LyingCoordinator, View, view
from tests.fakes.secure_fleet import SecureFleet, plain_sum, same, secure_fleet

_rounds = settings(max_examples=20, deadline=None)
_exchanged = settings(max_examples=100, deadline=None)
_NAME = EpochName(b"R" * 16, 3, 2)
_BINDING = RoundBinding(_NAME, b"r" * 32, b"m" * 32, b"c" * 32)


# --- Drop-outs ---


@st.composite
def _drop_outs(draw: st.DrawFn) -> tuple[int, list[set[int]]]:
    """A number of sites, and which of them leave before the keys, the vectors and the shares."""
    num_sites = draw(st.integers(3, 9))
    stays = st.sampled_from([3, 3, 3, 3, 0, 1, 2])
    leaves = draw(st.lists(stays, min_size=num_sites, max_size=num_sites))
    return num_sites, [{site for site, step in enumerate(leaves) if step == wanted} for wanted in range(3)]


@_rounds
@given(_drop_outs())
def test_masks_cancel_for_every_drop_out_pattern_the_threshold_allows_and_for_no_other(
    drop_outs: tuple[int, list[set[int]]],
) -> None:
    num_sites, absent = drop_outs
    fleet = secure_fleet(num_sites)
    survivors = [site for site in range(num_sites) if site not in absent[0] | absent[1]]
    num_left = len(survivors) - len(absent[2])
    is_allowed = num_left >= fleet.group.parameters.fewest_survivors
    try:
        opened = fleet.sum(1, *absent)
    except (UnmaskError, RefusedError):
        assert not is_allowed
        return
    assert is_allowed
    assert opened.survivors == tuple(survivors)
    assert same(opened.values, plain_sum(fleet.layout, survivors))


def _most(draw: st.DrawFn, sites: Collection[int], fewest: int) -> set[int]:
    """All of ``sites`` but a few."""
    left_out = draw(st.lists(st.sampled_from(sorted(sites)), max_size=max(0, len(sites) - fewest), unique=True))
    return set(sites) - set(left_out)


@st.composite
def _lies(draw: st.DrawFn) -> tuple[LyingCoordinator, bool]:
    """An epoch in which sites mask with whom a liar likes, and some responders are told another thing than most.

    Gives it with whether all are told the same.
    """
    num_sites = draw(st.integers(3, 12))
    liar = LyingCoordinator(secure_fleet(num_sites), range(num_sites - draw(st.integers(0, num_sites // 3)), num_sites))
    everybody, fewest = set(range(num_sites)), liar.threshold + 1
    responders = _most(draw, everybody, fewest)
    told, other = (view(everybody, responders | set(_most(draw, everybody, 0)), responders) for _ in range(2))
    contrary = draw(st.sets(st.sampled_from(sorted(everybody)), max_size=2)) if draw(st.booleans()) else set()
    for site in liar.honest:
        is_asked = site in responders
        liar.ask_vector(site, everybody - {site} if is_asked else _most(draw, everybody - {site}, liar.threshold))
        if is_asked:
            liar.ask_shares(site, other if site in contrary else told)
    return liar, other == told or not contrary & responders & set(liar.honest)


@settings(max_examples=150, deadline=None)
@given(_lies())
def test_whatever_a_liar_asks_every_sum_that_opens_holds_as_many_honest_sites_as_an_open_one(
    lies: tuple[LyingCoordinator, bool],
) -> None:
    liar, are_told_the_same = lies
    assert liar.smallest_sums() or not are_told_the_same
    for site in liar.honest:
        assert liar.seed(site) is None or liar.round_key(site) is None
        assert liar.isolate((site,)) is None
    for sites in liar.smallest_sums():
        assert len(sites) >= liar.fewest_honest


@st.composite
def _silences(draw: st.DrawFn) -> tuple[LyingCoordinator, View, list[int], set[int]]:
    """An epoch in which all have delivered, what they are going to be told, who is, and who of them keep silent."""
    num_sites = draw(st.integers(3, 12))
    liar = LyingCoordinator(secure_fleet(num_sites), range(num_sites - draw(st.integers(0, num_sites // 3)), num_sites))
    everybody = set(range(num_sites))
    responders = _most(draw, everybody, liar.threshold + 1)
    for site in liar.honest:
        liar.ask_vector(site)
    asked = sorted(responders & set(liar.honest))
    told = view(everybody, responders | _most(draw, everybody, 0), responders)
    return liar, told, asked, draw(st.sets(st.sampled_from(asked), min_size=1))


@settings(max_examples=60, deadline=None)
@given(_silences())
def test_nothing_decodes_with_shares_of_fewer_than_all_who_were_asked(
    silence: tuple[LyingCoordinator, View, list[int], set[int]],
) -> None:
    """Whatever the coordinator tries with what it has, and with the secrets and shares of its corrupt sites."""
    liar, told, asked, silent = silence
    for site in asked:
        if site not in silent:
            liar.ask_shares(site, told)
    assert all(liar.seed(site) is None and liar.round_key(site) is None for site in liar.honest)
    assert all(liar.isolate(sites) is None for sites in (silent, asked, liar.honest))
    for site in silent:
        liar.ask_shares(site, told)
    assert liar.smallest_sums()


def test_masks_cancel_among_sparse_neighbours() -> None:
    fleet = secure_fleet(66)
    assert not fleet.group.parameters.is_complete
    opened = fleet.sum(1, (3,), (7, 40), (11,))
    assert same(opened.values, plain_sum(fleet.layout, opened.survivors))
    assert len(opened.survivors) == 63


# --- Values ---


@given(
    st.integers(1, 20),
    st.integers(1, 3000),
    st.floats(1e-3, 1e3),
    st.floats(0.0, 1.0),
    st.integers(0, 2**32),
)
@settings(max_examples=40, deadline=None)
def test_decoded_sum_is_the_sum_of_updates_to_a_step_for_each_site(
    num_sites: int, size: int, max_norm: float, weight: float, seed: int
) -> None:
    code = update_code(size, max_norm, num_sites, seed.to_bytes(8))
    rng = np.random.default_rng(seed)
    updates = [rng.standard_normal(size).astype(np.float32) for _ in range(num_sites)]
    updates = [(update * (max_norm * 0.3 / np.linalg.norm(update))).astype(np.float32) for update in updates]
    coded = [encode_update(update, weight, code, rng) for update in updates]
    total = np.asarray(np.sum([one.values for one in coded], axis=0, dtype=np.int64))
    lanes = np.sum([to_lanes(code.segment, one.values) for one in coded], axis=0, dtype=lane_type(64))
    assert (from_lanes(code.segment, lanes) == total).all()
    if sum(one.num_cut for one in coded) == 0:
        wanted = weight * np.sum(updates, axis=0, dtype=np.float64)
        error = float(np.linalg.norm(decode_sum(total, code) - wanted))
        assert error <= num_sites * code.step * math.sqrt(code.segment.size) * 1.001


@given(st.integers(2, 64), st.integers(1, 5000), st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=8))
def test_sum_of_values_within_the_limit_never_wraps(num_bits: int, num_sites: int, fractions: list[float]) -> None:
    limit = (2 ** (num_bits - 1) - 1) // num_sites
    if limit < 1:
        with pytest.raises(SecureSumError, match="segment x: expected more than"):
            segment_for("x", len(fractions), num_bits, num_sites)
        return
    segment = segment_for("x", len(fractions), num_bits, num_sites)
    values = [max(-limit, min(limit, int(fraction * limit))) for fraction in fractions]
    lanes = to_lanes(segment, np.array(values, dtype=np.int64)).astype(np.uint64)
    assert from_lanes(segment, lanes * np.uint64(num_sites)).tolist() == [value * num_sites for value in values]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_fixed_values_are_right_to_half_a_bit(values: list[float]) -> None:
    segment = segment_for("x", len(values), 64, 1000)
    whole, num_beyond = to_fixed(np.array(values), segment)
    assert num_beyond == 0
    assert np.abs(from_fixed(whole) - values).max() <= 2.0 ** -(FRACTION_BITS + 1)


@given(st.integers(1, 64), st.integers(1, 400), st.integers(0, 2**32))
def test_packed_lanes_come_back_and_add_up(num_bits: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = lane_type(num_bits)
    one, other = (rng.integers(0, np.iinfo(dtype).max, size, dtype=dtype, endpoint=True) for _ in range(2))
    keep = dtype.type(2**num_bits - 1)
    back = [unpack(pack(lanes, num_bits), size, num_bits) for lanes in (one, other, one + other)]
    assert (back[0] == one & keep).all()
    assert (back[0] + back[1] & keep == back[2]).all()


@given(st.binary(min_size=32, max_size=32), st.permutations(range(8)))
def test_secrets_that_a_32_bit_fold_confuses_never_make_one_mask(secret: bytes, order: list[int]) -> None:
    other = b"".join(secret[4 * place : 4 * place + 4] for place in order)
    lanes = [np.zeros(32, dtype=np.uint64) for _ in range(2)]
    for each, one in zip(lanes, (secret, other), strict=True):
        MaskAdder().add([each], seed_key(one, _BINDING, 0), 1)
    assert (lanes[0] == lanes[1]).all() == (secret == other)
    assert (lanes[0] == lanes[1]).any() == (secret == other)


# --- Shares ---


def _value_at(place: int, points: Points, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What shares at ``points`` say of another place: their weighted sum, as holders make it."""
    moved, everybody = (points - place) % PRIME, np.ones((1, len(points)), dtype=bool)
    weights = np.array([holder_weights(int(point), moved, everybody)[0] for point in moved])
    return np.asarray((rows * weights[:, None] % PRIME).sum(axis=0) % PRIME)


@given(st.lists(st.integers(1, PRIME - 1), min_size=2, max_size=12, unique=True), st.data())
def test_as_many_shares_as_the_threshold_open_and_fewer_fit_any_secret(places: list[int], data: st.DataObject) -> None:
    share_threshold = data.draw(st.integers(2, len(places)))
    secret, decoy = (data.draw(st.binary(min_size=32, max_size=32)) for _ in range(2))
    points = np.array(places)
    shares = make_shares([secret], points, share_threshold)[:, 0].astype(np.int64)
    chosen = np.array(data.draw(st.permutations(range(len(places)))))[:share_threshold]
    assert opened_secret(_value_at(0, points[chosen], shares[chosen])) == secret
    for place in set(range(len(places))) - set(chosen.tolist()):
        assert (_value_at(places[place], points[chosen], shares[chosen]) == shares[place]).all()
    fewer, last = chosen[:-1], places[chosen[-1]]
    at_zero = np.frombuffer(decoy, dtype="<u2").astype(np.int64)[None]
    forged = _value_at(last, np.append(points[fewer], 0), np.concatenate([shares[fewer], at_zero]))
    assert opened_secret(_value_at(0, points[chosen], np.concatenate([shares[fewer], forged[None]]))) == decoy


@given(st.integers(2, 40), st.data())
def test_secrets_that_different_holders_share_open_by_one_sum(num_sites: int, data: st.DataObject) -> None:
    """Each holder weighs its shares for those who hold the same secret."""
    points = np.arange(1, num_sites + 1)
    is_holder = np.array(
        data.draw(st.lists(st.lists(st.booleans(), min_size=num_sites, max_size=num_sites), min_size=1))
    )
    is_holder[:, 0] = True
    wanted = [bytes([place]) * 32 for place in range(len(is_holder))]
    total = np.zeros((len(wanted), NUM_SYMBOLS), dtype=np.int64)
    dealt = [
        make_shares([secret], points[row], int(row.sum()))[:, 0] for secret, row in zip(wanted, is_holder, strict=True)
    ]
    for site in range(num_sites):
        weights = holder_weights(site + 1, points, is_holder)
        for owner in np.flatnonzero(is_holder[:, site]):
            held = dealt[owner][np.count_nonzero(is_holder[owner, :site])].astype(np.int64)
            total[owner] += held * weights[owner] % PRIME
    assert [opened_secret(row) for row in total % PRIME] == wanted


# --- Who masks with whom ---


@given(st.integers(3, 64), st.integers(0, 64), st.integers(0, 30))
def test_nobody_gathers_both_secrets_and_somebody_can_gather_one(num_sites: int, more: int, percent: int) -> None:
    try:
        parameters = choose_parameters(num_sites, num_sites + more, percent)
    except SecureSumError:
        assert more
        return
    assert 2 * parameters.share_threshold > parameters.degree + parameters.max_corrupt_neighbours
    assert parameters.max_corrupt_neighbours < parameters.share_threshold <= parameters.degree
    assert parameters.fewest_survivors <= num_sites


@given(st.integers(65, 300), st.integers(1, MAX_EPOCH), st.binary(min_size=1, max_size=64))
@settings(max_examples=25, deadline=None)
def test_graph_is_mutual_regular_and_connected_for_every_beacon_and_epoch(
    num_sites: int, epoch: int, beacon: bytes
) -> None:
    graph = draw_graph(beacon, epoch, num_sites, choose_parameters(num_sites, num_sites, 5))
    neighbours = {site: set(graph.neighbours(site)) for site in range(num_sites)}
    for site, others in neighbours.items():
        assert len(others) == graph.parameters.degree
        assert site not in others
        assert all(site in neighbours[other] for other in others)
    reached, newest = {0}, {0}
    while newest:
        newest = set().union(*(neighbours[site] for site in newest)) - reached
        reached |= newest
    assert len(reached) == num_sites


# --- Messages that were tampered with ---

Deliver = Callable[[bytes], object]


@dataclasses.dataclass(frozen=True)
class _Exchange:
    """A message as it was sent, and whoever takes it; a site's answer goes on to the coordinator."""

    message: bytes
    deliver: Deliver


@functools.cache
def _exchanges() -> dict[str, _Exchange]:
    """One of every kind, each taken by a receiver that starts from the same state every time."""
    fleet = secure_fleet(4)
    old = KeyCollector(fleet.group, fleet.name(1), fleet.offers)
    request = keys_request(fleet.group, fleet.name(1), fleet.offers, 0)
    fresh = fleet.states[0]
    exchanges = {
        "set-up": _Exchange(steps.set_up(fresh), lambda message: SetUp.decode(message, fleet.group.identities)),
        "keys request": _Exchange(request, lambda message: _collector(fleet).add(steps.advertise(fresh, message)[1])),
    }
    answers = {site: fleet.advertise(site, 1) for site in fleet.sites}
    for answer in answers.values():
        old.add(answer)
    exchanges["advertisement"] = _Exchange(answers[0], lambda message: _collector(fleet).add(message))
    keys, prepared = old.close(), fleet.states[0]
    exchanges["mask request"] = _Exchange(
        keys.mask_request(0), lambda message: _total(fleet, keys).add(_masked(fleet, prepared, message))
    )
    vectors = [fleet.mask(site, keys.mask_request(site), fleet.binding(1)) for site in fleet.sites]
    exchanges["masked vector"] = _Exchange(vectors[0], lambda message: _total(fleet, keys).add(message))
    closed = _closed(fleet, keys, vectors)
    masked = fleet.states[0]
    exchanges["unmask request"] = _Exchange(
        closed.unmask_request(),
        lambda message: _closed(fleet, keys, vectors).add_shares(steps.reveal(masked, message)[1]),
    )
    shares = fleet.reveal(0, closed.unmask_request())
    exchanges["shares"] = _Exchange(shares, lambda message: _closed(fleet, keys, vectors).add_shares(message))
    return exchanges


def _collector(fleet: SecureFleet) -> KeyCollector:
    return KeyCollector(fleet.group, fleet.name(1), fleet.offers)


def _total(fleet: SecureFleet, keys: EpochKeys) -> MaskedSum:
    return MaskedSum(keys, fleet.layout, fleet.binding(1))


def _masked(fleet: SecureFleet, state: steps.SiteState, message: bytes) -> bytes:
    opened = steps.open_round(state, message)
    return steps.mask(state, opened, fleet.lanes(0), fleet.layout, fleet.binding(1))[1]


def _closed(fleet: SecureFleet, keys: EpochKeys, vectors: list[bytes]) -> MaskedSum:
    total = _total(fleet, keys)
    for vector in vectors:
        total.add(vector)
    total.close()
    return total


_KINDS = st.sampled_from(
    ["set-up", "keys request", "advertisement", "mask request", "masked vector", "unmask request", "shares"]
)
_refused = pytest.raises((WireError, SealError, RefusedError))


@pytest.mark.parametrize(
    "kind",
    ["set-up", "keys request", "advertisement", "mask request", "masked vector", "unmask request", "shares"],
)
def test_message_as_it_was_sent_is_taken(kind: str) -> None:
    exchange = _exchanges()[kind]
    exchange.deliver(exchange.message)


@given(_KINDS, st.data())
@_exchanged
def test_altered_message_is_refused(kind: str, data: st.DataObject) -> None:
    exchange = _exchanges()[kind]
    place = data.draw(st.integers(0, len(exchange.message) - 1))
    changed = bytearray(exchange.message)
    changed[place] ^= data.draw(st.integers(1, 255))
    with _refused:
        exchange.deliver(bytes(changed))


@given(_KINDS, st.data())
@_exchanged
def test_truncated_or_lengthened_message_is_refused(kind: str, data: st.DataObject) -> None:
    exchange = _exchanges()[kind]
    length = data.draw(st.integers(0, len(exchange.message) - 1))
    more = data.draw(st.binary(min_size=1, max_size=40))
    for changed in (exchange.message[:length], exchange.message + more, more + exchange.message):
        with _refused:
            exchange.deliver(changed)


@given(_KINDS, st.data())
@_exchanged
def test_message_with_parts_in_another_order_is_refused(kind: str, data: st.DataObject) -> None:
    message = _exchanges()[kind].message
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), min_size=3, max_size=3)))
    changed = message[: cuts[0]] + message[cuts[1] : cuts[2]] + message[cuts[0] : cuts[1]] + message[cuts[2] :]
    if changed == message:
        return
    with _refused:
        _exchanges()[kind].deliver(changed)


@given(_KINDS, _KINDS)
@_exchanged
def test_message_of_another_kind_is_refused(kind: str, other: str) -> None:
    if kind != other:
        with _refused:
            _exchanges()[kind].deliver(_exchanges()[other].message)


@_rounds
@given(st.integers(3, 6), st.integers(0, 2))
def test_replayed_answers_of_the_epoch_before_are_refused(num_sites: int, again: int) -> None:
    fleet = secure_fleet(num_sites)
    keys = fleet.keys(1)
    vector = fleet.mask(0, keys.mask_request(0), fleet.binding(1))
    answers = {0: fleet.advertise(1, 2), 1: vector}
    total = fleet.masked_sum(fleet.keys(3))
    shares = fleet.reveal(2, total.unmask_request())
    following = fleet.masked_sum(fleet.keys(4))
    with _refused:
        if again == 2:
            following.add_shares(shares)
        elif again == 1:
            following.add(answers[1])
        else:
            KeyCollector(fleet.group, fleet.name(4), fleet.offers).add(answers[0])


@given(_KINDS, st.binary(max_size=200))
@_exchanged
def test_garbage_is_refused(kind: str, garbage: bytes) -> None:
    with _refused:
        _exchanges()[kind].deliver(garbage)
