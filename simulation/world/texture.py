"""Pictures for surfaces: tiles, goods on shelves, asphalt, walls; drawn from a random stream."""

import cv2
import numpy as np

from simulation.world.scenery import Picture

Random = np.random.Generator
Colour = tuple[int, int, int]  # BGR

PX_PER_M = 40


def pigment(rng: Random, low: int, high: int) -> Colour:
    """A colour as things have it, halfway between grey and glaring."""
    mixed = rng.integers(low, high, 3)
    blue, green, red = (0.6 * mixed + 0.4 * mixed.mean()).astype(int).tolist()
    return blue, green, red


def _canvas(wide_m: float, tall_m: float, colour: Colour, px_per_m: int = PX_PER_M) -> Picture:
    return np.full((max(2, round(tall_m * px_per_m)), max(2, round(wide_m * px_per_m)), 3), colour, dtype=np.uint8)


def grain(picture: Picture, rng: Random, strength: float, coarse: int = 4) -> Picture:
    """Adds unevenness: a fine and a ``coarse`` times coarser layer of noise."""
    rows, columns = picture.shape[:2]
    fine = rng.standard_normal((rows, columns), dtype=np.float32)
    small = rng.standard_normal((max(2, rows // coarse), max(2, columns // coarse)), dtype=np.float32)
    cloudy = cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)
    uneven = cv2.cvtColor(strength * (fine + cloudy), cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.add(picture, uneven, dtype=cv2.CV_8U), dtype=np.uint8)


def plain(wide_m: float, tall_m: float, colour: Colour, rng: Random, strength: float = 3.0) -> Picture:
    """A surface of one colour."""
    return grain(_canvas(wide_m, tall_m, colour), rng, strength, 12)


def tiles(wide_m: float, tall_m: float, tile_m: float, colour: Colour, rng: Random) -> Picture:
    """A tiled floor with darker joints, each tile a little different."""
    picture = _canvas(wide_m, tall_m, colour)
    step = max(3, round(tile_m * PX_PER_M))
    rows, columns = picture.shape[:2]
    shades = rng.normal(0, 5, (rows // step + 1, columns // step + 1))
    grown = np.kron(shades, np.ones((step, step)))[:rows, :columns]
    picture = np.clip(picture + grown[..., None], 0, 255).astype(np.uint8)
    picture[::step] = picture[::step] * 0.8
    picture[:, ::step] = picture[:, ::step] * 0.8
    return grain(picture, rng, 2.0, 30)


def goods(wide_m: float, tall_m: float, rng: Random, boards: int = 5) -> Picture:
    """A shelf front: boards with price strips, on them rows of packages in runs of the same product."""
    picture = _canvas(wide_m, tall_m, (52, 50, 48), 60)
    rows, columns = picture.shape[:2]
    pitch = rows / boards
    for board in range(boards):
        floor_px = round((board + 1) * pitch) - 5
        _fill_board(picture, floor_px, round(pitch * 0.9), rng)
        cv2.rectangle(picture, (0, floor_px), (columns, floor_px + 4), (215, 215, 210), -1)
    return grain(picture, rng, 3.0)


def _fill_board(picture: Picture, floor_px: int, room_px: int, rng: Random) -> None:
    left = 0
    while left < picture.shape[1]:
        colour, accent = pigment(rng, 30, 225), pigment(rng, 30, 235)
        wide, tall = int(rng.integers(7, 17)), int(room_px * rng.uniform(0.5, 0.88))
        for _ in range(int(rng.integers(3, 9))):
            top = floor_px - tall
            cv2.rectangle(picture, (left, top), (left + wide - 2, floor_px - 1), colour, -1)
            label = (left + 1, top + tall // 3), (left + wide - 3, top + tall // 3 + max(2, tall // 4))
            cv2.rectangle(picture, *label, accent, -1)
            left += wide


def asphalt(wide_m: float, tall_m: float, rng: Random, level: int = 92) -> Picture:
    """Road surface with patches and cracks."""
    picture = grain(_canvas(wide_m, tall_m, (level, level - 2, level - 4)), rng, 5.0, 40)
    rows, columns = picture.shape[:2]
    for _ in range(int(wide_m * tall_m / 25)):
        x, y = rng.integers(0, columns), rng.integers(0, rows)
        steps = np.cumsum(rng.integers(-14, 15, (9, 2)), axis=0) + np.array([x, y])
        cv2.polylines(picture, [steps.astype(np.int32)], isClosed=False, color=(68, 66, 64), thickness=1)
    return picture


def wall(wide_m: float, tall_m: float, colour: Colour, rng: Random) -> Picture:
    """An inner wall with a skirting board, a coloured band and a few posters."""
    picture = plain(wide_m, tall_m, colour, rng)
    rows, columns = picture.shape[:2]
    picture[-6:] = (70, 70, 75)
    band = rng.integers(40, 200, 3)
    picture[int(rows * 0.12) : int(rows * 0.22)] = band
    for _ in range(int(wide_m / 3)):
        left, top = int(rng.integers(0, max(1, columns - 40))), int(rows * rng.uniform(0.35, 0.5))
        cv2.rectangle(picture, (left, top), (left + 34, top + 48), rng.integers(120, 250, 3).tolist(), -1)
        cv2.rectangle(picture, (left + 5, top + 8), (left + 29, top + 26), rng.integers(30, 220, 3).tolist(), -1)
    return picture


def facade(wide_m: float, tall_m: float, colour: Colour, rng: Random) -> Picture:
    """A house front of bricks with rows of windows and a shop front below."""
    picture = _canvas(wide_m, tall_m, colour)
    rows, columns = picture.shape[:2]
    for number, top in enumerate(range(0, rows, 6)):
        picture[top] = picture[top] * 0.82
        picture[top : top + 6, (number % 2) * 6 :: 12] = picture[top : top + 6, (number % 2) * 6 :: 12] * 0.88
    for bottom in range(rows - 20, 60, -110):
        for left in range(int(rng.integers(10, 40)), columns - 60, 100):
            glass = rng.integers(45, 110)
            cv2.rectangle(picture, (left - 4, bottom - 74), (left + 54, bottom + 4), (190, 195, 198), -1)
            cv2.rectangle(picture, (left, bottom - 70), (left + 50, bottom), (int(glass) + 15, int(glass), 40), -1)
            cv2.line(picture, (left + 25, bottom - 70), (left + 25, bottom), (190, 195, 198), 2)
    return grain(picture, rng, 3.0, 20)


def shutters(wide_m: float, tall_m: float, doors: int, rng: Random) -> Picture:
    """A warehouse wall with roller doors, numbers painted over as dark plates."""
    picture = plain(wide_m, tall_m, (168, 172, 170), rng)
    rows, columns = picture.shape[:2]
    pitch, wide = columns // doors, round(columns / doors * 0.62)
    for door in range(doors):
        left, top = door * pitch + (pitch - wide) // 2, rows - round(min(2.9, tall_m * 0.7) * PX_PER_M)
        cv2.rectangle(picture, (left - 6, top - 6), (left + wide + 6, rows), (40, 160, 200), -1)
        cv2.rectangle(picture, (left, top), (left + wide, rows), (128, 126, 122), -1)
        picture[top::5, left : left + wide] = (104, 102, 99)
        cv2.rectangle(picture, (left + wide // 2 - 12, top - 34), (left + wide // 2 + 12, top - 12), (60, 50, 45), -1)
    return picture


def stripe(picture: Picture, start_m: tuple[float, float], end_m: tuple[float, float], colour: Colour) -> None:
    """Paints a filled rectangle on a floor texture.

    Args:
        picture: Floor texture, changed in place.
        start_m: Left and near corner, metres from the texture's left and near edge.
        end_m: Right and far corner.
        colour: BGR.
    """
    rows = picture.shape[0]
    first = (round(start_m[0] * PX_PER_M), rows - round(start_m[1] * PX_PER_M))
    last = (round(end_m[0] * PX_PER_M), rows - round(end_m[1] * PX_PER_M))
    cv2.rectangle(picture, first, last, colour, -1)


def arrow(picture: Picture, place_m: tuple[float, float], direction: tuple[float, float], colour: Colour) -> None:
    """Paints a floor arrow 1.4 m long at ``place_m`` (from the left and near edge) pointing along ``direction``."""
    ahead = np.array([direction[0], -direction[1]]) * PX_PER_M
    beside = np.array([-ahead[1], ahead[0]])
    centre = np.array([place_m[0] * PX_PER_M, picture.shape[0] - place_m[1] * PX_PER_M])
    shaft = [(-0.7, -0.09), (0.25, -0.09), (0.25, 0.09), (-0.7, 0.09)]
    head = [(0.25, -0.28), (0.7, 0.0), (0.25, 0.28)]
    for outline in (shaft, head):
        corners = np.array([centre + along * ahead + across * beside for along, across in outline])
        cv2.fillPoly(picture, [corners.round().astype(np.int32)], colour, cv2.LINE_AA)
