"""Ground truth of made-up actors, as footage of the synthetic world brings it."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from model_zoo.datasets.clip import LabelledClip
from model_zoo.datasets.synthetic import Actor, ActorFrames, WorldClip


@dataclasses.dataclass(frozen=True)
class Passer:
    """Somebody who crosses the picture at one pace, seen in every frame."""

    kind: str = "shopper"
    foot: tuple[float, float] = (0.1, 0.5)
    """In the first frame."""
    step: tuple[float, float] = (0.0, 0.0)
    """A frame."""
    speed_m_s: float = 1.25
    seen: float = 1.0
    is_usual: bool = True
    usual_in: frozenset[str] = frozenset()
    wrong_in: frozenset[str] = frozenset()


def truth_of(passers: Sequence[Passer], num_frames: int) -> ActorFrames:
    """Everybody in all frames; boxes are a tenth of the picture wide and a fifth tall."""
    number = np.repeat(np.arange(len(passers)), num_frames)
    frame = np.tile(np.arange(num_frames), len(passers))
    start, step = (np.array([getattr(one, name) for one in passers]).reshape(-1, 2) for name in ("foot", "step"))
    foot = start[number] + step[number] * frame[:, None]
    return ActorFrames(
        tuple(Actor(one.kind, one.is_usual, one.usual_in, one.wrong_in) for one in passers),
        number,
        frame,
        np.column_stack([foot - np.array([0.05, 0.2]), foot + np.array([0.05, 0.0])]).astype(np.float32),
        np.array([one.seen for one in passers], np.float64)[number],
        np.array([one.speed_m_s for one in passers], np.float64)[number],
    )


def world_clip(
    name: str, passers: Sequence[Passer], state: str = "open", hour: int = 10, num_frames: int = 80
) -> WorldClip:
    """A clip whose pictures nobody will look at."""
    return WorldClip(LabelledClip(name, (), 10.0, state), truth_of(passers, num_frames), num_frames, state, hour)
