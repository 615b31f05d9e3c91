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
    return RevealedShares.decode(fleet.reveal(site, total.unmask_request()), fleet.group.identities)


@pytest.mark.parametrize(
    "absent", [((), (), ()), ((0,), (), ()), ((), (3,), ()), ((), (), (4,)), ((2,), (0,), ()), ((6,), (), (5,))]
)
def test_sum_of_the_survivors_comes_out_whoever_drops_out_when(absent: tuple[tuple[int, ...], ...]) -> None:
    fleet = secure_fleet(8)
    opened = fleet.sum(1, *absent)
    assert opened.survivors == tuple(site for site in range(8) if site not in itertools.chain(*absent[:2]))
    assert same(opened.values, plain_sum(fleet.layout, opened.survivors))


def test_sum_of_too_few_is_not_closed() -> None:
    with pytest.raises(UnmaskError, match="expected masked vectors of at least 5 sites, got 4"):
        secure_fleet(6).sum(1, (), (0, 3))


def test_vector_that_is_sent_again_counts_once_and_another_is_refused() -> None:
    fleet = secure_fleet(4)
    keys = fleet.keys(1)
    total = MaskedSum(keys, fleet.layout, fleet.binding(1))
    for site in keys.cohort:
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
    for site in keys.cohort:
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
    for step in (total.unmask_request, total.open):
        with pytest.raises(RuntimeError, match="masked vectors are still being added"):
            step()


def test_missing_shares_open_nothing_until_the_others_are_asked_again() -> None:
    fleet = secure_fleet(10)
    total = fleet.masked_sum(fleet.keys(1), absent=[9])
    fleet.answer(total, absent=[3])
    assert (total.responders, total.silent) == (tuple(range(9)), (3,))
    with pytest.raises(UnmaskError, match=r"expected shares of all responders, got none of sites \[3\]"):
        total.open()
    total.ask_again()
    assert 3 not in total.responders
    assert len(total.silent) == len(total.responders) == 8
    fleet.answer(total)
    assert same(total.open().values, plain_sum(fleet.layout, range(9)))


def test_too_few_responders_are_not_asked_again() -> None:
    fleet = secure_fleet(6)
    total = fleet.masked_sum(fleet.keys(1), absent=[5])
    fleet.answer(total, absent=[0])
    with pytest.raises(UnmaskError, match="expected at least 4 responders around every site, got fewer around"):
        total.ask_again()


def test_sum_is_opened_once() -> None:
    fleet = secure_fleet(4)
    total = fleet.masked_sum(fleet.keys(1))
    fleet.answer(total)
    total.open()
    fleet.answer(total)
    with pytest.raises(RuntimeError, match="the sum was opened before"):
        total.open()


def test_shares_of_another_site_or_request_than_asked_for_are_refused() -> None:
    fleet = secure_fleet(10)
    total = fleet.masked_sum(fleet.keys(1), absent=[6])
    revealed = _revealed(fleet, total, 0)
    fleet.answer(total, absent=[3])
    total.ask_again()
    for message in (
        revealed,
        dataclasses.replace(revealed, site=6),
        dataclasses.replace(revealed, agreement=bytes(32)),
    ):
        with pytest.raises(WireError, match=r"site [06]: expected shares of the last request, from a site that was"):
            total.add_shares(message.encode(identity_of(message.site)))


def test_shares_of_another_size_are_refused() -> None:
    fleet = secure_fleet(4)
    total = fleet.masked_sum(fleet.keys(1))
    revealed = _revealed(fleet, total, 0)
    with pytest.raises(WireError, match="site 0: expected 4 rows of shares, got 3"):
        total.add_shares(dataclasses.replace(revealed, rows=revealed.rows[1:]).encode(identity_of(0)))


def test_shares_that_are_sent_again_change_nothing_and_others_are_refused() -> None:
    fleet = secure_fleet(4)
    total = fleet.masked_sum(fleet.keys(1))
    revealed = _revealed(fleet, total, 0)
    answer = revealed.encode(identity_of(0))
    assert total.add_shares(answer) == total.add_shares(answer) == 0
    other = dataclasses.replace(revealed, rows=revealed.rows + np.uint32(1))
    with pytest.raises(WireError, match="site 0: expected its shares once"):
        total.add_shares(other.encode(identity_of(0)))
    fleet.answer(total, absent=[0])
    assert same(total.open().values, plain_sum(fleet.layout, fleet.sites))


def test_shares_that_stand_for_no_bytes_are_not_taken_for_a_secret() -> None:
    fleet = secure_fleet(4)
    total = fleet.masked_sum(fleet.keys(1))
    for site in fleet.sites:
        revealed = _revealed(fleet, total, site)
        flat = np.full_like(revealed.rows, 65_536 if site == 0 else 0)
        total.add_shares(dataclasses.replace(revealed, rows=flat).encode(identity_of(site)))
    with pytest.raises(UnmaskError, match=r"sites \[0, 1, 2, 3\]: the shares that came do not open"):
        total.open()
