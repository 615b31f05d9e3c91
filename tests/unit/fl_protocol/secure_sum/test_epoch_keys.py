"""Keys of an epoch at the coordinator."""

import dataclasses

import pytest

from fl_protocol.errors import WireError
from fl_protocol.secure_sum.binding import EpochName
from fl_protocol.secure_sum.epoch_keys import KeyCollector, check_name, keys_request
from fl_protocol.secure_sum.messages import Advertisement, KeysRequest, MaskRequest
from tests.fakes.secure_fleet import SecureFleet, identity_of, secure_fleet


def _advertised(fleet: SecureFleet, site: int, epoch: int = 1) -> Advertisement:
    return Advertisement.decode(fleet.advertise(site, epoch), fleet.group.identities)


def _without(advertised: Advertisement, receiver: int) -> Advertisement:
    kept = [row for row, other in enumerate(advertised.receivers) if other != receiver]
    receivers = tuple(advertised.receivers[row] for row in kept)
    return dataclasses.replace(advertised, receivers=receivers, sealed=advertised.sealed[kept])


def test_keys_are_asked_for_with_the_channels_of_neighbours_that_are_set_up() -> None:
    fleet = secure_fleet(5)
    del fleet.offers[3]
    request = KeysRequest.decode(keys_request(fleet.group, fleet.name(1), fleet.offers, 0))
    assert request.positions == (1, 2, 4)
    assert request.offers == tuple(fleet.offers[site] for site in (1, 2, 4))


def test_every_site_masks_with_all_neighbours_that_have_keys() -> None:
    fleet = secure_fleet(6)
    keys = fleet.keys(1, absent=[4])
    assert keys.cohort == (0, 1, 2, 3, 5)
    assert keys.partners(3) == (0, 1, 2, 5)
    request = MaskRequest.decode(keys.mask_request(3))
    assert request.senders == (0, 1, 2, 5)
    sent = keys.advertisement(5)
    assert (request.sealed[3] == sent.sealed[sent.receivers.index(3)]).all()
    with pytest.raises(KeyError):
        keys.advertisement(4)


def test_site_that_sealed_for_fewer_than_asked_is_refused() -> None:
    fleet = secure_fleet(6)
    collector = KeyCollector(fleet.group, fleet.name(1), fleet.offers)
    with pytest.raises(WireError, match="site 0: expected sealed shares for all neighbours it was asked to seal for"):
        collector.add(_without(_advertised(fleet, 0), 3).encode(identity_of(0)))
    assert collector.sites == ()


def test_site_that_is_left_with_too_few_neighbours_is_left_out_and_whom_that_leaves_with_too_few() -> None:
    fleet = secure_fleet(70)
    graph, fewest = fleet.group.graph(1), fleet.group.parameters.share_threshold
    neighbours = graph.neighbours(0)
    kept = set(neighbours[: fewest - 1])
    absent = set(neighbours) - kept
    keys = fleet.keys(1, absent)
    assert 0 not in keys.cohort
    assert all(len(keys.partners(site)) >= fewest for site in keys.cohort)
    assert all(set(keys.partners(site)) == set(graph.neighbours(site)) & set(keys.cohort) for site in keys.cohort)
    assert fleet.keys(2, range(30)).cohort == ()


def test_same_advertisement_again_changes_nothing_and_another_is_refused() -> None:
    fleet = secure_fleet(4)
    collector = KeyCollector(fleet.group, fleet.name(1), fleet.offers)
    answer = fleet.advertise(0, 1)
    assert collector.add(answer) == collector.add(answer) == 0
    other = dataclasses.replace(Advertisement.decode(answer, fleet.group.identities), seed_commitment=bytes(32))
    with pytest.raises(WireError, match="site 0: expected one advertisement for an epoch"):
        collector.add(other.encode(identity_of(0)))
    assert collector.sites == (0,)


def test_shares_sealed_for_strangers_are_refused() -> None:
    fleet = secure_fleet(4)
    collector = KeyCollector(fleet.group, fleet.name(1), fleet.offers)
    advertised = dataclasses.replace(_advertised(fleet, 0), receivers=(0, 1, 2))
    with pytest.raises(WireError, match="site 0: expected sealed shares for all neighbours it was asked to seal for"):
        collector.add(advertised.encode(identity_of(0)))


def test_keys_of_a_site_that_was_not_drawn_are_refused() -> None:
    fleet = secure_fleet(12, num_drawn=11)
    (left_out,) = set(fleet.sites) - set(fleet.group.graph(1).circle.tolist())
    drawn = next(site for site in fleet.sites if site != left_out)
    advertised = dataclasses.replace(_advertised(fleet, drawn), site=left_out)
    with pytest.raises(WireError, match=f"site {left_out}: expected keys of sites that were drawn"):
        KeyCollector(fleet.group, fleet.name(1), fleet.offers).add(advertised.encode(identity_of(left_out)))


@pytest.mark.parametrize(
    ("got", "message"),
    [
        (EpochName(b"R" * 16, 2, 1), "expected an answer of epoch 1, round 1; got epoch 2, round 1$"),
        (EpochName(b"R" * 16, 1, 2), "expected an answer of epoch 1, round 1; got epoch 1, round 2$"),
        (EpochName(b"S" * 16, 1, 1), "expected an answer of epoch 1, round 1; got epoch 1, round 1, another run$"),
    ],
)
def test_answer_of_another_epoch_is_refused(got: EpochName, message: str) -> None:
    with pytest.raises(WireError, match=message):
        check_name(got, EpochName(b"R" * 16, 1, 1))
