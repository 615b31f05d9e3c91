"""What has no business here but walks like those who have: a donkey, a robot on legs, a mascot; in their own axes."""

import dataclasses

import numpy as np

from simulation.world import person
from simulation.world.optics import Floats, Pinhole
from simulation.world.outline import Colour, Outline, Rods, faces_outline, join, rods_outline
from simulation.world.person import Posture
from simulation.world.props import Sheets, Tube, rigid
from simulation.world.route import Motion

Random = np.random.Generator

_HOOF: Colour = (30.0, 30.0, 34.0)
_DARK: Colour = (34.0, 32.0, 30.0)
_BRIGHT: tuple[Colour, ...] = ((60.0, 210.0, 245.0), (180.0, 110.0, 240.0), (215.0, 190.0, 40.0), (50.0, 130.0, 250.0))
_COATS: tuple[tuple[Colour, Colour], ...] = (
    ((120.0, 122.0, 126.0), (205.0, 208.0, 212.0)),
    ((50.0, 75.0, 110.0), (170.0, 190.0, 205.0)),
    ((205.0, 212.0, 218.0), (120.0, 130.0, 150.0)),
)


def _leg(hip: tuple[float, float, float], phase: Floats, swing: Floats, size: float) -> list[tuple[Floats, Floats]]:
    """Upper and lower bone of a striding leg ``size`` metres long, each from and to ``(F, 3)``."""
    top = np.broadcast_to(np.array(hip), (len(phase), 3))
    thigh, knee = swing * np.sin(phase), 0.05 + 1.6 * swing * np.maximum(0.0, np.cos(phase))
    bend = top + _bone(thigh, 0.5 * size)
    return [(top, bend), (bend, bend + _bone(thigh - knee, 0.5 * size))]


def _bone(angle: Floats, length: float) -> Floats:
    return np.stack([length * np.sin(angle), np.zeros_like(angle), -length * np.cos(angle)], axis=-1)


def _striding(
    motion: Motion, hips: list[tuple[float, float, float, float]], radius: tuple[float, float], colour: Colour
) -> Rods:
    """Legs below ``hips`` (place and phase), moving with the way gone."""
    stride_m = 1.1 * hips[0][2] + 0.2
    turn = 2 * np.pi * motion.travelled / stride_m
    swing = 0.34 * np.clip(motion.speed, 0.0, 1.0)
    bones = [bone for x, y, z, phase in hips for bone in _leg((x, y, z), turn + phase, swing, z - 0.04)]
    start, end = (np.stack(ends, axis=1) for ends in zip(*bones, strict=True))
    thick = np.array([radius, (radius[1], 0.8 * radius[1])] * len(hips))
    colours = np.array([colour, tuple(0.8 * value for value in colour)] * len(hips))
    parts = len(bones)
    radii = np.broadcast_to(thick, (len(motion.speed), parts, 2))
    return Rods(start, end, radii, np.ones(parts), np.zeros(parts), colours)


def donkey(rng: Random, motion: Motion, optics: Pinhole) -> Outline:
    """A donkey without a rider."""
    coat, muzzle = _COATS[rng.integers(len(_COATS))]
    mane: Colour = (coat[0] * 0.4, coat[1] * 0.4, coat[2] * 0.4)
    tubes: list[Tube] = [
        ((-0.3, 0.0, 0.9), (0.28, 0.0, 0.88), 0.26, coat),
        ((-0.22, 0.0, 0.7), (0.22, 0.0, 0.7), 0.16, muzzle),
        ((0.32, 0.0, 0.98), (0.46, 0.0, 1.28), 0.14, coat),
        ((0.26, 0.0, 1.12), (0.4, 0.0, 1.37), 0.07, mane),
        ((0.46, 0.0, 1.32), (0.62, 0.0, 1.14), 0.105, coat),
        ((0.62, 0.0, 1.13), (0.68, 0.0, 1.06), 0.09, muzzle),
        ((-0.5, 0.0, 1.0), (-0.57, 0.0, 0.55), 0.035, mane),
    ]
    tubes += [((0.43, side, 1.4), (0.38, 1.6 * side, 1.66), 0.045, mane) for side in (-0.07, 0.07)]
    gait = ((0.3, 0.13, 0.0), (0.3, -0.13, np.pi), (-0.3, 0.13, np.pi), (-0.3, -0.13, 0.0))
    legs = _striding(motion, [(x, y, 0.75, phase) for x, y, phase in gait], (0.1, 0.055), coat)
    return join([rods_outline(legs, motion, optics), rods_outline(rigid(tubes, len(motion.speed)), motion, optics)])


def robot(rng: Random, motion: Motion, optics: Pinhole) -> Outline:
    """A robot on two legs: a cargo box with a lid, a dark screen in front and lamps."""
    colour = ((232.0, 232.0, 230.0), (40.0, 140.0, 245.0), (225.0, 200.0, 60.0))[rng.integers(3)]
    lamp = _BRIGHT[rng.integers(len(_BRIGHT))]
    sheets = Sheets()
    sheets.block((-0.22, -0.22, 0.74), (0.22, 0.22, 1.42), colour, 0)
    sheets.block((-0.25, -0.25, 1.42), (0.25, 0.25, 1.58), _DARK, 1)
    sheets.pane([(0.18, 0.23, 1.02), (-0.18, 0.23, 1.02), (-0.18, 0.23, 1.18), (0.18, 0.23, 1.18)], lamp, 4)
    sheets.add([(0.23, -0.17, 0.92), (0.23, 0.17, 0.92), (0.23, 0.17, 1.36), (0.23, -0.17, 1.36)], _DARK, 4)
    sheets.add([(-0.23, 0.17, 0.88), (-0.23, -0.17, 0.88), (-0.23, -0.17, 1.0), (-0.23, 0.17, 1.0)], lamp, 4)
    mast: list[Tube] = [
        ((-0.12, 0.0, 1.58), (-0.12, 0.0, 1.64), 0.04, _DARK), ((-0.12, 0.0, 1.66), (-0.12, 0.0, 1.68), 0.06, lamp),
    ]  # fmt: skip
    legs = _striding(motion, [(0.0, 0.14, 0.8, 0.0), (0.0, -0.14, 0.8, np.pi)], (0.07, 0.055), (96.0, 94.0, 90.0))
    head = rods_outline(rigid(mast, len(motion.speed)), motion, optics)
    return join([rods_outline(legs, motion, optics), faces_outline(sheets.faces(), motion, optics), head])


def mascot(rng: Random, motion: Motion, optics: Pinhole) -> Outline:
    """Somebody in a costume: a huge head with ears above a round belly, one glaring colour all over."""
    first = int(rng.integers(len(_BRIGHT)))
    fur, belly = _BRIGHT[first], _BRIGHT[(first + 1 + int(rng.integers(len(_BRIGHT) - 1))) % len(_BRIGHT)]
    look = dataclasses.replace(
        person.civilian(rng), height_m=1.35, girth=1.2, skin=fur, hair=fur, top=fur, legs=fur, shoes=_DARK,
        bands=(), emblem=None, backpack=None, handbag=None, has_sleeves=True, has_skirt=False,
    )  # fmt: skip
    white: Colour = (240.0, 240.0, 240.0)
    tubes: list[Tube] = [
        ((0.0, 0.0, 0.72), (0.0, 0.0, 0.9), 0.26, fur),
        ((0.1, 0.0, 0.74), (0.1, 0.0, 0.86), 0.18, belly),
        ((0.02, 0.0, 1.32), (0.02, 0.0, 1.42), 0.25, fur),
        ((0.2, 0.0, 1.26), (0.22, 0.0, 1.26), 0.11, white),
    ]
    for side in (-1.0, 1.0):
        tubes.append(((0.0, 0.17 * side, 1.58), (0.0, 0.2 * side, 1.66), 0.085, belly))
        tubes.append(((0.22, 0.1 * side, 1.43), (0.23, 0.1 * side, 1.45), 0.055, white))
        tubes.append(((0.26, 0.1 * side, 1.43), (0.27, 0.1 * side, 1.45), 0.028, _DARK))
    body = rods_outline(person.person(look, motion, Posture.FREE, optics), motion, optics)
    return join([body, rods_outline(rigid(tubes, len(motion.speed)), motion, optics)])
