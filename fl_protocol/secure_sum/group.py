"""The sites that may sum together: a roster, and what follows from it."""

import dataclasses

from fl_protocol.secure_sum.graph import Graph, draw_graph
from fl_protocol.secure_sum.parameters import SumParameters, choose_parameters


@dataclasses.dataclass(frozen=True)
class SumGroup:
    """What coordinator and sites know alike before a run.

    A site builds it from the roster that its operator signed, never from what the coordinator says.
    """

    roster_digest: bytes
    beacon: bytes
    identities: tuple[bytes, ...]
    """Identity keys in the order of the roster, raw Ed25519."""
    parameters: SumParameters

    def graph(self, epoch: int) -> Graph:
        """Who masks with whom in an epoch."""
        return draw_graph(self.beacon, epoch, len(self.identities), self.parameters)


def sum_group(
    roster_digest: bytes,
    beacon: bytes,
    identities: tuple[bytes, ...],
    *,
    dropout_percent: int,
    num_drawn: int | None = None,
) -> SumGroup:
    """The group of a roster.

    Args:
        roster_digest: SHA-256 of the roster.
        beacon: Of the roster.
        identities: In the order of the roster.
        dropout_percent: Drop-outs that a round stands beyond ``LARGEST_COMPLETE`` sites.
        num_drawn: Sites that the beacon draws for each epoch; left out: the whole roster.

    Raises:
        SumParameterError: No secure round is possible with so many sites.
    """
    num_rostered = len(identities)
    num_sites = num_rostered if num_drawn is None else min(num_drawn, num_rostered)
    return SumGroup(roster_digest, beacon, identities, choose_parameters(num_sites, num_rostered, dropout_percent))
