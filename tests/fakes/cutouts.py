"""A lit box in front of a striped scene, seen by a camera: objects whose outline a test knows."""

import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Picture
from model_zoo.perception.perceiver import crop_around
from model_zoo.training.cutout import Crops, Cutout, cut_out

HEIGHT_PX, WIDTH_PX = 120, 160
TALL, BRIGHTNESS = (70, 40, 86, 88), 220
"""Left, top, right and bottom pixel of an upright object, and its grey level."""


def striped_scene() -> Picture:
    """Grey stripes that differ by less than an object does. ``(120, 160)``."""
    stripes = 90 + 20 * (np.arange(WIDTH_PX) // 8 % 2)
    return np.tile(stripes.astype(np.uint8), (HEIGHT_PX, 1))


def seen_object(num_steps: int = 3, light: float = 1.0) -> tuple[Crops, npt.NDArray[np.float32]]:
    """Crops and boxes of an object that walks to the right, four pixels a step. ``(R, S, S)`` and ``(R, 4)``."""
    left, top, right, bottom = TALL
    crops, boxes = [], []
    for shift in 4 * np.arange(num_steps):
        frame = striped_scene() * light
        frame[top:bottom, left + shift : right + shift] = BRIGHTNESS
        box = np.array([left + shift, top, right + shift, bottom]) / [WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX]
        crops.append(crop_around(frame.astype(np.uint8), box.astype(np.float32)))
        boxes.append(box.astype(np.float32))
    return np.stack(crops), np.stack(boxes)


def seen_cutout(num_steps: int = 3) -> Cutout:
    """The object, cut out."""
    return cut_out(*seen_object(num_steps), striped_scene())
