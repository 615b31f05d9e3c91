"""What the two contexts of a rule make of one take: of its objects and of its frames.

Letters in shapes: R rows (one object in one frame), A an actor in one frame.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from model_zoo.evaluation.swap_rules import LEAST_SEEN, NORMAL, ODD, UNCLEAR, Places, Rule, Verdicts
from model_zoo.evaluation.world_takes import Take

FrameLabels = npt.NDArray[np.int8]  # (frames,) NORMAL, ODD or UNCLEAR
RowMask = npt.NDArray[np.bool_]  # (R,)
CONTEXTS = (0, 1)


@dataclasses.dataclass(frozen=True)
class JudgedTake:
    """A take and what a rule says of it."""

    take: Take
    teaches: tuple[int, ...]
    """The contexts that it is footage of."""
    verdicts: Verdicts  # (2, A)
    actor_places: Places  # (2, A)
    row_places: Places  # (2, R)

    def taught_rows(self, context: int) -> RowMask:
        """Objects of a context that may show nobody who is odd or unclear there, or unusual everywhere. ``(R,)``."""
        is_kept = (self.verdicts[context] == NORMAL) & self._is_usual
        row, actor_frame = self.take.touched.T
        is_taught = self.row_places[context].copy()
        is_taught[row[~is_kept[actor_frame]]] = False
        return np.asarray(is_taught, np.bool_)

    @property
    def tested_rows(self) -> RowMask:
        """Objects that are scored in both contexts. ``(R,)``."""
        return np.asarray(self.row_places.any(axis=0), np.bool_)

    @property
    def odd_in(self) -> npt.NDArray[np.int64]:
        """The context in which an object is odd while it is normal in the other; -1 where this is not so. ``(R,)``."""
        of_actor = np.full(len(self.take.truth) + 1, -1, np.int64)  # the last stands for nobody
        is_plain = self._is_usual & (self.take.truth.seen >= LEAST_SEEN)
        for context in CONTEXTS:
            is_swapped = (self.verdicts[context] == ODD) & (self.verdicts[1 - context] == NORMAL) & is_plain
            of_actor[:-1][is_swapped] = context
        return np.where(self.tested_rows, of_actor[self.take.shown], -1)

    def frames(self, context: int) -> FrameLabels:
        """What a context makes of the frames when all that is scored in them belongs to it. ``(frames,)``.

        A frame with somebody odd in it is odd. It is unclear where it shows less than ``LEAST_SEEN`` of somebody odd,
        anybody unclear, or who is unusual everywhere.
        """
        truth, labels = self.take.truth, np.full(self.take.num_frames, NORMAL, np.int8)
        verdict = np.where(self.actor_places.any(axis=0), self.verdicts[context], NORMAL)
        is_seen = truth.seen >= LEAST_SEEN
        labels[truth.frame[(verdict == UNCLEAR) | ((verdict == ODD) & ~is_seen)]] = UNCLEAR
        labels[truth.frame[(verdict == ODD) & is_seen]] = ODD
        labels[truth.frame[~self._is_usual]] = UNCLEAR
        return labels

    @property
    def _is_usual(self) -> npt.NDArray[np.bool_]:
        return self.take.truth.each(lambda actor: actor.is_usual)


def judged(take: Take, rule: Rule) -> JudgedTake:
    """What a rule says of a take."""
    return JudgedTake(
        take,
        rule.contexts_fn(take.world, take.stride),
        rule.verdicts_fn(take.truth),
        rule.places_fn(take.truth.boxes),
        rule.places_fn(take.rows.boxes),
    )
