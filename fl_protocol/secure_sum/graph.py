"""Who masks with whom: a graph that nobody chooses.

The beacon of the signed roster and the epoch put all sites on a circle in an order as good as random; neighbours are
the nearest on either side (and the one opposite, for an odd degree). Every site computes this for itself. The
coordinator can choose neither beacon nor order; it may only spend epochs, and a site accepts few (``MAX_EPOCH``).

Source:
    Bell, Bonawitz, Gascón, Lepoint and Raykova, CCS 2020, section 3. https://eprint.iacr.org/2020/704
"""

import dataclasses
import hashlib

import numpy as np
import numpy.typing as npt

from fl_protocol.secure_sum.parameters import SumParameters

MAX_EPOCH = 2**20
"""Epochs one beacon serves: a coordinator that burns epochs to look for a bad graph tries at most this many."""

Indices = npt.NDArray[np.int64]  # positions on the roster


@dataclasses.dataclass(frozen=True)
class Graph:
    """The circle of one epoch."""

    circle: Indices
    """Roster positions of the round's sites in the order of the circle. ``(num_sites,)``."""
    parameters: SumParameters

    def neighbours(self, site: int) -> tuple[int, ...]:
        """Roster positions of a site's neighbours, ascending.

        Raises:
            ValueError: The site was not drawn for this epoch.
        """
        are_near = self.are_neighbours(np.array([site]), self.circle)[0]
        return tuple(sorted(self.circle[are_near].tolist()))

    def are_neighbours(self, sites: Indices, others: Indices) -> npt.NDArray[np.bool_]:
        """Who of ``sites`` is a neighbour of whom of ``others``. ``(len(sites), len(others))``.

        Raises:
            ValueError: A site was not drawn for this epoch.
        """
        degree, num_sites = self.parameters.degree, self.parameters.num_sites
        apart = (self._places(sites)[:, None] - self._places(others)[None, :]) % num_sites
        if self.parameters.is_complete:
            return np.asarray(apart != 0)
        steps = np.minimum(apart, num_sites - apart)
        are_near = (steps >= 1) & (steps <= degree // 2)
        return np.asarray(are_near | (steps == num_sites // 2) if degree % 2 else are_near)

    def _places(self, sites: Indices) -> Indices:
        """Where sites are on the circle."""
        order = np.argsort(self.circle)
        found = order[np.searchsorted(self.circle, sites, sorter=order) % len(order)]
        strangers = np.asarray(sites)[self.circle[found] != sites]
        if len(strangers):
            raise ValueError(f"site {strangers[0]} does not take part in this epoch")
        return found


def draw_graph(beacon: bytes, epoch: int, num_rostered: int, parameters: SumParameters) -> Graph:
    """The circle of an epoch: the first ``parameters.num_sites`` of the roster in the order the beacon gives.

    Raises:
        ValueError: The epoch is out of its bounds.
    """
    if not 1 <= epoch <= MAX_EPOCH:
        raise ValueError(f"expected an epoch from 1 to {MAX_EPOCH}, got {epoch}")
    label = b"edgeguard secure sum graph v1" + len(beacon).to_bytes(2) + beacon + epoch.to_bytes(8)
    ranks = np.frombuffer(hashlib.shake_256(label).digest(16 * num_rostered), dtype=">u8").reshape(-1, 2)
    order = np.lexsort((np.arange(num_rostered), ranks[:, 1], ranks[:, 0]))
    return Graph(order[: parameters.num_sites].astype(np.int64), parameters)
