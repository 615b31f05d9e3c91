"""What is wheeled by hand: barrels, a rubbish bin, cartons, suitcases, a shop window's mannequin; in their own axes."""

import itertools

import numpy as np

from simulation.world.optics import Pinhole
from simulation.world.outline import CORNERS, Colour, Outline, faces_outline, join, rods_outline
from simulation.world.props import Sheets, Tube, cage_load, rigid
from simulation.world.route import Motion

Random = np.random.Generator

_STEEL: Colour = (150.0, 148.0, 144.0)
_RUBBER: Colour = (28.0, 27.0, 26.0)
_DRUMS: tuple[Colour, ...] = ((170.0, 90.0, 30.0), (40.0, 150.0, 60.0), (45.0, 60.0, 200.0), (60.0, 205.0, 235.0))
_BINS: tuple[Colour, ...] = ((50.0, 200.0, 235.0), (60.0, 120.0, 50.0), (150.0, 80.0, 35.0))
_WAX: tuple[Colour, ...] = ((225.0, 228.0, 232.0), (40.0, 40.0, 42.0), (70.0, 170.0, 205.0))


def _drum(sheets: Sheets, base: float, size: tuple[float, float], colour: Colour, layer: float) -> None:
    """Adds an upright barrel of a radius and height with a dark band around its middle and a lid."""
    radius, height = size
    heights = (base, base + 0.42 * height, base + 0.55 * height, base + height)
    turns = np.linspace(0, 2 * np.pi, CORNERS + 1)
    rim = [(radius * float(np.cos(a)), radius * float(np.sin(a))) for a in turns]
    for number, ((x0, y0), (x1, y1)) in enumerate(itertools.pairwise(rim)):
        for low, high, dark in zip(heights, heights[1:], (1.0, 0.45, 1.0), strict=False):
            shade = dark * (0.78 + 0.22 * float(np.cos(turns[number])))
            side: Colour = (colour[0] * shade, colour[1] * shade, colour[2] * shade)
            sheets.add([(x0, y0, low), (x1, y1, low), (x1, y1, high), (x0, y0, high)], side, layer)
    lid: Colour = (colour[0] * 0.6, colour[1] * 0.6, colour[2] * 0.6)
    sheets.add([(x, y, heights[-1]) for x, y in rim[:-1]], lid, layer + 1)


def _sack_truck(height: float) -> list[Tube]:
    """Two uprights, a shovel and two wheels behind the load."""
    tubes: list[Tube] = [((-0.3, side, 0.15), (-0.33, side, height), 0.025, _STEEL) for side in (-0.17, 0.17)]
    tubes += [((-0.3, side, 0.13), (-0.3, side, 0.131), 0.12, _RUBBER) for side in (-0.22, 0.22)]
    tubes.append(((-0.33, -0.17, height), (-0.33, 0.17, height), 0.03, (40.0, 40.0, 190.0)))
    return tubes


def _tubes(tubes: list[Tube], motion: Motion, optics: Pinhole) -> Outline:
    return rods_outline(rigid(tubes, len(motion.speed)), motion, optics)


def barrel_cart(rng: Random, motion: Motion, optics: Pinhole) -> Outline:
    """One big barrel on a sack truck."""
    sheets = Sheets()
    _drum(sheets, 0.12, (0.31, 1.1), _DRUMS[rng.integers(len(_DRUMS))], 0)
    return join([_tubes(_sack_truck(1.2), motion, optics), faces_outline(sheets.faces(), motion, optics)])


def barrels(rng: Random, motion: Motion, optics: Pinhole) -> Outline:
    """Two barrels, one on the other, on a sack truck."""
    first, second = rng.permutation(len(_DRUMS))[:2]
    sheets = Sheets()
    _drum(sheets, 0.1, (0.27, 0.76), _DRUMS[first], 0)
    _drum(sheets, 0.86, (0.25, 0.68), _DRUMS[second], 2)
    return join([_tubes(_sack_truck(1.45), motion, optics), faces_outline(sheets.faces(), motion, optics)])


def wheeled_bin(rng: Random, motion: Motion, optics: Pinhole) -> Outline:
    """A household's rubbish bin with its lid."""
    colour = _BINS[rng.integers(len(_BINS))]
    dark: Colour = (colour[0] * 0.7, colour[1] * 0.7, colour[2] * 0.7)
    sheets = Sheets()
    sheets.block((-0.27, -0.27, 0.12), (0.27, 0.27, 0.5), colour, 0)
    sheets.block((-0.32, -0.3, 0.5), (0.32, 0.3, 1.05), colour, 1)
    sheets.block((-0.38, -0.33, 1.05), (0.36, 0.33, 1.16), dark, 2, 0.04)
    sheets.disc((-0.25, 0.33, 0.13), 0.13, _RUBBER, 3)
    return faces_outline(sheets.faces(), motion, optics)


def cartons(rng: Random, motion: Motion, optics: Pinhole) -> Outline:
    """Three cartons piled up on a sack truck."""
    pile = cage_load(rng, 0.0, (0.44, 0.48, float(rng.uniform(1.15, 1.35))))
    return join([_tubes(_sack_truck(1.35), motion, optics), faces_outline(pile, motion, optics)])


def suitcases(rng: Random, motion: Motion, optics: Pinhole) -> Outline:
    """A large suitcase with its handle out, a holdall and a smaller case on top."""
    sheets, base = Sheets(), 0.06
    for number, (length, width, height) in enumerate(((0.32, 0.48, 0.74), (0.3, 0.5, 0.3), (0.26, 0.4, 0.36))):
        red, green, blue = (float(value) for value in rng.integers(25, 215, 3))
        sheets.block(
            (-length / 2, -width / 2, base), (length / 2, width / 2, base + height), (blue, green, red), number
        )
        base += height
    handle: list[Tube] = [((-0.22, side, 0.7), (-0.24, side, 1.2), 0.018, _STEEL) for side in (-0.14, 0.14)]
    handle.append(((-0.24, -0.14, 1.2), (-0.24, 0.14, 1.2), 0.022, _RUBBER))
    return join([faces_outline(sheets.faces(), motion, optics), _tubes(handle, motion, optics)])


def mannequin(rng: Random, motion: Motion, optics: Pinhole) -> Outline:
    """A stiff naked figure of one colour on a rolling plate, one arm raised, with no face."""
    wax = _WAX[rng.integers(len(_WAX))]
    tubes: list[Tube] = [
        ((0.0, 0.0, 0.05), (0.0, 0.0, 0.06), 0.28, _STEEL),
        ((0.0, 0.1, 0.92), (0.0, 0.13, 0.1), 0.075, wax),
        ((0.0, -0.1, 0.92), (0.0, -0.13, 0.1), 0.075, wax),
        ((0.0, 0.0, 0.95), (0.0, 0.0, 1.38), 0.16, wax),
        ((0.0, -0.2, 1.4), (0.0, 0.2, 1.4), 0.07, wax),
        ((0.0, 0.24, 1.38), (0.12, 0.42, 1.75), 0.045, wax),
        ((0.0, -0.24, 1.38), (0.0, -0.42, 1.0), 0.045, wax),
        ((0.0, 0.0, 1.4), (0.0, 0.0, 1.58), 0.05, wax),
        ((0.0, 0.0, 1.62), (0.0, 0.0, 1.7), 0.1, wax),
    ]
    return _tubes(tubes, motion, optics)
