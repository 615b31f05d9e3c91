"""What survivors are told before they reveal shares: the same to all of them, or nothing opens.

Rules:

1. A site's answer holds its share of every secret it is asked for, weighted so that the answers of all responders add
   up to the secrets, in one row for every site of the cohort.
2. The answer is masked with every neighbour among the responders, by a key of their channel and of all that this site
   was told: round, cohort, survivors, responders. Two honest neighbours that were told different things leave masks
   that do not cancel. So nobody learns more than the sum, and that only if all agree.
3. Rows are added as numbers of 32 bits, in which the largest sum has room; masks are uniform in them.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fl_protocol.secure_sum.binding import RoundBinding, digest_of
from fl_protocol.secure_sum.channel import SharePair
from fl_protocol.secure_sum.graph import Graph, Indices
from fl_protocol.secure_sum.masking import MaskAdder, derive_key
from fl_protocol.secure_sum.messages import Positions, ShareRows
from fl_protocol.secure_sum.shamir import NUM_SYMBOLS, PRIME, holder_weights


@dataclasses.dataclass(frozen=True)
class Agreement:
    """What one site was told of a round. Lists hold roster positions, ascending."""

    binding: RoundBinding
    cohort: Positions
    """Sites whose keys were exchanged: all that anybody masked with."""
    survivors: Positions
    """Those of the cohort whose vectors are in the sum."""
    responders: Positions
    """Those of the survivors whose shares open it."""

    @functools.cached_property
    def digest(self) -> bytes:
        """SHA-256 of all of it."""
        lists = (self.cohort, self.survivors, self.responders)
        return digest_of(self.binding.encoded, *(np.array(part, dtype="<u4").tobytes() for part in lists))

    def is_narrower(self, other: "Agreement") -> bool:
        """Whether this is ``other`` with fewer responders."""
        same = dataclasses.replace(other, responders=self.responders)
        return self == same and set(self.responders) < set(other.responders)


def blinded_shares(
    agreement: Agreement,
    graph: Graph,
    site: int,
    held: Mapping[int, SharePair],
    channel_keys: Mapping[int, bytes],
) -> ShareRows:
    """A responder's answer.

    Args:
        agreement: What it was told.
        graph: Of the epoch.
        site: Who answers, one of the responders.
        held: The shares it holds, of all its neighbours in the cohort.
        channel_keys: Of all its neighbours among the responders.

    Returns:
        A row for every site of the cohort. ``(len(cohort), NUM_SYMBOLS)``.
    """
    owners, responders = _indices(tuple(sorted(held))), _indices(agreement.responders)
    survivors = set(agreement.survivors)
    shares = [held[owner].seed_share if owner in survivors else held[owner].key_share for owner in owners.tolist()]
    weights = holder_weights(site + 1, responders + 1, graph.are_neighbours(owners, responders))
    rows = np.zeros((len(agreement.cohort), NUM_SYMBOLS), dtype=np.uint32)
    weighted = np.array(shares, dtype=np.int64) * weights[:, None] % PRIME
    rows[np.searchsorted(_indices(agreement.cohort), owners)] = weighted
    adder = MaskAdder()
    for other in sorted(channel_keys.keys() & set(agreement.responders)):
        adder.add([rows.reshape(-1)], blinding_key(channel_keys[other], agreement), 1 if site < other else -1)
    return rows


def blinding_key(channel_key: bytes, agreement: Agreement) -> bytes:
    """The key of the mask that two neighbours share who were told the same."""
    return derive_key(channel_key, b"edgeguard secure sum agreement v1" + agreement.digest)


def added_shares(total: ShareRows) -> npt.NDArray[np.int64]:
    """The symbols of all secrets, from the sum of all answers modulo 2^32. ``(len(cohort), NUM_SYMBOLS)``."""
    return total.astype(np.int64) % PRIME


def num_holders(graph: Graph, owners: Positions, responders: Positions) -> npt.NDArray[np.int64]:
    """How many responders hold a share of each owner's secrets. ``(len(owners),)``."""
    return np.asarray(graph.are_neighbours(_indices(owners), _indices(responders)).sum(axis=1))


def _indices(positions: Positions) -> Indices:
    return np.array(positions, dtype=np.int64)
