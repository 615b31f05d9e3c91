"""Laws of adding up a round."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fl_server.rounds.aggregate import OrderedSums, RoundSums, SiteReply
from fl_server.rounds.server_optimizer import ServerOptimizer

_values = st.floats(-1e3, 1e3, width=32)
_replies = st.builds(
    lambda update, normality, loss, num_examples: SiteReply({"w": update}, normality, loss, num_examples),
    arrays.arrays(np.float32, (3,), elements=_values),
    arrays.arrays(np.float64, (2,), elements=st.floats(-1e6, 1e6)),
    st.floats(0, 10),
    st.integers(1, 10_000),
)


def _added(replies: list[SiteReply]) -> RoundSums:
    sums = RoundSums.empty({"w": np.zeros(3, dtype=np.float32)}, 2)
    for reply in replies:
        sums = sums.add(reply)
    return sums


@settings(deadline=None)
@given(replies=st.lists(_replies, min_size=1, max_size=6), order=st.randoms())
def test_order_of_replies_changes_at_most_rounding(replies: list[SiteReply], order: "np.random.Generator") -> None:
    shuffled = list(replies)
    order.shuffle(shuffled)
    first, second = _added(replies), _added(shuffled)
    np.testing.assert_allclose(first.mean_update()["w"], second.mean_update()["w"], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(first.normality, second.normality, rtol=1e-12, atol=1e-8)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), _replies), max_size=7), st.randoms(), st.data())
def test_sum_in_order_is_the_same_to_the_last_bit_whoever_comes_first_or_never(
    replies: list[SiteReply | None], order: random.Random, data: st.DataObject
) -> None:
    sites = list(range(len(replies)))
    ordered = OrderedSums(sites, _added([]))
    order.shuffle(sites)
    silent = data.draw(st.sets(st.sampled_from(sites))) if sites else set()
    for site in sites:
        if site not in silent:
            ordered.add(site, replies[site])
    heard = [reply for site, reply in enumerate(replies) if reply is not None and site not in silent]
    wanted, got = _added(heard), ordered.finish()
    assert (got.update["w"].tobytes(), got.normality.tobytes()) == (
        wanted.update["w"].tobytes(),
        wanted.normality.tobytes(),
    )
    assert (got.loss, got.num_examples, got.num_survivors) == (wanted.loss, wanted.num_examples, wanted.num_survivors)


@settings(deadline=None)
@given(replies=st.lists(_replies, min_size=1, max_size=6))
def test_mean_lies_between_the_updates(replies: list[SiteReply]) -> None:
    updates = np.stack([reply.update["w"] for reply in replies])
    mean = _added(replies).mean_update()["w"]
    assert (mean >= updates.min(axis=0) - 1e-3).all()
    assert (mean <= updates.max(axis=0) + 1e-3).all()


@settings(max_examples=50, deadline=None)
@given(steps=st.lists(arrays.arrays(np.float32, (3,), elements=_values), min_size=1, max_size=5))
def test_optimizer_without_momentum_adds_the_updates(
    steps: list["np.ndarray[tuple[int], np.dtype[np.float32]]"],
) -> None:
    optimizer, parameters = ServerOptimizer(momentum=0.0), {"w": np.zeros(3, dtype=np.float32)}
    for step in steps:
        parameters, optimizer = optimizer.step(parameters, {"w": step})
    np.testing.assert_allclose(parameters["w"], np.sum(steps, axis=0), rtol=1e-4, atol=1e-2)
