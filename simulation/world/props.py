"""Things on wheels: carts, cages, prams, machines, bicycles, cars and vans, in their own axes.

x forward, y left, z up, metres, origin on the ground below the middle.
"""

import itertools

import numpy as np

from simulation.world.optics import Floats
from simulation.world.outline import CORNERS, Colour, Corner, Faces, Rods
from simulation.world.route import Motion

Random = np.random.Generator
Tube = tuple[Corner, Corner, float, Colour]  # from, to, radius, colour

_STEEL: Colour = (168.0, 166.0, 160.0)
_RUBBER: Colour = (28.0, 27.0, 26.0)
_GLASS: Colour = (92.0, 78.0, 62.0)
_WHITE_LAMP: Colour = (235.0, 250.0, 255.0)
_RED_LAMP: Colour = (40.0, 35.0, 215.0)
_SIDE_SHADE = {"top": 1.06, "front": 0.95, "back": 0.88, "left": 0.82, "right": 0.82}


def paint(rng: Random) -> Colour:
    """A colour cars come in."""
    choices = (
        (225, 225, 222),
        (200, 198, 195),
        (60, 58, 56),
        (38, 36, 36),
        (45, 40, 150),
        (140, 85, 40),
        (70, 100, 60),
    )
    return choices[rng.integers(len(choices))]


class Sheets:
    """Collects faces; it is filled once and then only read."""

    def __init__(self) -> None:
        self.corners: list[list[Corner]] = []
        self.layers: list[float] = []
        self.colours: list[Colour] = []

    def add(self, corners: list[Corner], colour: Colour, layer: float) -> None:
        """Adds one face; its last corner is repeated to the common number."""
        self.corners.append(corners + corners[-1:] * (CORNERS - len(corners)))
        self.layers.append(layer)
        self.colours.append(colour)

    def block(self, low: Corner, high: Corner, colour: Colour, layer: float, taper: float = 0.0) -> None:
        """Adds a box without bottom whose top is shorter by ``taper`` metres in front and behind."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        a, b = x0 + taper, x1 - taper
        sides: dict[str, list[Corner]] = {
            "front": [(x1, y0, z0), (x1, y1, z0), (b, y1, z1), (b, y0, z1)],
            "back": [(x0, y1, z0), (x0, y0, z0), (a, y0, z1), (a, y1, z1)],
            "left": [(x1, y1, z0), (x0, y1, z0), (a, y1, z1), (b, y1, z1)],
            "right": [(x0, y0, z0), (x1, y0, z0), (b, y0, z1), (a, y0, z1)],
            "top": [(a, y0, z1), (b, y0, z1), (b, y1, z1), (a, y1, z1)],
        }
        for name, corners in sides.items():
            shade = _SIDE_SHADE[name]
            self.add(corners, tuple(min(255.0, value * shade) for value in colour), layer)  # type: ignore[arg-type]  # three values in, three out

    def pane(self, corners: list[Corner], colour: Colour, layer: float) -> None:
        """Adds a face as seen from the left side and its mirror image on the right."""
        self.add(corners, colour, layer)
        self.add([(x, -y, z) for x, y, z in reversed(corners)], colour, layer)

    def disc(self, centre: Corner, radius: float, colour: Colour, layer: float) -> None:
        """Adds a wheel on the left side and its mirror image on the right."""
        turns = np.linspace(0, -2 * np.pi, CORNERS, endpoint=False)
        x, y, z = centre
        self.pane([(x + radius * float(np.cos(a)), y, z + radius * float(np.sin(a))) for a in turns], colour, layer)

    def faces(self) -> Faces:
        """All faces as arrays."""
        return Faces(np.array(self.corners), np.array(self.layers), np.array(self.colours))


def _wheels(sheets: Sheets, axles: tuple[float, float], side: float, radius: float) -> None:
    for x in axles:
        sheets.disc((x, side + 0.01, radius), radius, _RUBBER, 1)
        sheets.disc((x, side + 0.02, radius), radius * 0.55, _STEEL, 2)


def _end_panes(sheets: Sheets, x: float, spots: tuple[tuple[float, float, float, float], ...], colour: Colour) -> None:
    """Rectangles (y0, z0, y1, z1) on a front (x > 0) or back end."""
    for y0, z0, y1, z1 in spots:
        corners: list[Corner] = [(x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)]
        sheets.add(corners if x > 0 else corners[::-1], colour, 4)


def car(rng: Random) -> Faces:
    """A hatchback or saloon."""
    colour, half = paint(rng), 0.86
    sheets = Sheets()
    sheets.block((-2.1, -half, 0.28), (2.1, half, 0.86), colour, 0, 0.06)
    _wheels(sheets, (-1.32, 1.34), half, 0.32)
    back = -1.9 if rng.random() < 0.5 else -1.5
    sheets.block((back, -0.76, 0.86), (1.15, 0.76, 1.43), colour, 3, 0.5)
    sheets.pane(
        [(1.0, 0.77, 0.92), (back + 0.18, 0.77, 0.92), (back + 0.52, 0.77, 1.36), (0.62, 0.77, 1.36)], _GLASS, 4
    )
    for x, top in ((1.13, 0.68), (back + 0.02, back + 0.47)):
        corners: list[Corner] = [(x, -0.68, 0.9), (x, 0.68, 0.9), (top, 0.62, 1.38), (top, -0.62, 1.38)]
        sheets.add(corners if x > 0 else corners[::-1], _GLASS, 4)
    _end_panes(sheets, 2.11, ((-0.8, 0.58, -0.48, 0.74), (0.48, 0.58, 0.8, 0.74)), _WHITE_LAMP)
    _end_panes(sheets, -2.11, ((-0.8, 0.6, -0.5, 0.76), (0.5, 0.6, 0.8, 0.76)), _RED_LAMP)
    return sheets.faces()


def van(rng: Random) -> Faces:
    """A delivery van with a company stripe."""
    colour, half = ((228.0, 228.0, 226.0), (40.0, 170.0, 220.0), (150.0, 110.0, 60.0))[rng.integers(3)], 0.98
    stripe = tuple(float(value) for value in rng.integers(30, 200, 3))
    sheets = Sheets()
    sheets.block((1.5, -half, 0.35), (2.65, half, 1.25), colour, 0, 0.1)
    sheets.block((-2.6, -half, 0.35), (1.6, half, 2.35), colour, 2, 0.05)
    sheets.add([(2.3, -0.9, 1.25), (2.3, 0.9, 1.25), (1.62, 0.86, 2.1), (1.62, -0.86, 2.1)], _GLASS, 4)
    _wheels(sheets, (-1.6, 1.75), half, 0.36)
    sheets.pane(
        [(1.5, half + 0.01, 1.3), (0.6, half + 0.01, 1.3), (0.6, half + 0.01, 1.95), (1.2, half + 0.01, 1.95)],
        _GLASS,
        4,
    )
    sheets.pane([(0.3, half + 0.01, 1.1), (-2.4, half + 0.01, 1.1), (-2.4, half + 0.01, 1.6), (0.3, half + 0.01, 1.6)],
                (stripe[0], stripe[1], stripe[2]), 4)  # fmt: skip
    _end_panes(sheets, 2.67, ((-0.85, 0.62, -0.5, 0.85), (0.5, 0.62, 0.85, 0.85)), _WHITE_LAMP)
    _end_panes(sheets, -2.62, ((-0.9, 0.7, -0.75, 1.1), (0.75, 0.7, 0.9, 1.1)), _RED_LAMP)
    _end_panes(sheets, -2.62, ((-0.02, 0.5, 0.02, 2.2),), (90.0, 90.0, 90.0))
    return sheets.faces()


def cage_load(rng: Random, ahead_m: float, size: Corner) -> Faces:
    """Cartons stacked on something pushed ``ahead_m`` in front; ``size`` is length, width and height of the stack."""
    sheets = Sheets()
    length, width, height = size
    base = 0.22
    for number in range(3):
        brown = rng.uniform(0.75, 1.15)
        low, high = base + number * height / 3, base + (number + 0.96) * height / 3
        shrink = 0.06 * float(rng.random())
        corner, other = (ahead_m - length / 2, -width / 2 + shrink, low), (ahead_m + length / 2, width / 2, high)
        sheets.block(corner, other, (95 * brown, 140 * brown, 180 * brown), number)
    return sheets.faces()


def machine(colour: Colour, ahead_m: float, size: Corner) -> Faces:
    """A floor-cleaning machine: a body, a darker hood and a brush deck; ``size`` is length, width and height."""
    length, width, height = size[0] / 2, size[1] / 2, size[2]
    sheets = Sheets()
    sheets.block((ahead_m - length, -width, 0.04), (ahead_m + length * 1.15, width, 0.2), _RUBBER, 0)
    sheets.block((ahead_m - length, -width * 0.9, 0.2), (ahead_m + length, width * 0.9, height * 0.75), colour, 1, 0.06)
    hood = (ahead_m - length * 0.7, -width * 0.7, height * 0.75), (ahead_m + length * 0.5, width * 0.7, height)
    sheets.block(*hood, (70.0, 70.0, 72.0), 2, 0.08)
    _end_panes(sheets, ahead_m + length * 1.02, ((-width * 0.6, height * 0.4, width * 0.6, height * 0.6),), _WHITE_LAMP)
    return sheets.faces()


def basket_tubes(ahead_m: float, size: Corner, floor_m: float, colour: Colour) -> list[Tube]:
    """The wires of a basket or cage on four castors, with a handle towards the body."""
    length, width, height = size
    x0, x1, y, z0, z1 = ahead_m - length / 2, ahead_m + length / 2, width / 2, floor_m, floor_m + height
    tubes: list[Tube] = []
    for z in (z0, (z0 + z1) / 2, z1):
        tubes += [((x0, side, z), (x1, side, z), 0.014, colour) for side in (-y, y)]
        tubes += [((x, -y, z), (x, y, z), 0.014, colour) for x in (x0, x1)]
    for x in (x0, (x0 + x1) / 2, x1):
        tubes += [((x, side, z0), (x, side, z1), 0.012, colour) for side in (-y, y)]
    for x in (x0 + 0.06, x1 - 0.06):
        for side in (-y, y):
            tubes += [
                ((x, side, z0), (x, side, 0.1), 0.014, colour),
                ((x, side, 0.07), (x, side, 0.071), 0.06, _RUBBER),
            ]
    tubes.append(((x0 - 0.12, -y, 1.02), (x0 - 0.12, y, 1.02), 0.022, (45.0, 45.0, 190.0)))
    return tubes


def pram_tubes(colour: Colour, ahead_m: float) -> list[Tube]:
    """A pram: carry-cot, hood, four wheels, handle."""
    x = ahead_m
    tubes: list[Tube] = [
        ((x - 0.3, 0.0, 0.68), (x + 0.3, 0.0, 0.68), 0.2, colour),
        ((x + 0.18, 0.0, 0.86), (x + 0.3, 0.0, 0.84), 0.21, tuple(value * 0.7 for value in colour)),  # type: ignore[list-item]  # three values in, three out
        ((x - 0.3, 0.0, 0.75), (x - 0.6, 0.0, 1.03), 0.02, _STEEL),
    ]
    for along in (-0.3, 0.3):
        for side in (-0.24, 0.24):
            tubes.append(((x + along, side, 0.15), (x + along, side, 0.151), 0.14, _RUBBER))
            tubes.append(((x - along, side, 0.55), (x + along, side, 0.16), 0.015, _STEEL))
    return tubes


def wheelchair_tubes() -> list[Tube]:
    """A wheelchair around a sitting person."""
    tubes: list[Tube] = [
        ((-0.2, 0.0, 0.5), (0.25, 0.0, 0.5), 0.06, (60.0, 45.0, 40.0)),
        ((-0.25, 0.0, 0.55), (-0.3, 0.0, 0.98), 0.13, (60.0, 45.0, 40.0)),
    ]
    for side in (-0.3, 0.3):
        tubes += _ring((-0.1, side, 0.31), 0.3, 0.02)
        tubes += [
            ((-0.3, side, 0.95), (-0.5, side, 0.97), 0.02, _RUBBER),
            ((0.1, side, 0.7), (-0.25, side, 0.7), 0.02, _STEEL),
        ]
        tubes.append(((0.42, side * 0.7, 0.1), (0.42, side * 0.7, 0.101), 0.09, _RUBBER))
    return tubes


def _ring(centre: Corner, radius: float, tube: float) -> list[Tube]:
    turns = np.linspace(0, 2 * np.pi, 13)
    x, y, z = centre
    rim = [(x + radius * float(np.cos(a)), y, z + radius * float(np.sin(a))) for a in turns]
    return [(first, second, tube, _RUBBER) for first, second in itertools.pairwise(rim)]


def bicycle_tubes(colour: Colour) -> list[Tube]:
    """Frame, bars and tyres of a bicycle; the spokes turn and are made by ``spokes``."""
    back, front, crank, seat, head = (
        (-0.52, 0, 0.34),
        (0.55, 0, 0.34),
        (-0.08, 0, 0.3),
        (-0.22, 0, 0.85),
        (0.4, 0, 0.85),
    )
    pairs: tuple[tuple[Corner, Corner], ...] = (
        (back, crank), (back, seat), (crank, seat), (crank, head), (seat, head), (head, front), (head, (0.36, 0, 1.02)),
    )  # fmt: skip
    tubes: list[Tube] = [(first, second, 0.022, colour) for first, second in pairs]
    tubes += _ring(back, 0.34, 0.026) + _ring(front, 0.34, 0.026)
    tubes.append(((0.36, -0.26, 1.02), (0.36, 0.26, 1.02), 0.018, _RUBBER))
    tubes.append(((-0.34, 0, 0.93), (-0.12, 0, 0.93), 0.035, _RUBBER))
    return tubes


def rigid(tubes: list[Tube], frames: int) -> Rods:
    """Tubes that keep their place on the body, for every frame."""
    start, end = np.array([tube[0] for tube in tubes]), np.array([tube[1] for tube in tubes])
    radius = np.repeat(np.array([[tube[2]] for tube in tubes], dtype=np.float64), 2, axis=1)
    start, end, radius = (np.broadcast_to(value, (frames, *value.shape)) for value in (start, end, radius))
    return Rods(start, end, radius, np.ones(len(tubes)), np.zeros(len(tubes)), np.array([tube[3] for tube in tubes]))


def spokes(motion: Motion) -> Rods:
    """Three turning diameters in each wheel of a bicycle and its pedal crank."""
    starts, ends = [], []
    for x, z, radius, spread in ((-0.52, 0.34, 0.32, (0.0, 1.05, 2.1)), (0.55, 0.34, 0.32, (0.4, 1.45, 2.5))):
        for shift in spread:
            arm = _turning(motion.travelled / 0.34 + shift, radius)
            starts.append(np.array([x, 0.0, z]) + arm)
            ends.append(np.array([x, 0.0, z]) - arm)
    crank = _turning(motion.travelled / 2.6 * 2 * np.pi, 0.17)
    starts.append(np.array([-0.08, 0.08, 0.3]) + crank)
    ends.append(np.array([-0.08, -0.08, 0.3]) - crank)
    parts = len(starts)
    thick = np.broadcast_to(np.array([[0.012]] * (parts - 1) + [[0.025]]), (len(motion.speed), parts, 2))
    colours = np.array([_STEEL] * parts)
    return Rods(np.stack(starts, axis=1), np.stack(ends, axis=1), thick, np.ones(parts), np.zeros(parts), colours)


def _turning(angle: Floats, radius: float) -> Floats:
    return np.stack([radius * np.cos(angle), np.zeros_like(angle), -radius * np.sin(angle)], axis=-1)
