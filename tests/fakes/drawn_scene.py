"""Frames drawn on the spot: a textured floor with upright boxes that walk across it."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

FPS = 10.0
WIDTH, HEIGHT = 320, 240
_WALKER = (18, 44)  # width and height of a walker in pixels

Frame = npt.NDArray[np.uint8]  # (H, W, 3) BGR


def walking_frames(num_frames: int, seed: int, speed: float = 4.0, walkers_every: int = 30) -> Iterator[Frame]:
    """A walker enters from the left every so many frames and crosses at ``speed`` pixels a frame."""
    rng = np.random.default_rng(seed)
    floor = np.random.default_rng(99).integers(90, 130, (HEIGHT, WIDTH, 1)).repeat(3, axis=2)
    width, height = _WALKER
    texture = rng.integers(150, 250, (height, width, 3))
    for index in range(num_frames):
        wide = np.pad(floor + rng.integers(-3, 4, floor.shape), ((0, 0), (width, width), (0, 0)))
        for entered in range(0, index + 1, walkers_every):
            left = round((index - entered) * speed)
            if left <= WIDTH + width:
                wide[140 : 140 + height, left : left + width] = texture
        yield wide[:, width:-width].clip(0, 255).astype(np.uint8)
