"""The sum at the coordinator."""

import dataclasses
import itertools

import numpy as np
import pytest

from fl_protocol.errors import UnmaskError, WireError
from fl_protocol.secure_sum.masked_sum import MaskedSum
from fl_protocol.secure_sum.messages import MaskedVector, RevealedShares
from tests.fakes.secure_fleet import SecureFleet, identity_of, plain_sum, same, secure_fleet


def _revealed(fleet: SecureFleet, total: MaskedSum, site: int) -> RevealedShares:
    return RevealedShares.decode(fleet.reveal(site, total.unmask_request(site)), fleet.group.identities)


def _wrong(revealed: RevealedShares) -> bytes:
    """The same with every share one off."""
    off = [(shares + 1) % 65_537 for shares in (revealed.seed_shares, revealed.key_shares)]
    spoilt = dataclasses.replace(revealed, seed_shares=off[0], key_shares=off[1])
    return spoilt.encode(identity_of(revealed.site))


@pytest.mark.parametrize("absent", [((), ()), ((0,), ()), ((), (3,)), ((2,), (0,)), ((6,), (5,))])
def test_sum_of_the_survivors_comes_out_whoever_drops_out_when(absent: tuple[tuple[int, ...], ...]) -> None:
    fleet = secure_fleet(8)
    opened = fleet.sum(1, *absent)
    assert opened.survivors == tuple(site for site in range(8) if site not in itertools.chain(*absent))
    assert same(opened.values, plain_sum(fleet.layout, opened.survivors))
    assert opened.wrong_holders == ()


def test_sum_of_too_few_is_not_closed() -> None:
    with pytest.raises(UnmaskError, match="expected masked vectors of at least 5 sites, got 4"):
        secure_fleet(6).sum(1, (), (0, 3))


def test_vector_that_is_sent_again_counts_once_and_another_is_refused() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    total = MaskedSum(keys, fleet.layout, fleet.binding(1))
    for site in keys.sites:
        answer = fleet.mask(site, keys.mask_request(site), fleet.binding(1))
        assert total.add(answer) == total.add(answer) == site
    whole = MaskedVector.decode(answer, fleet.group.identities)
    other = dataclasses.replace(whole, packed=bytes(len(whole.packed)))
    with pytest.raises(WireError, match="site 3: expected one masked vector in an epoch"):
        total.add(other.encode(identity_of(3)))
    total.close()
    assert total.add(answer) == 3
    assert same(fleet.open(total).values, plain_sum(fleet.layout, fleet.sites))


def test_vector_of_another_size_is_refused_and_leaves_the_sum() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    total = MaskedSum(keys, fleet.layout, fleet.binding(1))
    short = MaskedVector(keys.name, 0, b"short").encode(identity_of(0))
    with pytest.raises(WireError, match=r"masked vector: expected \d+ bytes, got 5"):
        total.add(short)
    assert total.delivered == ()
    for site in keys.sites:
        total.add(fleet.mask(site, keys.mask_request(site), fleet.binding(1)))
    total.close()
    assert same(fleet.open(total).values, plain_sum(fleet.layout, fleet.sites))


def test_vector_after_the_deadline_or_of_a_site_without_keys_is_refused() -> None:
    fleet = secure_fleet(6)
    keys = fleet.keys(1, absent=[5])
    late = fleet.mask(4, keys.mask_request(4), fleet.binding(1))
    total = MaskedSum(keys, fleet.layout, fleet.binding(1))
    with pytest.raises(WireError, match="site 5: expected a masked vector of a site with keys, before the deadline"):
        total.add(MaskedVector(keys.name, 5, b"").encode(identity_of(5)))
    whole = secure_fleet(6)
    total = whole.masked_sum(whole.keys(1), absent=[4])
    with pytest.raises(WireError, match="site 4: expected a masked vector of a site with keys, before the deadline"):
        total.add(late)


def test_nothing_is_asked_or_opened_before_the_deadline() -> None:
    fleet = secure_fleet(4)
    total = MaskedSum(fleet.keys(1), fleet.layout, fleet.binding(1))
    for step in (lambda: total.unmask_request(0), total.open):
        with pytest.raises(RuntimeError, match="masked vectors are still being added"):
            step()


def test_too_few_shares_open_nothing_and_tell_whose_are_missing() -> None:
    fleet = secure_fleet(6)
    total = fleet.masked_sum(fleet.keys(1), absent=[5])
    assert list(total.unopened) == list(range(6))
    for site in (0, 1, 2, 3):
        total.add_shares(fleet.reveal(site, total.unmask_request(site)))
    assert total.unopened == (0, 1, 2, 3)  # of whom three others have spoken, and four are needed
    with pytest.raises(UnmaskError, match=r"too few to open sites \[0, 1, 2, 3\]"):
        total.open()
    total.add_shares(fleet.reveal(4, total.unmask_request(4)))
    assert same(total.open().values, plain_sum(fleet.layout, range(5)))


def test_sum_is_opened_once() -> None:
    fleet = secure_fleet(4)
    total = fleet.masked_sum(fleet.keys(1))
    answers = [fleet.reveal(site, total.unmask_request(site)) for site in fleet.sites]
    for answer in answers:
        total.add_shares(answer)
    total.open()
    for answer in answers:
        total.add_shares(answer)
    with pytest.raises(RuntimeError, match="the sum was opened before"):
        total.open()


def test_shares_of_other_sites_than_asked_for_are_refused() -> None:
    fleet = secure_fleet(6)
    total = fleet.masked_sum(fleet.keys(1), absent=[5])
    revealed = _revealed(fleet, total, 0)
    moved = dataclasses.replace(
        revealed,
        survivors=(1, 2, 3),
        seed_shares=revealed.seed_shares[:3],
        dropouts=(4, 5),
        key_shares=np.concatenate([revealed.seed_shares[3:], revealed.key_shares]),
    )
    for message in (moved.encode(identity_of(0)), dataclasses.replace(revealed, site=5).encode(identity_of(5))):
        with pytest.raises(WireError, match=r"site [05]: expected shares of the sites it was asked for"):
            total.add_shares(message)


def test_shares_that_are_sent_again_change_nothing_and_others_are_refused() -> None:
    fleet = secure_fleet(4)
    total = fleet.masked_sum(fleet.keys(1))
    revealed = _revealed(fleet, total, 0)
    answer = revealed.encode(identity_of(0))
    assert total.add_shares(answer) == total.add_shares(answer) == 0
    with pytest.raises(WireError, match="site 0: expected its shares once in an epoch"):
        total.add_shares(_wrong(revealed))


@pytest.mark.parametrize(("absent", "wrong"), [((8,), (0,)), ((), (5,)), ((), (3, 7))])
def test_holders_of_wrong_shares_are_named_and_spoil_nothing(absent: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    fleet = secure_fleet(9)  # six shares open a secret, of seven or eight that come
    total = fleet.masked_sum(fleet.keys(1), absent)
    for site in total.delivered:
        revealed = _revealed(fleet, total, site)
        total.add_shares(_wrong(revealed) if site in wrong else revealed.encode(identity_of(site)))
    opened = total.open()
    assert opened.wrong_holders == wrong
    assert same(opened.values, plain_sum(fleet.layout, opened.survivors))


def test_wrong_share_leaves_nothing_to_try_when_no_more_came_than_are_needed() -> None:
    fleet = secure_fleet(4)
    total = fleet.masked_sum(fleet.keys(1))
    for site in fleet.sites:
        revealed = _revealed(fleet, total, site)
        total.add_shares(_wrong(revealed) if site == 3 else revealed.encode(identity_of(site)))
    with pytest.raises(UnmaskError, match="site 0: its secret does not open with the shares that came"):
        total.open()


def test_shares_that_stand_for_no_bytes_are_not_taken_for_a_secret() -> None:
    fleet = secure_fleet(4)
    total = fleet.masked_sum(fleet.keys(1))
    for site in fleet.sites:
        revealed = _revealed(fleet, total, site)
        flat = np.full_like(revealed.seed_shares, 65_536)
        total.add_shares(dataclasses.replace(revealed, seed_shares=flat).encode(identity_of(site)))
    with pytest.raises(UnmaskError, match="site 0: its secret does not open"):
        total.open()
