"""Adding up a round, against a slow literal transcription."""

import numpy as np
import pytest

from fl_server.rounds.aggregate import RoundSums, SiteReply

SHAPES = {"weight": (3, 2), "bias": (4,)}
EMPTY = RoundSums.empty({name: np.zeros(shape, dtype=np.float32) for name, shape in SHAPES.items()}, 5)


def replies(seed: int, num_sites: int = 4) -> list[SiteReply]:
    rng = np.random.default_rng(seed)
    return [
        SiteReply(
            {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()},
            rng.normal(size=5),
            float(rng.uniform()),
            int(rng.integers(1, 500)),
        )
        for _ in range(num_sites)
    ]


def added(sites: list[SiteReply]) -> RoundSums:
    sums = EMPTY
    for site in sites:
        sums = sums.add(site)
    return sums


def test_mean_update_weighs_each_site_by_its_examples() -> None:
    sites = replies(1)
    total = sum(site.num_examples for site in sites)
    mean = added(sites).mean_update()
    for name, shape in SHAPES.items():
        for place in np.ndindex(shape):
            expected = sum(site.num_examples * float(site.update[name][place]) for site in sites) / total
            assert mean[name][place] == pytest.approx(expected, rel=1e-6)
        assert mean[name].dtype == np.float32


def test_normality_is_summed_and_loss_is_weighed() -> None:
    sites = replies(2)
    sums = added(sites)
    for place in range(5):
        assert sums.normality[place] == pytest.approx(sum(float(site.normality[place]) for site in sites))
    total = sum(site.num_examples for site in sites)
    assert sums.mean_loss() == pytest.approx(sum(site.loss * site.num_examples for site in sites) / total)
    assert (sums.num_survivors, sums.num_examples) == (4, total)


def test_adding_changes_neither_the_sums_before_nor_the_reply() -> None:
    (site,) = replies(3, 1)
    before = site.update["bias"].copy()
    once = EMPTY.add(site)
    once.add(site)
    assert once.num_survivors == 1
    np.testing.assert_array_equal(once.update["bias"], site.num_examples * before.astype(np.float64))
    np.testing.assert_array_equal(site.update["bias"], before)
    assert not EMPTY.update["bias"].any()


def test_round_without_replies_has_no_mean() -> None:
    with pytest.raises(RuntimeError, match=r"^no reply was added to this round$"):
        EMPTY.mean_update()
