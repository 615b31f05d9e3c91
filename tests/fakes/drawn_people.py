"""Grey pictures of upright striped figures walking over a textured floor."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]  # (h, w)

HEIGHT_PX, WIDTH_PX = 120, 160
PERSON_PX = (30, 12)
"""Height and width of a figure."""


def floor() -> Picture:
    """The empty scene: soft texture, so that nothing in it is flat."""
    texture = np.random.default_rng([7]).integers(110, 131, (HEIGHT_PX, WIDTH_PX))
    return texture.astype(np.uint8)


def with_person(background: Picture, left_px: float, foot_px: float, size_px: tuple[int, int] = PERSON_PX) -> Picture:
    """The picture with one figure in it, feet at ``foot_px``, in whole pixels; parts outside are cut off."""
    height, width = size_px
    rng = np.random.default_rng([3])
    figure = np.kron(rng.integers(0, 80, (-(-height // 3), -(-width // 3))), np.ones((3, 3)))[:height, :width]
    picture = background.copy()
    top, left = round(foot_px) - height, round(left_px)
    rows, columns = slice(max(top, 0), top + height), slice(max(left, 0), left + width)
    seen = picture[rows, columns].shape
    first_row, first_column = max(-top, 0), max(-left, 0)
    picture[rows, columns] = figure[first_row : first_row + seen[0], first_column : first_column + seen[1]]
    return picture


def write_walk(folder: Path, seed: int, num_frames: int, racer_from: int | None = None) -> None:
    """Writes a clip of one walker as JPEG; from one frame on somebody passes at four times that pace."""
    folder.mkdir(parents=True)
    random = np.random.default_rng([seed])
    for index in range(num_frames):
        picture = with_person(floor(), 10 + 3 * seed + 2 * index * random.uniform(0.9, 1.1), 60)
        if racer_from is not None and index >= racer_from:
            picture = with_person(picture, 8 * (index - racer_from), 110)
        cv2.imwrite(str(folder / f"{index:03}.jpg"), picture)
