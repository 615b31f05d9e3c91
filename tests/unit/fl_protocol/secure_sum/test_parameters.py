"""Degrees and thresholds, against exact and against library tails."""

import math
from fractions import Fraction

import pytest
from scipy.stats import hypergeom

from fl_protocol.errors import SumParameterError
from fl_protocol.secure_sum.parameters import (
    LARGEST_COMPLETE,
    LIVENESS_BITS,
    PRIVACY_BITS,
    SumParameters,
    _can_part,
    _quantile,
    _ways_down,
    choose_parameters,
)


def _tail(population: int, marked: int, draws: int, beyond: int) -> Fraction:
    """The probability of more than ``beyond`` marked ones among the draws, term by term."""
    ways = Fraction(math.comb(population, draws))
    found = range(max(beyond + 1, draws - (population - marked)), min(marked, draws) + 1)
    return sum((math.comb(marked, x) * math.comb(population - marked, draws - x) / ways for x in found), Fraction(0))


@pytest.mark.parametrize(
    ("num_sites", "dropout_percent", "degree", "share_threshold"),
    [
        (3, 10, 2, 2),
        (4, 10, 3, 3),
        (5, 10, 4, 3),
        (8, 10, 7, 5),
        (20, 10, 19, 13),
        (64, 10, 63, 43),
        (500, 5, 111, 92),
        (500, 10, 168, 132),
        (1000, 5, 132, 109),
        (1000, 10, 217, 170),
    ],
)
def test_table_of_parameters(num_sites: int, dropout_percent: int, degree: int, share_threshold: int) -> None:
    parameters = choose_parameters(num_sites, num_sites, dropout_percent)
    assert (parameters.degree, parameters.share_threshold) == (degree, share_threshold)
    assert parameters.fewest_survivors == share_threshold + 1
    assert parameters.is_complete == (num_sites <= LARGEST_COMPLETE)


@pytest.mark.parametrize("num_sites", range(3, LARGEST_COMPLETE + 1))
def test_nobody_gathers_both_secrets_of_few_sites(num_sites: int) -> None:
    parameters = choose_parameters(num_sites, num_sites, 10)
    corrupt = num_sites // 3
    assert parameters.max_corrupt_neighbours == corrupt
    honest_for_one = parameters.share_threshold - corrupt
    assert 2 * honest_for_one > parameters.degree - corrupt
    assert 2 * (honest_for_one - 1) <= parameters.degree - corrupt  # and no threshold smaller than that would do


@pytest.mark.parametrize("num_sites", [500, 1000])
@pytest.mark.parametrize("dropout_percent", [5, 10])
def test_bounds_of_many_sites_hold_by_the_librarys_tails(num_sites: int, dropout_percent: int) -> None:
    parameters = choose_parameters(num_sites, num_sites, dropout_percent)
    degree, corrupt = parameters.degree, parameters.max_corrupt_neighbours
    corrupt_tail = hypergeom(num_sites - 1, num_sites // 3, degree)
    assert num_sites * corrupt_tail.sf(corrupt) <= 2.0**-PRIVACY_BITS < num_sites * corrupt_tail.sf(corrupt - 1)
    assert 2 * parameters.share_threshold > degree + corrupt
    dropout_tail = hypergeom(num_sites - 1, num_sites * dropout_percent // 100, degree)
    assert num_sites * dropout_tail.sf(degree - parameters.share_threshold) <= 2.0**-LIVENESS_BITS


@pytest.mark.parametrize(
    ("population", "marked", "draws"), [(10, 3, 4), (10, 8, 5), (30, 10, 12), (99, 33, 40), (7, 0, 3), (5, 5, 3)]
)
@pytest.mark.parametrize("odds", [2, 100, 2**20, 2**40])
def test_quantile_is_the_least_that_is_exceeded_so_seldom(population: int, marked: int, draws: int, odds: int) -> None:
    most = _quantile(population, marked, draws, odds)
    assert _tail(population, marked, draws, most) <= Fraction(1, odds)
    assert most == 0 or _tail(population, marked, draws, most - 1) > Fraction(1, odds)


@pytest.mark.parametrize(
    ("population", "marked", "draws"), [(10, 3, 4), (10, 8, 5), (7, 0, 3), (5, 5, 3), (30, 12, 20)]
)
def test_ways_are_products_of_binomials_and_add_up_to_all_draws(population: int, marked: int, draws: int) -> None:
    found = range(min(marked, draws), max(0, draws - (population - marked)) - 1, -1)
    wanted = [math.comb(marked, x) * math.comb(population - marked, draws - x) for x in found]
    assert list(_ways_down(population, marked, draws)) == wanted
    assert sum(wanted) == math.comb(population, draws)


@pytest.mark.parametrize(("num_sites", "num_missing"), [(40, 12), (40, 20), (400, 150)])
@pytest.mark.parametrize("degree", [4, 9, 30, 60])
def test_circle_parts_by_the_chance_that_two_gaps_are_missing_whole(
    num_sites: int, num_missing: int, degree: int
) -> None:
    chance = Fraction(num_sites * (num_sites - 1), 2)
    for place in range(2 * (degree // 2)):
        chance *= Fraction(max(0, num_missing - place), max(1, num_sites - place))
    assert _can_part(num_sites, num_missing, degree) == (chance > Fraction(1, 2**PRIVACY_BITS))


def test_drawn_sites_hold_more_corrupt_ones_than_a_roster_of_their_number() -> None:
    drawn = choose_parameters(60, 300, 10)
    assert _tail(300, 100, 60, drawn.max_corrupt_neighbours) <= Fraction(1, 2**PRIVACY_BITS)
    assert drawn.max_corrupt_neighbours > 20
    assert 2 * drawn.share_threshold > drawn.degree + drawn.max_corrupt_neighbours


def test_odd_number_of_sites_has_an_even_degree() -> None:
    assert choose_parameters(101, 101, 5).degree % 2 == 0


@pytest.mark.parametrize(("num_sites", "num_rostered"), [(2, 2), (0, 0), (5, 4), (3, 5001), (5001, 5001)])
def test_numbers_out_of_bounds_are_refused(num_sites: int, num_rostered: int) -> None:
    with pytest.raises(SumParameterError, match=f"at least as long, got {num_sites} of {num_rostered}"):
        choose_parameters(num_sites, num_rostered, 10)


@pytest.mark.parametrize("dropout_percent", [-1, 31])
def test_drop_outs_out_of_bounds_are_refused(dropout_percent: int) -> None:
    with pytest.raises(SumParameterError, match=f"expected 0 to 30 % drop-outs, got {dropout_percent} %"):
        choose_parameters(20, 20, dropout_percent)


def test_draw_that_may_be_corrupt_as_a_whole_is_refused() -> None:
    with pytest.raises(SumParameterError, match="10 of 10 sites may be corrupt: draw more of the roster's"):
        choose_parameters(10, 1000, 10)


def test_drop_outs_that_no_degree_stands_are_refused() -> None:
    with pytest.raises(SumParameterError, match="no degree stands 60 drop-outs of 200 sites"):
        choose_parameters(200, 600, 30)


def test_bounds_of_a_round_of_three_leave_two_honest_sites_in_the_sum() -> None:
    assert choose_parameters(3, 3, 10) == SumParameters(3, 2, 2, 1)
