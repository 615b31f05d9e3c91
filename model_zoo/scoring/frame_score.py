"""The score of a frame: that of its most unusual object, bounded."""

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]

LINEAR_SURPRISE = 2.5
MOST_SURPRISE = 5.0
"""A frame's score grows with the surprise up to one in 300 and then ever less. A higher bound alarms earlier, and
longer after the object has gone; with this one, and a threshold about where the scores bend, an alarm on the causal
mean outlasts it by five frames at most."""


def bounded(surprise: Scores) -> Scores:
    """The surprise, strictly growing and below ``MOST_SURPRISE``. Any shape."""
    room = MOST_SURPRISE - LINEAR_SURPRISE
    beyond = np.maximum(surprise - LINEAR_SURPRISE, 0.0)
    return np.asarray(np.minimum(surprise, LINEAR_SURPRISE) + room * -np.expm1(-beyond / room))


def begun(scores: Scores, usual_score: float) -> Scores:
    """The scores of a clip, ``(frames,)``, its first frame taken to be usual: with one frame no motion is known."""
    return np.concatenate([[usual_score], scores[1:]])


def frame_score(surprise: Scores) -> float:
    """Of one frame's objects ``(N,)``; 0 where there is none."""
    return float(bounded(surprise).max(initial=0.0))
