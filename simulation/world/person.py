"""People: a jointed figure whose limbs swing with the way it has gone, dressed from a random stream.

Proportions are shares of body height. Angles are radians, positive forwards.
"""

import dataclasses
import enum

import numpy as np

from simulation.world.optics import Floats, Pinhole
from simulation.world.outline import Colour, Rods
from simulation.world.route import Motion

_THIGH, _SHIN, _FOOT, _UPPER_ARM, _FOREARM = 0.245, 0.235, 0.085, 0.165, 0.15
_HIP, _HIP_WIDTH, _SHOULDER, _SHOULDER_WIDTH = 0.52, 0.05, 0.3, 0.105
_WALK_M_S = 1.3
_RUN_M_S = 2.4


class Posture(enum.Enum):
    """What the body does besides walking."""

    FREE = "free"
    PUSHING = "pushing"
    RIDING = "riding"
    SITTING = "sitting"


@dataclasses.dataclass(frozen=True)
class Look:
    """Build and clothes of one person."""

    height_m: float
    girth: float
    skin: Colour
    hair: Colour
    top: Colour
    legs: Colour
    shoes: Colour
    bands: tuple[tuple[float, float, Colour], ...] = ()
    """Stripes around the torso: from and to, 0 at the hips and 1 at the shoulders, and colour."""
    emblem: Colour | None = None
    backpack: Colour | None = None
    handbag: Colour | None = None
    has_sleeves: bool = True
    has_skirt: bool = False


def _shade(rng: np.random.Generator, low: int, high: int) -> Colour:
    mixed = rng.integers(low, high, 3)
    blue, green, red = (0.7 * mixed + 0.3 * mixed.mean()).tolist()
    return blue, green, red


def civilian(rng: np.random.Generator) -> Look:
    """An ordinary person."""
    tan = rng.uniform(0.35, 1.0)
    accent = _shade(rng, 20, 245)
    stripes = tuple((at, at + 0.12, accent) for at in (0.15, 0.42, 0.69))
    hair = ((22, 22, 26), (35, 55, 85), (60, 110, 160), (170, 172, 175), (30, 40, 110))[rng.integers(5)]
    return Look(
        height_m=float(np.clip(rng.normal(1.72, 0.09), 1.5, 1.95)),
        girth=float(rng.uniform(0.88, 1.25)),
        skin=(150 * tan, 175 * tan, 225 * tan),
        hair=hair,
        top=_shade(rng, 25, 240),
        legs=_shade(rng, 20, 120) if rng.random() < 0.75 else _shade(rng, 110, 210),
        shoes=_shade(rng, 15, 90) if rng.random() < 0.6 else (225.0, 225.0, 228.0),
        bands=(stripes, ((0.0, 0.45, accent),), ())[rng.integers(3)],
        emblem=accent if rng.random() < 0.4 else None,
        backpack=_shade(rng, 20, 150) if rng.random() < 0.3 else None,
        handbag=_shade(rng, 20, 220) if rng.random() < 0.35 else None,
        has_sleeves=bool(rng.random() < 0.65),
        has_skirt=bool(rng.random() < 0.2),
    )


def worker(rng: np.random.Generator, vest: Colour) -> Look:
    """A person in the shop's dark clothes and a vest with reflecting stripes."""
    silver = (215.0, 222.0, 222.0)
    return dataclasses.replace(
        civilian(rng),
        top=vest,
        legs=(52.0, 40.0, 36.0),
        bands=((0.22, 0.34, silver), (0.58, 0.7, silver)),
        emblem=None,
        backpack=None,
        handbag=None,
        has_sleeves=True,
        has_skirt=False,
    )


def guard(rng: np.random.Generator) -> Look:
    """A watchman: black uniform, cap, yellow band."""
    look = worker(rng, (30.0, 28.0, 28.0))
    return dataclasses.replace(
        look, hair=(25.0, 22.0, 20.0), legs=(28.0, 26.0, 26.0), bands=((0.5, 0.66, (60, 215, 225)),)
    )


@dataclasses.dataclass(frozen=True)
class Pose:
    """Joint angles by frame, each ``(F,)``; pairs are left and right."""

    lean: Floats
    thigh: tuple[Floats, Floats]
    knee: tuple[Floats, Floats]
    arm: tuple[Floats, Floats]
    elbow: tuple[Floats, Floats]
    seat_m: float | None = None
    """Height of the pelvis, where something carries it."""


def pose_of(motion: Motion, look: Look, posture: Posture) -> Pose:
    """The joint angles of a body that moves like this."""
    still = np.zeros_like(motion.speed)
    if posture is Posture.SITTING:
        bent, hands = still + 1.45, still + 0.5
        return Pose(still, (bent, bent), (bent, bent), (hands, hands), (bent * 0.6, bent * 0.6), 0.56)
    if posture is Posture.RIDING:
        crank = motion.travelled / 2.6 * 2 * np.pi
        thighs = tuple(0.95 + 0.38 * np.sin(crank + shift) for shift in (0.0, np.pi))
        knees = tuple(1.3 + 0.42 * np.cos(crank + shift + 0.9) for shift in (0.0, np.pi))
        reach = still + 1.0
        return Pose(
            still + 0.55, (thighs[0], thighs[1]), (knees[0], knees[1]), (reach, reach), (still + 0.1,) * 2, 0.98
        )
    return _walking_pose(motion, look, posture)


def _walking_pose(motion: Motion, look: Look, posture: Posture) -> Pose:
    going = np.clip(motion.speed / _WALK_M_S, 0.0, 1.0)
    running = np.clip((motion.speed - _RUN_M_S) / 1.0, 0.0, 1.0)
    stride_m = look.height_m * (0.8 + 0.55 * running)
    phase = 2 * np.pi * motion.travelled / stride_m
    phases = (phase, phase + np.pi)
    swing = going * (0.42 + 0.22 * running)
    lift = going * (0.85 + 0.8 * running)
    sway = (1 - going) * 0.04 * np.sin(motion.time_s * 1.3 + look.height_m * 40)
    thigh = tuple(swing * np.sin(angle) + 0.25 * running for angle in phases)
    knee = tuple(0.06 + lift * np.maximum(0.0, np.cos(angle)) for angle in phases)
    if posture is Posture.PUSHING:
        ahead = np.full_like(phase, 0.75)
        arm, elbow = (ahead, ahead), (ahead * 0.8, ahead * 0.8)
    else:
        arm = (-swing * 0.85 * np.sin(phase) + sway, swing * 0.85 * np.sin(phase) - sway)
        elbow = (0.18 + 1.25 * running, 0.18 + 1.25 * running)
    return Pose(0.03 + 0.2 * running + sway, (thigh[0], thigh[1]), (knee[0], knee[1]), arm, elbow)


def _offset(forward: Floats | float, left: float, up: Floats | float, frames: int) -> Floats:
    parts = (np.broadcast_to(np.asarray(value, dtype=np.float64), (frames,)) for value in (forward, left, up))
    return np.stack(tuple(parts), axis=-1)


def _swung(angle: Floats, length: float, outward: float = 0.0) -> Floats:
    """A bone hanging down, swung forwards by ``angle``. ``(F, 3)``."""
    return _offset(length * np.sin(angle), outward * length, -length * np.cos(angle), len(angle))


class _Parts:
    """Collects rods; it is filled once and then only read."""

    def __init__(self) -> None:
        self.rows: list[tuple[Floats, Floats, Floats, Floats]] = []
        self.fixed: list[tuple[float, float, Colour]] = []

    def add(self, ends: tuple[Floats, Floats], radius: tuple[Floats | float, Floats | float], colour: Colour,
            shape: tuple[float, float] = (1.0, 0.0)) -> None:  # fmt: skip
        """Adds a rod; ``shape`` is roundness and forwardness."""
        frames = len(ends[0])
        first, last = (np.broadcast_to(np.asarray(value, dtype=np.float64), (frames,)) for value in radius)
        self.rows.append((ends[0], ends[1], first, last))
        self.fixed.append((*shape, colour))

    def rods(self) -> Rods:
        """All rods as arrays."""
        start, end, first, last = (np.stack(column, axis=1) for column in zip(*self.rows, strict=True))
        roundness, forwardness, colours = (
            np.array(column, dtype=np.float64) for column in zip(*self.fixed, strict=True)
        )
        return Rods(start, end, np.stack([first, last], axis=-1), roundness, forwardness, colours)


def _view(motion: Motion, optics: Pinhole) -> tuple[Floats, Floats]:
    """How much of the body's breadth and of its thickness the camera sees, each ``(F,)`` from 0 to 1."""
    towards = motion.place - optics.position[:2]
    bearing = np.arctan2(towards[:, 1], towards[:, 0]) - motion.heading
    return np.abs(np.cos(bearing)), np.abs(np.sin(bearing))


def _add_legs(parts: _Parts, pelvis: Floats, pose: Pose, look: Look) -> None:
    tall, frames = look.height_m, len(pelvis)
    lower = look.skin if look.has_skirt else look.legs
    for side, thigh, knee in zip((1, -1), pose.thigh, pose.knee, strict=True):
        hip = pelvis + _offset(0.0, side * _HIP_WIDTH * tall, 0.0, frames)
        bend = hip + _swung(thigh, _THIGH * tall)
        ankle = bend + _swung(thigh - knee, _SHIN * tall)
        toe = ankle + _offset(_FOOT * tall * np.cos(thigh - knee), 0.0, _FOOT * tall * np.sin(thigh - knee), frames)
        parts.add((ankle, toe), (0.022 * tall, 0.017 * tall), look.shoes)
        parts.add((bend, ankle), (0.031 * tall, 0.021 * tall), lower)
        parts.add((hip, bend), (0.046 * tall * look.girth, 0.034 * tall), look.legs)


def _add_arms(parts: _Parts, chest: Floats, pose: Pose, look: Look) -> None:
    tall, frames = look.height_m, len(chest)
    for side, arm, elbow in zip((1, -1), pose.arm, pose.elbow, strict=True):
        shoulder = chest + _offset(0.0, side * _SHOULDER_WIDTH * tall * look.girth, -0.02 * tall, frames)
        bend = shoulder + _swung(arm, _UPPER_ARM * tall, side * 0.16)
        wrist = bend + _swung(arm + elbow, _FOREARM * tall)
        parts.add((bend, wrist), (0.021 * tall, 0.016 * tall), look.top if look.has_sleeves else look.skin, (1.0, 0.02))
        parts.add((wrist, wrist + 0.01), (0.02 * tall, 0.02 * tall), look.skin, (1.0, 0.03))
        parts.add((shoulder, bend), (0.029 * tall, 0.024 * tall), look.top, (1.0, 0.02))
        if side == 1 and look.handbag is not None:
            low = wrist + _offset(0.0, 0.0, -0.16 * tall, frames)
            parts.add((wrist + _offset(0.0, 0.0, -0.06 * tall, frames), low), (0.05, 0.11), look.handbag, (0.25, 0.0))


def _add_trunk(parts: _Parts, pelvis: Floats, chest: Floats, look: Look, seen: tuple[Floats, Floats]) -> None:
    tall, frames = look.height_m, len(pelvis)
    breadth, thickness = seen
    wide = tall * look.girth * np.hypot(0.112 * breadth, 0.066 * thickness)
    narrow = tall * look.girth * np.hypot(0.088 * breadth, 0.066 * thickness)
    hem = pelvis + _offset(0.0, 0.0, -0.2 * tall if look.has_skirt else -0.03 * tall, frames)
    skirt = 1.35 if look.has_skirt else 1.0
    parts.add((hem, pelvis + 0.15 * (chest - pelvis)), (narrow * skirt, narrow), look.legs, (0.3, 0.0))
    parts.add((pelvis + 0.05 * (chest - pelvis), chest), (narrow, wide), look.top, (0.35, 0.01))
    for low, high, colour in look.bands:
        ends = pelvis + low * (chest - pelvis), pelvis + high * (chest - pelvis)
        parts.add(ends, (narrow + low * (wide - narrow), narrow + high * (wide - narrow)), colour, (0.0, 0.02))
    if look.emblem is not None:
        spot = pelvis + 0.7 * (chest - pelvis) + _offset(0.12, 0.0, 0.0, frames)
        parts.add(
            (spot, spot - _offset(0.0, 0.0, 0.08, frames)), (0.08 * breadth, 0.08 * breadth), look.emblem, (0.3, 0.0)
        )
    if look.backpack is not None:
        behind = pelvis + _offset(-0.19, 0.0, 0.0, frames)
        ends = behind + 0.25 * (chest - pelvis), behind + 0.85 * (chest - pelvis)
        reach = np.hypot(0.16 * breadth, 0.11 * thickness)
        parts.add(ends, (reach, reach * 0.85), look.backpack, (0.45, 0.0))


def _add_head(parts: _Parts, chest: Floats, lean: Floats, look: Look) -> None:
    tall, frames = look.height_m, len(chest)
    neck = chest + _offset(0.02 * tall, 0.0, 0.05 * tall, frames)
    head = chest + _offset(0.02 * tall + 0.05 * lean, 0.0, 0.105 * tall, frames)
    crown = head + _offset(-0.014 * tall, 0.0, 0.034 * tall, frames)
    nape = head + _offset(-0.03 * tall, 0.0, -0.02 * tall, frames)
    parts.add((chest, neck), (0.034 * tall, 0.03 * tall), look.skin)
    parts.add((head - _offset(0.0, 0.0, 0.02 * tall, frames), head + _offset(0.0, 0.0, 0.02 * tall, frames)),
              (0.046 * tall, 0.05 * tall), look.skin)  # fmt: skip
    parts.add((nape, crown), (0.047 * tall, 0.055 * tall), look.hair, (0.9, -0.005))


def person(look: Look, motion: Motion, posture: Posture, optics: Pinhole) -> Rods:
    """The figure in every frame of ``motion``.

    Its lowest foot stands on the ground, so that the body rises and falls with its steps.

    Returns:
        Rods in the body's own axes, ``(F, P, ...)``.
    """
    return posed(look, motion, pose_of(motion, look, posture), optics)


def posed(look: Look, motion: Motion, pose: Pose, optics: Pinhole) -> Rods:
    """The figure in a given pose: rods in the body's own axes, ``(F, P, ...)``."""
    frames, tall = len(motion.speed), look.height_m
    drops = [_THIGH * np.cos(thigh) + _SHIN * np.cos(thigh - knee)
             for thigh, knee in zip(pose.thigh, pose.knee, strict=True)]  # fmt: skip
    standing = tall * (np.maximum(*drops) + 0.025)
    pelvis = _offset(0.0, 0.0, standing if pose.seat_m is None else pose.seat_m, frames)
    trunk = tall * _SHOULDER
    chest = pelvis + _offset(trunk * np.sin(pose.lean), 0.0, trunk * np.cos(pose.lean), frames)
    parts = _Parts()
    _add_legs(parts, pelvis, pose, look)
    _add_trunk(parts, pelvis, chest, look, _view(motion, optics))
    _add_arms(parts, chest, pose, look)
    _add_head(parts, chest, pose.lean, look)
    return parts.rods()
