"""Adding up one round: weighted mean of updates, sums of everything else, one reply at a time."""

import dataclasses
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

Parameters = dict[str, npt.NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class SiteReply:
    """One survivor's checked reply."""

    update: Mapping[str, npt.NDArray[np.float32]]
    normality: npt.NDArray[np.float64]
    loss: float
    num_examples: int


@dataclasses.dataclass(frozen=True)
class RoundSums:
    """What has been added so far; adding replies in another order changes only the last bits."""

    update: dict[str, npt.NDArray[np.float64]]
    normality: npt.NDArray[np.float64]
    loss: float = 0.0
    num_examples: int = 0
    num_survivors: int = 0

    @classmethod
    def empty(cls, parameters: Mapping[str, npt.NDArray[np.float32]], normality_size: int) -> Self:
        """Sums of no reply."""
        return cls({name: np.zeros(array.shape) for name, array in parameters.items()}, np.zeros(normality_size))

    def add(self, reply: SiteReply) -> "RoundSums":
        """The sums with one more survivor, weighted by its examples."""
        weight = reply.num_examples
        return RoundSums(
            {name: total + weight * reply.update[name].astype(np.float64) for name, total in self.update.items()},
            self.normality + reply.normality,
            self.loss + weight * reply.loss,
            self.num_examples + weight,
            self.num_survivors + 1,
        )

    def mean_update(self) -> Parameters:
        """The weighted mean update.

        Raises:
            RuntimeError: No reply with an example was added.
        """
        if not self.num_examples:
            raise RuntimeError("no reply was added to this round")
        return {name: (total / self.num_examples).astype(np.float32) for name, total in self.update.items()}

    def mean_loss(self) -> float:
        """The survivors' mean loss, weighted by examples."""
        return self.loss / self.num_examples


class OrderedSums:
    """Adds replies in the order of their sites, whenever they come, so that nobody's haste changes a bit of the sum.

    Kept are those alone that came before their turn: memory grows with how far sites overtake one another, at worst
    with the cohort when the first is silent. Masked vectors are whole numbers, which add up alike in any order: of
    those none is kept.

    Args:
        sites: All that were asked, in the order to add them.
        empty: Sums of no reply.
    """

    def __init__(self, sites: Sequence[int], empty: RoundSums) -> None:
        self._turns, self._sums = deque(sites), empty
        self._early: dict[int, SiteReply | None] = {}

    def add(self, site: int, reply: SiteReply | None) -> None:
        """Takes a site's reply; None if there will be none that counts."""
        self._early[site] = reply
        while self._turns and self._turns[0] in self._early:
            self._take(self._early.pop(self._turns.popleft()))

    def finish(self) -> RoundSums:
        """The sums of all that have come."""
        for site in self._turns:
            self._take(self._early.pop(site, None))
        self._turns.clear()
        return self._sums

    def _take(self, reply: SiteReply | None) -> None:
        if reply is not None:
            self._sums = self._sums.add(reply)
