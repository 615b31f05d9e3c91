"""Objects, tubelets and batches of them: what perception hands to models.

Letters in shapes: N tubelets, T steps of a tubelet, S crop side, M motion features, C context values.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from model_zoo.perception.object_kind import winner

Crop = npt.NDArray[np.uint8]  # (S, S) grey
Box = npt.NDArray[np.float32]  # (4,) xyxy, fractions of the frame
MotionStep = npt.NDArray[np.float32]  # (M,)

NUM_STEPS = 16
"""Of every tubelet: as many as any network looks at, so that what was seen once serves all."""
CROP_SIDE = 64
ANALYSIS_FPS = 10.0
"""Frames a second that perception is made for; 16 steps are 1.6 s."""

MOTION_FEATURES = ("velocity_x", "velocity_y", "speed", "articulation", "height", "width", "dwell")
"""One step of motion: velocity (x right, y down), speed and how much the lower half moves against the rest, in expected
heights a second; height and width as multiples of the expected height at the object's foot; ln(1 + seconds stayed
within one expected height)."""
NUM_MOTION = len(MOTION_FEATURES)


@dataclasses.dataclass(frozen=True)
class ObservedObject:
    """One tracked object in one frame."""

    track_id: int
    box: Box
    crop: Crop
    motion: MotionStep
    age: int
    """Observations of this track since it was last lost from sight, this one included: at least 1."""
    kind_votes: npt.NDArray[np.float64]  # (len(KINDS),)
    """What the detections of this track said it is, added up by confidence."""

    @property
    def kind(self) -> int:
        """Index into ``object_kind.KINDS``: what most votes say."""
        return winner(self.kind_votes)


@dataclasses.dataclass(frozen=True)
class Tubelets:
    """A batch of tubelets with the context each was seen in; arrays of equal first length.

    ``zone_slot`` counts the camera's zones from 1, 0 being outside all; ``zone_kind`` indexes the vocabulary of
    kinds; ``state`` the operational state. ``label``: 0 assumed normal, 1 confirmed anomaly, 2 false alarm.
    """

    crops: npt.NDArray[np.uint8]  # (N, T, S, S)
    boxes: npt.NDArray[np.float32]  # (N, T, 4)
    motion: npt.NDArray[np.float32]  # (N, T, M)
    context: npt.NDArray[np.float32]  # (N, C)
    zone_slot: npt.NDArray[np.int64]  # (N,)
    zone_kind: npt.NDArray[np.int64]  # (N,)
    state: npt.NDArray[np.int64]  # (N,)
    label: npt.NDArray[np.int64]  # (N,)
    instant_s: npt.NDArray[np.float64]  # (N,) seconds since 1970 UTC

    def __len__(self) -> int:
        return len(self.crops)

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Tubelets":
        """The tubelets at ``rows`` (indices or mask), in that order."""
        return Tubelets(**{name: values[rows] for name, values in self.arrays().items()})

    def last_steps(self, num_steps: int) -> "Tubelets":
        """The same with the last ``num_steps`` steps alone.

        Raises:
            ValueError: There are fewer.
        """
        if self.crops.shape[1] < num_steps:
            raise ValueError(f"expected tubelets of at least {num_steps} steps, got {self.crops.shape[1]}")
        shorter = {name: self.arrays()[name][:, -num_steps:] for name in ("crops", "boxes", "motion")}
        return dataclasses.replace(self, **shorter)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by field name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def concatenate(batches: Sequence[Tubelets]) -> Tubelets:
    """Joins batches in order.

    Raises:
        ValueError: ``batches`` is empty.
    """
    if not batches:
        raise ValueError("expected at least one batch of tubelets")
    columns = [batch.arrays() for batch in batches]
    return Tubelets(**{name: np.concatenate([column[name] for column in columns]) for name in columns[0]})
