"""The last steps of every track: motion windows, and the network's cached codes.

Every crop is encoded once; its code is kept while the track lives, so a frame costs one new crop per object.

Letters in shapes: N objects, T steps, L of them that the network looks at, S crop side, M motion features, C context
values, D code size.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model_zoo.onnx_model import Judged, OnnxModel
from model_zoo.perception.tracker import LOST_MISSES
from model_zoo.perception.tubelet import NUM_STEPS

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Condition = tuple[Floats, Indices, Indices]
"""Context values ``(N, C)``, zone kinds ``(N,)``, camera indices ``(N,)``."""


@dataclasses.dataclass
class _Memory:
    motion: Floats  # (T, M)
    codes: Floats  # (L - 1, D)
    last_frame: int


class TrackStream:
    """Remembers the tracks of one camera, frame by frame."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Memory] = {}
        self._num_frames = 0

    def remembers(self, track_id: int) -> bool:
        """Whether the track is in sight: it was missed in ``LOST_MISSES`` frames at most."""
        return track_id in self._tracks

    def motion(self, track_ids: Sequence[int], steps: Floats) -> Floats:
        """Takes the motion of the next frame's objects, ``(N, M)``.

        Returns:
            The last steps of each, oldest first, a young track's first step repeated. ``(N, T, M)``.
        """
        self._num_frames += 1
        for track_id, step in zip(track_ids, steps, strict=True):
            track = self._tracks.get(track_id)
            if track is None:
                track = _Memory(np.repeat(step[None], NUM_STEPS, axis=0), np.zeros((0, 0), np.float32), 0)
                self._tracks[track_id] = track
            else:
                track.motion = _pushed(track.motion, step)
            track.last_frame = self._num_frames
        oldest = self._num_frames - LOST_MISSES
        self._tracks = {key: track for key, track in self._tracks.items() if track.last_frame >= oldest}
        if not len(steps):
            return np.zeros((0, NUM_STEPS, steps.shape[1]), np.float32)
        return np.stack([self._tracks[track_id].motion for track_id in track_ids])

    def judged(
        self, model: OnnxModel, track_ids: Sequence[int], crops: npt.NDArray[np.uint8], condition: Condition
    ) -> Judged:
        """Judges the objects whose motion was taken last.

        Args:
            model: The network; another one than before starts with the codes of the old, or afresh when it looks at
                more steps or fewer.
            track_ids: As given to ``motion``.
            crops: The newest of each. ``(N, S, S)``.
            condition: What each is conditioned on.
        """
        if not len(track_ids):
            return Judged.of_nothing(model.metadata.code_size)
        num_steps = model.metadata.num_steps
        size = (num_steps - 1, model.metadata.code_size)
        memories = [self._tracks[track_id] for track_id in track_ids]
        is_new = [memory.codes.shape != size for memory in memories]
        codes = [np.zeros(size, np.float32) if new else one.codes for one, new in zip(memories, is_new, strict=True)]
        motion = np.stack([memory.motion[-num_steps:] for memory in memories])  # (N, L, M)
        judged = model.step(crops, np.stack(codes), motion, condition)
        for memory, newest, new in zip(memories, judged.code, is_new, strict=True):
            memory.codes = np.repeat(newest[None], num_steps - 1, axis=0) if new else _pushed(memory.codes, newest)
        return judged


def _pushed(steps: Floats, newest: Floats) -> Floats:
    return np.concatenate([steps[1:], newest[None]])
