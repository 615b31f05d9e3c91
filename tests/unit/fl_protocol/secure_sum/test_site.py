"""The four steps of a site: what they keep, forget and repeat."""

import dataclasses

import numpy as np
import pytest

from fl_protocol.errors import RefusedError, WireError
from fl_protocol.secure_sum import site as steps
from fl_protocol.secure_sum.epoch_keys import keys_request
from fl_protocol.secure_sum.messages import (
    Advertisement,
    MaskedVector,
    MaskRequest,
    RevealedShares,
    SetUp,
    UnmaskRequest,
)
from fl_protocol.secure_sum.shamir import NUM_SYMBOLS, PRIME, holder_weights, opened_secret
from fl_protocol.secure_sum.vector import unpack_lanes
from tests.fakes.secure_fleet import RUN, SecureFleet, identity_of, plain_sum, same, secure_fleet


def _masked(fleet: SecureFleet, epoch: int = 1) -> UnmaskRequest:
    keys = fleet.keys(epoch)
    fleet.mask(0, keys.mask_request(0), fleet.binding(epoch))
    return UnmaskRequest(keys.name, keys.cohort, keys.cohort, keys.cohort)


def _first(count: int) -> tuple[int, ...]:
    """The first positions of a roster."""
    return tuple(range(count))


def test_set_up_tells_the_newest_epoch_and_is_the_same_again() -> None:
    fleet = secure_fleet(3, newest={1: 7})
    told = SetUp.decode(steps.set_up(fleet.states[1]), fleet.group.identities)
    assert (told.site, told.run, told.newest_epoch) == (1, RUN, 7)
    assert steps.set_up(fleet.states[1]) == steps.set_up(fleet.states[1])


def test_same_keys_request_gets_the_same_bytes() -> None:
    fleet = secure_fleet(4)
    assert fleet.advertise(0, 1) == fleet.advertise(0, 1)


def test_advertisement_holds_a_sealed_pair_for_every_neighbour_and_the_hash_of_the_seed() -> None:
    fleet = secure_fleet(5)
    answer = Advertisement.decode(fleet.advertise(2, 1), fleet.group.identities)
    prepared = fleet.states[2].prepared
    assert prepared is not None
    assert answer.receivers == (0, 1, 3, 4)
    assert answer.seed_commitment == steps.seed_commitment(prepared.seed)
    assert prepared.seed not in answer.encode(identity_of(2))


@pytest.mark.parametrize("num_sites", [4, 20, 66])
def test_as_many_shares_as_the_threshold_open_what_a_site_dealt_and_one_fewer_do_not(num_sites: int) -> None:
    fleet = secure_fleet(num_sites)
    keys, owner, threshold = fleet.keys(1), fleet.states[0].prepared, fleet.group.parameters.share_threshold
    assert owner is not None
    for count in (threshold, threshold - 1):
        holders = keys.partners(0)[:count]
        points, everybody = np.array(holders) + 1, np.ones((1, count), dtype=bool)
        totals = np.zeros((2, NUM_SYMBOLS), dtype=np.int64)
        for site in holders:
            dealt = steps.open_round(fleet.states[site], keys.mask_request(site)).held[0]
            shares = np.array([dealt.key_share, dealt.seed_share], dtype=np.int64)
            totals += shares * holder_weights(site + 1, points, everybody) % PRIME
        opened = [opened_secret(total % PRIME) for total in totals]
        is_opened = [opened[0] == owner.round_key.private_bytes_raw(), opened[1] == owner.seed]
        assert is_opened == [count == threshold] * 2


def test_channels_are_agreed_on_once() -> None:
    fleet = secure_fleet(4)
    fleet.advertise(0, 1)
    known = fleet.states[0].known_channels
    fleet.advertise(0, 2)
    assert fleet.states[0].known_channels == known
    fleet.restart(1)
    fleet.advertise(0, 3)
    assert len(fleet.states[0].known_channels) == len(known) + 1


def test_newer_epoch_takes_the_place_of_keys_that_were_not_used() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    fleet.keys(3)
    assert fleet.states[0].newest_epoch == 3
    with pytest.raises(RefusedError, match="epoch 1 of round 1: this site has no unused keys for it"):
        fleet.mask(0, keys.mask_request(0), fleet.binding(1))


def test_keys_of_the_next_epoch_leave_the_shares_of_this_one() -> None:
    fleet = secure_fleet(4)
    total = fleet.masked_sum(fleet.keys(1))
    following = fleet.keys(2)
    assert same(fleet.open(total).values, plain_sum(fleet.layout, fleet.sites))
    assert same(fleet.open(fleet.masked_sum(following)).values, plain_sum(fleet.layout, fleet.sites))


def test_refused_request_leaves_the_keys() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    with pytest.raises(RefusedError, match="no unused keys"):
        fleet.mask(0, keys.mask_request(0), fleet.binding(2))
    assert fleet.mask(0, keys.mask_request(0), fleet.binding(1))


def test_shares_of_strangers_are_not_opened() -> None:
    fleet = secure_fleet(5)
    request = MaskRequest.decode(fleet.keys(1).mask_request(0))
    with pytest.raises(RefusedError, match="epoch 1: expected sealed shares of neighbours alone"):
        steps.open_round(fleet.states[0], dataclasses.replace(request, senders=(0, 1, 2, 3)).encode())


def test_masking_forgets_the_keys_and_keeps_what_neighbours_shared() -> None:
    fleet = secure_fleet(4)
    _masked(fleet)
    state = fleet.states[0]
    assert state.prepared is None
    assert state.masked is not None
    assert tuple(state.masked.held) == (1, 2, 3)


def test_masked_vector_hides_every_lane() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    answer = fleet.mask(0, keys.mask_request(0), fleet.binding(1))
    masked = unpack_lanes(fleet.layout, MaskedVector.decode(answer, fleet.group.identities).packed)
    same_lanes = [int(np.count_nonzero(one == other)) for one, other in zip(masked, fleet.lanes(0), strict=True)]
    assert sum(same_lanes) <= 3


def test_vector_that_was_sent_is_sent_again_until_its_shares_are_revealed() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    binding, request = fleet.binding(1), keys.mask_request(0)
    assert steps.masked_before(fleet.states[0], request, binding) is None
    answer = fleet.mask(0, request, binding)
    assert steps.masked_before(fleet.states[0], request, binding) == answer
    assert steps.masked_before(fleet.states[0], request, fleet.binding(2)) is None
    fleet.reveal(0, UnmaskRequest(keys.name, (0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2, 3)).encode())
    assert steps.masked_before(fleet.states[0], request, binding) is None


def test_shares_are_revealed_once_and_the_same_bytes_again() -> None:
    fleet = secure_fleet(6)
    request = _masked(fleet)
    answer = fleet.reveal(0, request.encode())
    assert fleet.reveal(0, request.encode()) == answer
    with pytest.raises(RefusedError, match="expected the cohort and the survivors of before, and fewer responders"):
        fleet.reveal(0, dataclasses.replace(request, survivors=_first(5), responders=_first(5)).encode())


def test_shares_are_revealed_again_for_fewer_responders_and_never_for_more() -> None:
    fleet = secure_fleet(8)
    request = _masked(fleet)
    answers = [fleet.reveal(0, dataclasses.replace(request, responders=_first(count)).encode()) for count in (8, 7, 6)]
    assert len({RevealedShares.decode(answer, fleet.group.identities).agreement for answer in answers}) == 3
    for count in (7, 8):
        with pytest.raises(RefusedError, match="fewer responders"):
            fleet.reveal(0, dataclasses.replace(request, responders=_first(count)).encode())


def test_shares_of_another_epoch_are_not_revealed() -> None:
    fleet = secure_fleet(4)
    request = _masked(fleet)
    with pytest.raises(RefusedError, match="epoch 2: this site has masked nothing in it, or in a later one since"):
        fleet.reveal(0, dataclasses.replace(request, name=fleet.name(2)).encode())
    later = _masked(fleet, epoch=2)
    with pytest.raises(RefusedError, match="epoch 1: this site has masked nothing in it, or in a later one since"):
        fleet.reveal(0, request.encode())
    assert fleet.reveal(0, later.encode())


@pytest.mark.parametrize("num_left", range(1, 7))
def test_so_many_responders_as_open_a_secret_are_asked_for(num_left: int) -> None:
    fleet = secure_fleet(6)
    request = dataclasses.replace(_masked(fleet), responders=_first(num_left)).encode()
    if num_left > fleet.group.parameters.share_threshold:
        assert fleet.reveal(0, request)
    else:
        with pytest.raises(RefusedError, match=f"expected at least 4 responding neighbours, got {num_left - 1}"):
            fleet.reveal(0, request)


def test_cohort_of_sites_that_were_not_drawn_is_refused() -> None:
    fleet = secure_fleet(12, num_drawn=11)
    (left_out,) = set(fleet.sites) - set(fleet.group.graph(1).circle.tolist())
    keys = fleet.keys(1)
    site = keys.cohort[0]
    fleet.mask(site, keys.mask_request(site), fleet.binding(1))
    cohort = tuple(sorted((*keys.cohort, left_out)))
    with pytest.raises(RefusedError, match="expected a cohort of sites that were drawn for this epoch"):
        fleet.reveal(site, UnmaskRequest(keys.name, cohort, keys.cohort, keys.cohort).encode())


def test_vector_of_another_roster_is_not_masked() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    binding = dataclasses.replace(fleet.binding(1), roster_digest=b"s" * 32)
    with pytest.raises(RefusedError, match="epoch 1: expected a vector of the epoch and roster that are masked"):
        fleet.mask(0, keys.mask_request(0), binding)


def test_garbage_is_refused_at_every_step() -> None:
    fleet = secure_fleet(3)
    state = fleet.states[0]
    for step in (steps.advertise, steps.open_round, steps.reveal):
        with pytest.raises(WireError, match="message EG"):
            step(state, b"garbage")


def test_secrets_do_not_show_when_a_state_is_printed() -> None:
    fleet = secure_fleet(3)
    keys = fleet.keys(1)
    prepared = fleet.states[0].prepared
    assert prepared is not None
    fleet.mask(1, keys.mask_request(1), fleet.binding(1))
    shown = repr(fleet.states[0]) + repr(fleet.states[1])
    for secret in ("seed=", "round_key=", "channel_keys=", "identity=", "channel=", "held="):
        assert secret not in shown


def test_keys_that_are_asked_for_in_another_run_are_refused() -> None:
    fleet = secure_fleet(3)
    name = dataclasses.replace(fleet.name(1), run=b"S" * 16)
    with pytest.raises(RefusedError, match="expected keys to be asked for the run this site was set up for"):
        steps.advertise(fleet.states[0], keys_request(fleet.group, name, fleet.offers, 0))
