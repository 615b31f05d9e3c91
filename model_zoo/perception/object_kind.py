"""What kind of thing an object is, in the few kinds that rules speak of."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Votes = npt.NDArray[np.float64]  # (N, len(KINDS))
Kinds = npt.NDArray[np.int64]  # (N,) index into KINDS

KINDS = ("person", "bicycle", "vehicle", "other")
PERSON, BICYCLE, VEHICLE, OTHER = range(len(KINDS))

_VEHICLE_WIDTH = 1.7
_BICYCLE_WIDTH = 0.8
_LEAST_HEIGHT = 0.5


def kind_by_shape(height: npt.NDArray[np.floating], width: npt.NDArray[np.floating]) -> Kinds:
    """A guess where no detector says better: by size alone, in the height that a person would have there.

    What is wider than a person is long is a vehicle, what is wider than a walker a bicycle with its rider, and what is
    lower than half a person none of these.

    Args:
        height: As multiples of the expected height at the object's foot. ``(N,)``.
        width: In the same unit. ``(N,)``.
    """
    kind = np.full(len(height), PERSON, np.int64)
    kind[width >= _BICYCLE_WIDTH] = BICYCLE
    kind[height < _LEAST_HEIGHT] = OTHER
    kind[width >= _VEHICLE_WIDTH] = VEHICLE
    return kind


def winner(votes: npt.NDArray[np.float64]) -> int:
    """The kind with the most of ``(len(KINDS),)`` votes; OTHER where there are none."""
    return int(np.argmax(votes)) if votes.any() else OTHER


class KindVotes:
    """What the detections of each track said it is, the confident ones louder."""

    def __init__(self) -> None:
        self._votes: dict[int, npt.NDArray[np.float64]] = {}

    def reset(self) -> None:
        """Forgets all tracks."""
        self._votes.clear()

    def update(
        self, track_ids: Sequence[int], alive: set[int], kind: Kinds, confidence: npt.NDArray[np.float32]
    ) -> Votes:
        """Takes one vote for each track.

        Args:
            track_ids: N of them.
            alive: Identities worth remembering.
            kind: ``(N,)``.
            confidence: Weight of the vote; 0 where nothing new was seen. ``(N,)``.

        Returns:
            The votes of each track so far. ``(N, len(KINDS))``.
        """
        self._votes = {track_id: votes for track_id, votes in self._votes.items() if track_id in alive}
        result = np.zeros((len(track_ids), len(KINDS)))
        for row, track_id in enumerate(track_ids):
            votes = self._votes.setdefault(track_id, np.zeros(len(KINDS)))
            votes[kind[row]] += confidence[row]
            result[row] = votes
        return result
