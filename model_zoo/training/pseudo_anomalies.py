"""Pseudo-anomalies: what normal footage would look like if something were wrong.

Nobody labels footage for months, so a site makes its own negatives: a tubelet in a foreign context, too fast, moving
the other way, lingering, of another size or shape, or with the appearance of one object and the motion of another.

Letters in shapes: T steps, S crop side, M motion features (see ``tubelet.MOTION_FEATURES``).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from model_zoo.perception.tubelet import CROP_SIDE

Crops = npt.NDArray[np.uint8]  # (T, S, S)
Motion = npt.NDArray[np.float32]  # (T, M)
Example = tuple[Crops, Motion]

_VELOCITY = slice(0, 2)
_SPEEDS = slice(0, 4)
_HEIGHT, _WIDTH, _DWELL = 4, 5, 6


def speed_up(example: Example, donor: Example, rng: np.random.Generator) -> Example:
    """The object at 1.8 to 3.5 times its speed; steps beyond the end of the tubelet play back and forth."""
    del donor
    crops, motion = example
    factor, num_steps = rng.uniform(1.8, 3.5), len(crops)
    steps = np.floor(np.arange(num_steps) * factor).astype(np.int64) % (2 * num_steps - 2)
    played = crops[np.where(steps < num_steps, steps, 2 * num_steps - 2 - steps)]
    faster = motion.copy()
    faster[:, _SPEEDS] *= factor
    return played, faster


def turn_round(example: Example, donor: Example, rng: np.random.Generator) -> Example:
    """The object on the same path in the opposite direction, mirrored."""
    del donor, rng
    crops, motion = example
    turned = motion.copy()
    turned[:, _VELOCITY] *= -1
    return crops[:, :, ::-1], turned


def linger(example: Example, donor: Example, rng: np.random.Generator) -> Example:
    """The object standing for 15 to 90 seconds more."""
    del donor
    crops, motion = example
    standing = motion.copy()
    standing[:, _SPEEDS] *= rng.uniform(0.0, 0.15)
    standing[:, _DWELL] = np.log1p(np.expm1(motion[:, _DWELL]) + rng.uniform(15.0, 90.0))
    return np.repeat(crops[rng.integers(len(crops))][None], len(crops), axis=0), standing


def reshape_object(example: Example, donor: Example, rng: np.random.Generator) -> Example:
    """The object wider, flatter, larger or smaller than it is."""
    del donor
    crops, motion = example
    tall, wide = np.exp(rng.choice([-1, 1], 2) * rng.uniform(0.3, 1.0, 2))
    reshaped = motion.copy()
    reshaped[:, _HEIGHT] *= tall
    reshaped[:, _WIDTH] *= wide
    aspect = wide / tall  # the crop keeps the longer side, so only the aspect shows in it
    rows, columns = (_stretched(min(1.0, 1 / aspect)), _stretched(min(1.0, aspect)))
    return crops[:, rows][:, :, columns], reshaped


def mix_up(example: Example, donor: Example, rng: np.random.Generator) -> Example:
    """The appearance of one object with the motion of another."""
    del rng
    return donor[0], example[1]


KINDS: dict[str, Callable[[Example, Example, np.random.Generator], Example]] = {
    "speed_up": speed_up,
    "turn_round": turn_round,
    "linger": linger,
    "reshape_object": reshape_object,
    "mix_up": mix_up,
}


def _stretched(share: float) -> npt.NDArray[np.int64]:
    """Source index of each target pixel when an object is drawn at ``share`` of its extent."""
    centred = (np.arange(CROP_SIDE) - (CROP_SIDE - 1) / 2) / share + (CROP_SIDE - 1) / 2
    return np.asarray(np.clip(np.rint(centred), 0, CROP_SIDE - 1), dtype=np.int64)
