"""The circle of neighbours."""

import hashlib

import numpy as np
import pytest

from fl_protocol.secure_sum.graph import MAX_EPOCH, Graph, draw_graph
from fl_protocol.secure_sum.group import sum_group
from fl_protocol.secure_sum.parameters import SumParameters, choose_parameters

_BEACON = b"b" * 32


def test_order_is_the_one_the_beacon_and_epoch_hash_to() -> None:
    """Slow and literal: 16 bytes of the stream for each site, sorted as big-endian numbers."""
    label = b"edgeguard secure sum graph v1" + (32).to_bytes(2) + _BEACON + (7).to_bytes(8)
    stream = hashlib.shake_256(label).digest(16 * 12)
    ranks = [int.from_bytes(stream[16 * site : 16 * site + 16]) for site in range(12)]
    parameters = SumParameters(10, 4, 4, 1)
    assert draw_graph(_BEACON, 7, 12, parameters).circle.tolist() == sorted(range(12), key=ranks.__getitem__)[:10]


@pytest.mark.parametrize(("degree", "offsets"), [(2, {1, -1}), (4, {1, -1, 2, -2}), (5, {1, -1, 2, -2, 5})])
def test_neighbours_are_the_nearest_on_the_circle_and_the_one_opposite(degree: int, offsets: set[int]) -> None:
    circle = np.array([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    graph = Graph(circle, SumParameters(10, degree, 2, 0))
    for place, site in enumerate(circle.tolist()):
        assert graph.neighbours(site) == tuple(sorted(circle[(place + offset) % 10].item() for offset in offsets))


def test_few_sites_are_all_neighbours() -> None:
    graph = draw_graph(_BEACON, 1, 5, choose_parameters(5, 5, 10))
    assert all(graph.neighbours(site) == tuple(other for other in range(5) if other != site) for site in range(5))


@pytest.mark.parametrize("num_sites", [65, 101, 200])
def test_neighbours_are_mutual_and_as_many_as_the_degree(num_sites: int) -> None:
    graph = draw_graph(_BEACON, 5, num_sites, choose_parameters(num_sites, num_sites, 5))
    neighbours = {site: graph.neighbours(site) for site in range(num_sites)}
    for site, others in neighbours.items():
        assert len(set(others)) == graph.parameters.degree
        assert site not in others
        assert all(site in neighbours[other] for other in others)


def test_another_epoch_or_beacon_is_another_order() -> None:
    parameters = choose_parameters(64, 64, 10)
    drawn = [draw_graph(beacon, epoch, 64, parameters) for beacon, epoch in ((b"b", 1), (b"b", 2), (b"c", 1))]
    assert len({tuple(graph.circle.tolist()) for graph in drawn}) == 3


def test_every_site_is_drawn_as_often_as_another() -> None:
    parameters = choose_parameters(8, 10, 10)
    drawn = np.concatenate([draw_graph(_BEACON, epoch, 10, parameters).circle for epoch in range(1, 501)])
    counts = np.bincount(drawn, minlength=10)
    assert np.abs(counts - 400).max() < 5 * np.sqrt(500 * 0.8 * 0.2)


@pytest.mark.parametrize("degree", [4, 5, 9])
def test_table_of_neighbours_says_what_the_lists_say(degree: int) -> None:
    graph = Graph(np.array([3, 1, 4, 0, 5, 19, 2, 6, 8, 7]), SumParameters(10, degree, 2, 0))
    sites, others = np.array([7, 3, 19]), np.array([8, 19, 0, 3])
    wanted = [[other in graph.neighbours(site) for other in others.tolist()] for site in sites.tolist()]
    assert graph.are_neighbours(sites, others).tolist() == wanted


def test_site_that_was_not_drawn_has_no_neighbours() -> None:
    group = sum_group(
        b"r" * 32, _BEACON, tuple(bytes([site]) * 32 for site in range(12)), dropout_percent=10, num_drawn=11
    )
    graph = group.graph(1)
    (left_out,) = set(range(12)) - set(graph.circle.tolist())
    with pytest.raises(ValueError, match=f"site {left_out} does not take part in this epoch"):
        graph.neighbours(left_out)
    for stranger in (left_out, 12, 4999):
        with pytest.raises(ValueError, match=f"site {stranger} does not take part in this epoch"):
            graph.are_neighbours(graph.circle, np.array([stranger]))


@pytest.mark.parametrize("epoch", [-1, 0, MAX_EPOCH + 1])
def test_epoch_out_of_bounds_is_refused(epoch: int) -> None:
    with pytest.raises(ValueError, match=f"expected an epoch from 1 to {MAX_EPOCH}, got {epoch}"):
        draw_graph(_BEACON, epoch, 5, choose_parameters(5, 5, 10))
