"""How people are held, asked of a pose model only where the box leaves it open, and never of many at once."""

import dataclasses
from collections.abc import Sequence

from context.track import Posture
from model_zoo.perception.background import Frame
from model_zoo.perception.pose import PoseModel
from model_zoo.perception.posture import stance_of
from model_zoo.perception.tubelet import Box

MOST_A_FRAME = 2
"""People looked at in one frame; those looked at longest ago come first."""

ASK_EVERY_S = 0.35
KEPT_S = 0.75
"""Seconds after which an answer is forgotten."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """Somebody whose posture the box leaves open."""

    track_id: int
    box: Box


@dataclasses.dataclass(frozen=True)
class _Answer:
    instant_s: float
    posture: Posture | None


class PostureWatch:
    """Asks a pose model about the people of one camera.

    Args:
        model: The pose model.
    """

    def __init__(self, model: PoseModel) -> None:
        self._model = model
        self._answers: dict[int, _Answer] = {}

    def look(self, frame: Frame, asked: Sequence[Asked], instant_s: float) -> dict[int, Posture]:
        """Takes the next frame.

        Args:
            frame: ``(H, W, 3)`` BGR or ``(H, W)`` grey, uint8.
            asked: Whose posture is in question.
            instant_s: Of the frame; a step back forgets all answers.

        Returns:
            The postures that are known, by track.
        """
        self._answers = {
            track_id: answer
            for track_id, answer in self._answers.items()
            if 0.0 <= instant_s - answer.instant_s <= KEPT_S
        }
        due = sorted((one for one in asked if self._age_s(one, instant_s) >= ASK_EVERY_S), key=self._answered_s)
        for one in due[:MOST_A_FRAME]:
            stance = stance_of(self._model.keypoints(frame, one.box))
            self._answers[one.track_id] = _Answer(instant_s, None if stance is None else Posture(stance.value))
        known = {one.track_id: self._answers[one.track_id].posture for one in asked if one.track_id in self._answers}
        return {track_id: posture for track_id, posture in known.items() if posture is not None}

    def _answered_s(self, one: Asked) -> float:
        answer = self._answers.get(one.track_id)
        return -float("inf") if answer is None else answer.instant_s

    def _age_s(self, one: Asked, instant_s: float) -> float:
        return instant_s - self._answered_s(one)
