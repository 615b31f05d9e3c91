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
        places = np.flatnonzero(self.circle == site)
        if not len(places):
            raise ValueError(f"site {site} does not take part in this epoch")
        degree, num_sites = self.parameters.degree, self.parameters.num_sites
        if self.parameters.is_complete:
            return tuple(sorted(self.circle[self.circle != site].tolist()))
        steps = np.arange(1, degree // 2 + 1)
        offsets = np.concatenate([steps, -steps, np.full(degree % 2, num_sites // 2)])
        return tuple(sorted(self.circle[(places[0] + offsets) % num_sites].tolist()))


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
