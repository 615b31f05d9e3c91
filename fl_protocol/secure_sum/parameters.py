"""How many neighbours a site masks with, and how many of them it takes to open a secret.

Rules:

1. A site's two secrets of a round (round key, self-mask seed) are shared among its ``degree`` neighbours; any
   ``share_threshold`` of them open one, fewer learn nothing (Bonawitz et al., CCS 2017).
2. ``2 * share_threshold > degree + max_corrupt_neighbours``: honest neighbours reveal a share of one secret only, so
   even with all shares of the corrupt ones nobody gathers enough for both.
3. Up to ``LARGEST_COMPLETE`` sites everybody is everybody's neighbour, and the number of corrupt neighbours is bounded
   by the number of corrupt sites on the roster. Beyond, neighbours are a random draw (Bell et al., CCS 2020), and the
   bounds hold but for 2^-40 (privacy) and 2^-20 (liveness) over all sites of a round, by exact hypergeometric tails.
   Honest survivors stay connected, but for 2^-40: to part a circle, half a degree of consecutive sites must be missing
   in two places.
4. The sites of a round are the whole roster or a draw from it by the beacon. Sites that did not come count as
   drop-outs, never as a smaller roster: a coordinator that turns honest sites away makes the corrupt share no larger.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator

from fl_protocol.errors import SumParameterError

LARGEST_COMPLETE = 64
"""More sites than that share with a random part of the others; so few share with all, which needs no tail bounds."""

CORRUPT_FRACTION_DENOMINATOR = 3
"""One site in three of the roster may work with the coordinator."""

PRIVACY_BITS, LIVENESS_BITS = 40, 20
"""A bound fails with at most this probability, as negative powers of two, over all sites of a round."""

SMALLEST_ROUND = 3
"""With fewer sites, the sum less one's own vector is another's vector."""

MAX_DROPOUT_PERCENT = 30
"""More, and honest survivors would be fewer than the corrupt third."""

LARGEST_ROUND = 5000
"""More sites than a roster holds; keeps the search for a degree short."""


@dataclasses.dataclass(frozen=True)
class SumParameters:
    """What coordinator and sites compute alike from the number of sites."""

    num_sites: int
    degree: int
    """Neighbours of a site."""
    share_threshold: int
    """Neighbours whose shares open a secret; also the fewest survivors among them that a site accepts."""
    max_corrupt_neighbours: int

    @property
    def is_complete(self) -> bool:
        """Whether everybody is everybody's neighbour."""
        return self.degree == self.num_sites - 1

    @property
    def fewest_survivors(self) -> int:
        """Sites that must deliver: a survivor and as many neighbours as open its seed."""
        return self.share_threshold + 1


@functools.lru_cache(maxsize=64)
def choose_parameters(num_sites: int, num_rostered: int, dropout_percent: int) -> SumParameters:
    """The smallest degree that keeps both bounds, with the smallest threshold that goes with it.

    Args:
        num_sites: Sites that may take part in a round: the roster, or a draw from it.
        num_rostered: Sites on the roster.
        dropout_percent: Drop-outs tolerated, of ``num_sites``, rounded up; used beyond ``LARGEST_COMPLETE`` sites.

    Raises:
        SumParameterError: The numbers are out of bounds, or no degree keeps both bounds.
    """
    if not SMALLEST_ROUND <= num_sites <= num_rostered <= LARGEST_ROUND:
        raise SumParameterError(
            f"a secure round: expected {SMALLEST_ROUND} to {LARGEST_ROUND} sites of a roster at least as long, "
            f"got {num_sites} of {num_rostered}"
        )
    if not 0 <= dropout_percent <= MAX_DROPOUT_PERCENT:
        raise SumParameterError(
            f"a secure round: expected 0 to {MAX_DROPOUT_PERCENT} % drop-outs, got {dropout_percent} %"
        )
    num_corrupt = _corrupt_sites(num_sites, num_rostered)
    if num_sites <= LARGEST_COMPLETE:
        degree = num_sites - 1
        corrupt = min(num_corrupt, degree)
        threshold = _smallest_threshold(degree, corrupt)
        if threshold > degree:
            raise SumParameterError(
                f"a secure round: {num_corrupt} of {num_sites} sites may be corrupt: draw more of the roster's"
            )
        return SumParameters(num_sites, degree, threshold, corrupt)
    return _sparse(num_sites, num_corrupt, tolerated_dropouts(num_sites, dropout_percent))


def tolerated_dropouts(num_sites: int, dropout_percent: int) -> int:
    """Sites that may be missing of so many where neighbours are random, rounded up."""
    return -(-num_sites * dropout_percent // 100)


def _corrupt_sites(num_sites: int, num_rostered: int) -> int:
    """Most corrupt sites among those of a round: all of the roster's, or what a draw leaves but for 2^-40."""
    rostered = num_rostered // CORRUPT_FRACTION_DENOMINATOR
    if num_sites == num_rostered:
        return rostered
    return _quantile(num_rostered, rostered, num_sites, 2**PRIVACY_BITS)


def _sparse(num_sites: int, num_corrupt: int, num_dropouts: int) -> SumParameters:
    for degree in range(SMALLEST_ROUND - 1, num_sites):
        if num_sites * degree % 2:
            continue  # no graph has an odd number of ends of edges
        corrupt = _quantile(num_sites - 1, num_corrupt, degree, num_sites << PRIVACY_BITS)
        threshold = _smallest_threshold(degree, corrupt)
        spare = degree - threshold
        if spare < 0 or _can_part(num_sites, num_corrupt + num_dropouts, degree):
            continue
        if _quantile(num_sites - 1, num_dropouts, degree, num_sites << LIVENESS_BITS) <= spare:
            return SumParameters(num_sites, degree, threshold, corrupt)
    raise SumParameterError(f"a secure round: no degree stands {num_dropouts} drop-outs of {num_sites} sites")


def _smallest_threshold(degree: int, max_corrupt: int) -> int:
    """The smallest threshold that keeps rule 2."""
    return (degree + max_corrupt) // 2 + 1


def _can_part(num_sites: int, num_missing: int, degree: int) -> bool:
    """Whether so many sites, missing at random, part the circle more often than once in 2^40 times."""
    gaps = 2 * (degree // 2)
    pairs_of_gaps = num_sites * (num_sites - 1) // 2
    return pairs_of_gaps * math.perm(num_missing, gaps) << PRIVACY_BITS > math.perm(num_sites, gaps)


def _quantile(population: int, marked: int, draws: int, odds: int) -> int:
    """The least ``x`` that the marked ones among ``draws`` exceed once in ``odds`` times at most; exact."""
    allowed = math.comb(population, draws) // odds
    tails = enumerate(itertools.accumulate(_ways_down(population, marked, draws)))
    return min(marked, draws) - next(place for place, tail in tails if tail > allowed)


def _ways_down(population: int, marked: int, draws: int) -> Iterator[int]:
    """Number of draws with ``x`` marked ones, for ``x`` from the most possible downwards."""
    others = population - marked
    found = min(marked, draws)
    ways = math.comb(marked, found) * math.comb(others, draws - found)
    while found >= max(0, draws - others):
        yield ways
        ways = ways * found * (others - draws + found) // ((marked - found + 1) * (draws - found + 1))
        found -= 1
