"""Attacks on the secure sum, one test named after each."""

import dataclasses

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fl_protocol.errors import RefusedError, SealError, UnmaskError, WireError
from fl_protocol.secure_sum import site as steps
from fl_protocol.secure_sum.binding import EpochName
from fl_protocol.secure_sum.channel import ChannelOffer, offer_channel, seal_shares
from fl_protocol.secure_sum.epoch_keys import KeyCollector, keys_request
from fl_protocol.secure_sum.graph import MAX_EPOCH
from fl_protocol.secure_sum.masked_sum import MaskedSum
from fl_protocol.secure_sum.masking import public_bytes
from fl_protocol.secure_sum.messages import (
    Advertisement,
    KeysRequest,
    MaskedVector,
    MaskRequest,
    RevealedShares,
    SetUp,
    UnmaskRequest,
)
from fl_protocol.secure_sum.vector import to_lanes
from tests.fakes.lying_coordinator import LyingCoordinator, refuses, view
from tests.fakes.secure_fleet import (
    RUN,
    SecureFleet,
    identity_of,
    one_segment,
    plain_sum,
    same,
    secure_fleet,
)

_OTHER_RUN = b"S" * 16


def _advertised(fleet: SecureFleet, site: int, epoch: int = 1) -> KeysRequest:
    return KeysRequest.decode(keys_request(fleet.group, fleet.name(epoch), fleet.offers, site))


def _with_offer(request: KeysRequest, position: int, offer: ChannelOffer) -> bytes:
    offers = list(request.offers)
    offers[request.positions.index(position)] = offer
    return dataclasses.replace(request, offers=tuple(offers)).encode()


def _cut(request: MaskRequest, count: int) -> bytes:
    return MaskRequest(request.name, request.senders[:count], request.sealed[:count]).encode()


# --- Lying about drop-outs ---

_ALL = range(8)


@pytest.mark.parametrize("num_told_gone", range(6))
def test_coordinator_that_lies_about_drop_outs_to_some_opens_nothing(num_told_gone: int) -> None:
    liar = LyingCoordinator(secure_fleet(8), corrupt=(6, 7))
    for site in liar.honest:
        liar.ask_vector(site)
    for place, site in enumerate(liar.honest[1:]):
        survivors = set(_ALL) - ({0} if place < num_told_gone else set())
        liar.ask_shares(site, view(_ALL, survivors, range(1, 8)))
    told_the_same = num_told_gone in (0, 5)
    for owner in liar.honest:
        secrets_known = [liar.seed(owner), liar.round_key(owner)]
        assert secrets_known.count(None) == (1 if told_the_same else 2)
    assert (liar.round_key(0) is not None) == (num_told_gone == 5)


def test_coordinator_that_asks_for_both_secrets_of_one_site_is_refused() -> None:
    liar = LyingCoordinator(secure_fleet(8), corrupt=())
    for site in liar.honest:
        liar.ask_vector(site)
        liar.ask_shares(site, view(_ALL, _ALL, _ALL))
    assert all(liar.seed(site) is not None for site in liar.honest)
    for site in liar.honest[1:]:
        assert refuses(liar, site, view(_ALL, range(1, 8), range(1, 8)))
    assert liar.round_key(0) is None


def test_coordinator_that_asks_again_with_another_list_is_refused() -> None:
    liar = LyingCoordinator(secure_fleet(8), corrupt=())
    liar.ask_vector(0)
    liar.ask_shares(0, view(_ALL, range(7), range(7)))
    assert refuses(liar, 0, view(_ALL, _ALL, range(6)))
    assert refuses(liar, 0, view(_ALL, range(6), range(6)))
    assert refuses(liar, 0, view(range(7), range(7), range(6)))
    assert not refuses(liar, 0, view(_ALL, range(7), range(6)))
    assert refuses(liar, 0, view(_ALL, range(7), range(7)))


def test_coordinator_that_leaves_out_a_neighbour_or_names_another_is_refused() -> None:
    liar = LyingCoordinator(secure_fleet(8), corrupt=())
    liar.ask_vector(0, range(1, 7))
    for cohort in (range(6), _ALL):
        with pytest.raises(RefusedError, match="all neighbours that were masked with, and no other neighbours"):
            liar.ask_shares(0, view(cohort, range(6), range(6)))


@pytest.mark.parametrize(
    ("survivors", "responders"), [(range(1, 8), range(1, 8)), (_ALL, range(1, 8)), (range(7), _ALL), (range(9), _ALL)]
)
def test_coordinator_whose_lists_do_not_hold_each_other_is_refused(survivors: range, responders: range) -> None:
    liar = LyingCoordinator(secure_fleet(8), corrupt=())
    liar.ask_vector(0)
    with pytest.raises(RefusedError, match="expected this site among the responders, those among the survivors"):
        liar.ask_shares(0, view(_ALL, survivors, responders))


# --- Keys of others ---


def test_substituted_channel_key_is_refused() -> None:
    fleet = secure_fleet(4)
    request = _advertised(fleet, 0)
    own = X25519PrivateKey.generate()
    forged = [
        ChannelOffer(public_bytes(own), request.offers[0].signature),
        offer_channel(identity_of(2), public_bytes(own), RUN, fleet.group.roster_digest),
        offer_channel(identity_of(1), public_bytes(own), _OTHER_RUN, fleet.group.roster_digest),
        offer_channel(identity_of(1), public_bytes(own), RUN, b"s" * 32),
    ]
    for offer in forged:
        with pytest.raises(SealError, match="a channel key of the site, signed by the identity on the roster"):
            steps.advertise(fleet.states[0], _with_offer(request, 1, offer))


def test_channel_key_passed_off_as_another_sites_agrees_on_another_key() -> None:
    fleet = secure_fleet(4)
    stolen = offer_channel(identity_of(1), fleet.offers[2].public, RUN, fleet.group.roster_digest)
    state, _ = steps.advertise(fleet.states[0], _with_offer(_advertised(fleet, 0), 1, stolen))
    assert state.prepared is not None
    assert state.prepared.channel_keys[1] != state.prepared.channel_keys[2]


@pytest.mark.parametrize("public", [bytes(32), (1).to_bytes(32, "little"), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_round_key_that_agrees_with_everybody_alike_is_refused(public: bytes) -> None:
    fleet = secure_fleet(3)
    keys = fleet.keys(1)
    state = fleet.states[1]
    assert state.prepared is not None
    request = MaskRequest.decode(keys.mask_request(0))
    pair = steps.open_round(fleet.states[0], request.encode()).held[1]
    weak = dataclasses.replace(pair, round_public=public)
    rows = request.sealed.copy()
    rows[0] = np.frombuffer(seal_shares(state.prepared.channel_keys[0], weak, keys.name, 1, 0), dtype=np.uint8)
    with pytest.raises(SealError, match="full order"):
        fleet.mask(0, dataclasses.replace(request, sealed=rows).encode(), fleet.binding(1))


def test_advertisement_signed_by_another_is_refused() -> None:
    fleet = secure_fleet(4)
    collector = KeyCollector(fleet.group, fleet.name(1), fleet.offers)
    advertised = Advertisement.decode(fleet.advertise(0, 1), fleet.group.identities)
    for identity in (identity_of(1), Ed25519PrivateKey.generate()):
        with pytest.raises(SealError, match="an answer of the site"):
            collector.add(advertised.encode(identity))


# --- Cohorts that the coordinator would like ---

_THIRDS = [(3, 1), (5, 1), (8, 0), (8, 2), (12, 4), (20, 6)]  # sites; corrupt: most that are allowed, or none


@pytest.mark.parametrize(("num_sites", "num_corrupt"), _THIRDS)
def test_split_cohort_opens_no_sum_but_the_one_all_responders_are_in(num_sites: int, num_corrupt: int) -> None:
    """Those who do not reveal mask with as few as they accept, and are told gone as many of them as may be."""
    liar = LyingCoordinator(secure_fleet(num_sites), range(num_sites - num_corrupt, num_sites))
    revealing, silent = liar.honest[: liar.fewest_honest], liar.honest[liar.fewest_honest :]
    kept, gone = silent[: len(silent) // 2], silent[len(silent) // 2 :]
    for site in revealing:
        liar.ask_vector(site)
    for site in kept:
        others = [other for other in (*liar.corrupt, *silent, *revealing) if other != site]
        liar.ask_vector(site, others[: liar.threshold])
    everybody, responders = range(num_sites), {*revealing, *liar.corrupt}
    for site in revealing:
        liar.ask_shares(site, view(everybody, set(everybody) - set(gone), responders))
    assert all(liar.seed(site) is not None for site in (*revealing, *kept))
    assert all(liar.round_key(site) is not None for site in gone)
    assert liar.smallest_sums()
    for sites in liar.smallest_sums():
        assert set(revealing) <= sites
    assert all(liar.isolate((site,)) is None for site in liar.delivered)
    wanted = plain_sum(liar.fleet.layout, revealing)
    assert (liar.isolate(revealing) is not None) == (not kept)
    if not kept:
        assert same(liar.isolate(revealing) or (), wanted)


@pytest.mark.parametrize(("num_sites", "num_corrupt"), [(8, 2), (12, 4), (20, 6)])
def test_split_cohort_with_claims_of_its_own_for_every_site_opens_nothing(num_sites: int, num_corrupt: int) -> None:
    """What singled out a site before sites agreed: each is told of other drop-outs, no more than it accepts."""
    liar = LyingCoordinator(secure_fleet(num_sites), range(num_sites - num_corrupt, num_sites))
    everybody, slack = set(range(num_sites)), num_sites - 1 - liar.threshold
    for site in liar.honest:
        liar.ask_vector(site)
    for place, site in enumerate(liar.honest):
        others = [other for other in liar.honest if other != site]
        claimed = {others[(place + step) % len(others)] for step in range(slack)}
        survivors = everybody - claimed
        liar.ask_shares(site, view(everybody, survivors, survivors))
    assert all(liar.seed(site) is None and liar.round_key(site) is None for site in liar.honest)


def test_split_cohort_between_two_views_opens_neither() -> None:
    liar = LyingCoordinator(secure_fleet(20), range(14, 20))
    for site in liar.honest:
        liar.ask_vector(site)
    halves = (set(liar.honest[:7]), set(liar.honest[7:]))
    for half, other in (halves, halves[::-1]):
        responders = {*half, *liar.corrupt, min(other)}  # fewer would be refused
        for site in half:
            liar.ask_shares(site, view(range(20), responders, responders))
    assert all(liar.seed(site) is None and liar.round_key(site) is None for site in liar.honest)


@pytest.mark.parametrize(("num_told_otherwise", "num_silent", "opens"), [(0, 0, True), (0, 1, False), (20, 0, False)])
def test_split_cohort_among_random_neighbours_opens_nothing(
    num_told_otherwise: int, num_silent: int, *, opens: bool
) -> None:
    """Some are told of another drop-out than the others, or do not answer; only where none is, the one sum opens."""
    liar = LyingCoordinator(secure_fleet(70), corrupt=range(47, 70))
    assert not liar.fleet.group.parameters.is_complete
    everybody = set(range(70))
    told, otherwise = (view(everybody, everybody - {gone}, everybody - {0, 1}) for gone in (0, 1))
    for site in liar.honest:
        liar.ask_vector(site)
    for place, site in enumerate(liar.honest[2 + num_silent :]):
        liar.ask_shares(site, otherwise if place < num_told_otherwise else told)
    if opens:
        assert liar.smallest_sums() == [set(liar.honest[1:])]
        assert same(liar.isolate(liar.honest[1:]) or (), plain_sum(liar.fleet.layout, liar.honest[1:]))
    else:
        assert all(liar.seed(site) is None and liar.round_key(site) is None for site in liar.honest)


def test_split_cohort_by_parts_that_mask_apart_opens_nothing() -> None:
    liar = LyingCoordinator(secure_fleet(8), corrupt=(6, 7))
    with pytest.raises(RefusedError, match="expected at least 5 neighbours with keys, got 4"):
        liar.ask_vector(0, (1, 2, 6, 7))


def test_server_chosen_graph_is_refused() -> None:
    fleet = secure_fleet(70)
    neighbours = fleet.group.graph(1).neighbours(0)
    stranger = next(site for site in fleet.sites[1:] if site not in neighbours)
    positions = tuple(sorted((*neighbours[1:], stranger)))
    request = KeysRequest(fleet.name(1), positions, tuple(fleet.offers[site] for site in positions))
    with pytest.raises(RefusedError, match="epoch 1: expected channel keys of neighbours alone"):
        steps.advertise(fleet.states[0], request.encode())


def test_server_chosen_cohort_is_refused() -> None:
    fleet = secure_fleet(12, num_drawn=11)
    (left_out,) = set(fleet.sites) - set(fleet.group.graph(1).circle.tolist())
    positions = tuple(site for site in fleet.sites if site != left_out)
    request = KeysRequest(fleet.name(1), positions, tuple(fleet.offers[site] for site in positions))
    with pytest.raises(RefusedError, match="epoch 1: this site was not drawn"):
        steps.advertise(fleet.states[left_out], request.encode())


def test_site_that_is_its_own_neighbour_is_refused() -> None:
    fleet = secure_fleet(4)
    request = KeysRequest(fleet.name(1), (0, 1, 2, 3), tuple(fleet.offers[site] for site in range(4)))
    with pytest.raises(RefusedError, match="neighbours alone"):
        steps.advertise(fleet.states[0], request.encode())


def test_cohort_of_one_is_refused_at_every_step() -> None:
    fleet = secure_fleet(4)
    with pytest.raises(RefusedError, match="expected at least 3 neighbours with keys, got 0"):
        steps.advertise(fleet.states[0], KeysRequest(fleet.name(1), (), ()).encode())
    keys = fleet.keys(1)
    request = MaskRequest.decode(keys.mask_request(0))
    for count in range(3):
        with pytest.raises(RefusedError, match=f"expected at least 3 neighbours with keys, got {count}"):
            fleet.mask(0, _cut(request, count), fleet.binding(1))
    fleet.mask(0, request.encode(), fleet.binding(1))
    with pytest.raises(RefusedError, match="expected at least 3 responding neighbours, got 0"):
        fleet.reveal(0, UnmaskRequest(keys.name, (0, 1, 2, 3), (0,), (0,)).encode())


def test_cohort_of_one_is_no_sum_to_the_coordinator_either() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    total = MaskedSum(keys, fleet.layout, fleet.binding(1))
    total.add(fleet.mask(0, keys.mask_request(0), fleet.binding(1)))
    with pytest.raises(UnmaskError, match="expected masked vectors of at least 4 sites, got 1"):
        total.close()


def test_sybils_outside_the_roster_are_refused() -> None:
    fleet = secure_fleet(4)
    sybil = Ed25519PrivateKey.generate()
    offer = offer_channel(sybil, public_bytes(X25519PrivateKey.generate()), RUN, fleet.group.roster_digest)
    request = _advertised(fleet, 0)
    with pytest.raises(SealError, match="signed by the identity on the roster"):
        steps.advertise(fleet.states[0], _with_offer(request, 1, offer))
    more = dataclasses.replace(request, positions=(*request.positions, 4), offers=(*request.offers, offer))
    with pytest.raises(RefusedError, match="neighbours alone"):
        steps.advertise(fleet.states[0], more.encode())
    with pytest.raises(WireError, match="expected a number up to 3, got 4"):
        SetUp.decode(SetUp(4, RUN, offer, 0).encode(sybil), fleet.group.identities)


# --- Old things again ---


def test_replay_of_an_old_epoch_is_refused() -> None:
    fleet = secure_fleet(4)
    fleet.sum(2)
    for epoch in (1, 2):
        message = keys_request(fleet.group, fleet.name(epoch, round_number=9), fleet.offers, 0)
        with pytest.raises(RefusedError, match=f"expected an epoch after 2, got {epoch}"):
            steps.advertise(fleet.states[0], message)


def test_replay_of_sealed_shares_in_a_later_epoch_is_refused() -> None:
    fleet = secure_fleet(4)
    old, new = fleet.keys(1), fleet.keys(2)
    with pytest.raises(RefusedError, match="epoch 1 of round 1: this site has no unused keys for it"):
        fleet.mask(0, old.mask_request(0), fleet.binding(1))
    stale = dataclasses.replace(MaskRequest.decode(old.mask_request(0)), name=new.name)
    with pytest.raises(SealError, match="expected shares sealed by site 1 for site 0 in epoch 2"):
        fleet.mask(0, stale.encode(), fleet.binding(2))


def test_replay_of_answers_in_a_later_epoch_is_refused() -> None:
    fleet = secure_fleet(4)
    old_answer = fleet.advertise(0, 1)
    with pytest.raises(WireError, match="expected an answer of epoch 2, round 1; got epoch 1, round 1"):
        KeyCollector(fleet.group, fleet.name(2), fleet.offers).add(old_answer)
    keys = fleet.keys(2)
    old_vector = fleet.mask(0, keys.mask_request(0), fleet.binding(2))
    total = MaskedSum(fleet.keys(3), fleet.layout, fleet.binding(3))
    with pytest.raises(WireError, match="expected an answer of epoch 3, round 1; got epoch 2, round 1"):
        total.add(old_vector)


def test_replay_after_a_resume_is_refused() -> None:
    fleet = secure_fleet(4)
    vector = fleet.mask(0, fleet.keys(1).mask_request(0), fleet.binding(1))
    old_request = keys_request(fleet.group, fleet.name(2), fleet.offers, 0)
    fleet.run = _OTHER_RUN
    for site in fleet.sites:
        fleet.restart(site)
    with pytest.raises(RefusedError, match="the run this site was set up for"):
        steps.advertise(fleet.states[0], old_request)
    old_offers = dataclasses.replace(KeysRequest.decode(old_request), name=fleet.name(2)).encode()
    with pytest.raises(SealError, match="a channel key of the site"):
        steps.advertise(fleet.states[0], old_offers)
    total = MaskedSum(fleet.keys(2), fleet.layout, fleet.binding(2))
    with pytest.raises(WireError, match="got epoch 1, round 1, another run"):
        total.add(vector)


def test_mask_is_not_used_again_after_a_restart() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    before = fleet.states[0].prepared
    fleet.mask(0, keys.mask_request(0), fleet.binding(1))
    fleet.restart(0)
    with pytest.raises(RefusedError, match="no unused keys"):
        fleet.mask(0, keys.mask_request(0), fleet.binding(1))
    with pytest.raises(RefusedError, match="expected an epoch after 1, got 1"):
        fleet.advertise(0, 1)
    fleet.advertise(0, 2)
    after = fleet.states[0].prepared
    assert before is not None
    assert after is not None
    assert before.seed != after.seed
    assert public_bytes(before.round_key) != public_bytes(after.round_key)


def test_second_vector_under_the_same_masks_never_leaves() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    request = keys.mask_request(0)
    answer = fleet.mask(0, request, fleet.binding(1))
    for binding in (fleet.binding(1), fleet.binding(1, b"n" * 32)):
        with pytest.raises(RefusedError, match="no unused keys"):
            fleet.mask(0, request, binding)
    assert steps.masked_before(fleet.states[0], request, fleet.binding(1)) == answer
    assert steps.masked_before(fleet.states[0], request, fleet.binding(1, b"n" * 32)) is None


def test_burnt_epochs_are_few() -> None:
    fleet = secure_fleet(4)
    request = dataclasses.replace(_advertised(fleet, 0), name=EpochName(RUN, MAX_EPOCH + 1, 1))
    with pytest.raises(WireError, match=f"expected a number up to {MAX_EPOCH}, got {MAX_EPOCH + 1}"):
        steps.advertise(fleet.states[0], request.encode())


# --- Different things to different sites ---


_TOLD_APART = pytest.mark.parametrize("other", [{"model_digest": b"n" * 32}, {"config_digest": b"d" * 32}])


@_TOLD_APART
def test_different_models_or_settings_to_different_sites_open_nothing(other: dict[str, bytes]) -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    total = MaskedSum(keys, fleet.layout, fleet.binding(1))
    for site in keys.cohort:
        total.add(fleet.mask(site, keys.mask_request(site), fleet.binding(1, **({} if site < 2 else other))))
    total.close()
    for site in (0, 1):
        total.add_shares(fleet.reveal(site, total.unmask_request()))
    for site in (2, 3):
        with pytest.raises(WireError, match=f"site {site}: expected shares of the last request"):
            total.add_shares(fleet.reveal(site, total.unmask_request()))
    with pytest.raises(UnmaskError, match=r"got none of sites \[2, 3\]"):
        total.open()


@_TOLD_APART
def test_different_models_or_settings_to_different_sites_leave_the_parts_masked(other: dict[str, bytes]) -> None:
    liar = LyingCoordinator(secure_fleet(8), corrupt=(6, 7))
    for site in liar.honest:
        liar.ask_vector(site, binding=liar.fleet.binding(1, **({} if site < 3 else other)))
    for site in liar.honest:
        liar.ask_shares(site, view(_ALL, _ALL, _ALL))
    assert all(liar.seed(site) is None for site in liar.honest)
    for part in ((0,), (0, 1, 2), (3, 4, 5), liar.honest):
        assert liar.isolate(part) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_overflow_is_impossible_with_every_site_at_its_limit(sign: int) -> None:
    fleet = secure_fleet(5)
    keys = fleet.keys(1)
    total = MaskedSum(keys, fleet.layout, fleet.binding(1))
    for site in keys.cohort:
        most = [to_lanes(part, np.full(part.size, sign * part.limit)) for part in fleet.layout]
        binding = fleet.binding(1)
        opened = steps.open_round(fleet.states[site], keys.mask_request(site))
        fleet.states[site], answer = steps.mask(fleet.states[site], opened, most, fleet.layout, binding)
        total.add(answer)
    total.close()
    summed = fleet.open(total)
    assert all((got == sign * 5 * part.limit).all() for got, part in zip(summed.values, fleet.layout, strict=True))


def test_overflow_by_a_value_beyond_the_limit_is_refused() -> None:
    (segment,) = one_segment(5, 4, 16)
    with pytest.raises(ValueError, match=f"segment update: expected values within {segment.limit}"):
        to_lanes(segment, np.array([0, 0, 0, segment.limit + 1]))


# --- Sites that would spoil a round ---


def test_site_that_shares_with_too_few_spoils_nothing() -> None:
    fleet = secure_fleet(8)
    collector = KeyCollector(fleet.group, fleet.name(1), fleet.offers)
    for site in fleet.sites[:-1]:
        collector.add(fleet.advertise(site, 1))
    whole = Advertisement.decode(fleet.advertise(7, 1), fleet.group.identities)
    few = dataclasses.replace(whole, receivers=whole.receivers[:1], sealed=whole.sealed[:1])
    with pytest.raises(WireError, match="site 7: expected sealed shares for all neighbours"):
        collector.add(few.encode(identity_of(7)))
    keys = collector.close()
    assert keys.cohort == fleet.sites[:-1]
    assert 7 not in keys.partners(0)
    opened = fleet.open(fleet.masked_sum(keys))
    assert same(opened.values, plain_sum(fleet.layout, range(7)))


def test_site_that_deals_or_reveals_wrong_shares_spoils_the_sum_and_it_shows() -> None:
    fleet = secure_fleet(8)
    total = fleet.masked_sum(fleet.keys(1))
    for site in total.responders:
        answer = fleet.reveal(site, total.unmask_request())
        if site == 3:
            revealed = RevealedShares.decode(answer, fleet.group.identities)
            rows = revealed.rows.copy()
            rows[[1, 5], 2] ^= 1
            answer = dataclasses.replace(revealed, rows=rows).encode(identity_of(site))
        total.add_shares(answer)
    with pytest.raises(UnmaskError, match=r"sites \[1, 5\]: the shares that came do not open what they committed to"):
        total.open()


def test_vector_of_another_site_is_not_taken_for_its_own() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    whole = MaskedVector.decode(fleet.mask(0, keys.mask_request(0), fleet.binding(1)), fleet.group.identities)
    total = MaskedSum(keys, fleet.layout, fleet.binding(1))
    with pytest.raises(SealError, match="an answer of the site"):
        total.add(dataclasses.replace(whole, site=1).encode(identity_of(0)))
