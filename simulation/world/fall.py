"""A fall: a walking figure collapses onto its front, its back, its knees or its seat, and goes on stirring.

The joints bend from the pose of the walk to that of the fall while the whole figure tips over about its pelvis and
comes to rest on the ground. Angles are radians, positive forwards.
"""

import dataclasses
import enum

import numpy as np

from simulation.world.optics import Floats, Pinhole
from simulation.world.outline import Rods
from simulation.world.person import Look, Pose, Posture, pose_of, posed
from simulation.world.route import Motion

_STIR_HZ = 0.8


class Manner(enum.Enum):
    """How somebody comes to lie."""

    ONTO_FRONT = "onto_front"
    ONTO_BACK = "onto_back"
    ONTO_KNEES = "onto_knees"
    ONTO_SEAT = "onto_seat"


@dataclasses.dataclass(frozen=True)
class Fall:
    """One fall of one person."""

    manner: Manner
    begins_s: float
    """When in the clip."""

    @property
    def stretches_out(self) -> bool:
        """Whether it ends at full length on the ground."""
        return self.manner in (Manner.ONTO_FRONT, Manner.ONTO_BACK)


@dataclasses.dataclass(frozen=True)
class _Rest:
    """Where a fall ends: joint angles, how far each stirs, and how far the figure has tipped over."""

    lean: float
    thigh: tuple[float, float]
    knee: tuple[float, float]
    arm: tuple[float, float]
    elbow: float
    tip: float
    stir: float
    lasts_s: float


_RESTS = {
    Manner.ONTO_FRONT: _Rest(0.0, (0.05, 0.35), (0.25, 0.9), (2.75, 2.1), 0.3, 1.5, 0.3, 1.0),
    Manner.ONTO_BACK: _Rest(0.0, (0.75, 0.2), (1.1, 0.3), (-3.0, 1.4), 0.3, -1.5, 0.35, 1.0),
    Manner.ONTO_KNEES: _Rest(0.6, (0.15, -0.1), (2.05, 1.8), (2.6, 0.9), 0.4, 0.0, 0.25, 0.8),
    Manner.ONTO_SEAT: _Rest(-0.6, (1.5, 2.0), (0.1, 1.7), (2.7, -0.6), 0.0, 0.0, 0.25, 0.8),
}


def progress(fall: Fall, motion: Motion) -> Floats:
    """How far a fall has come, 0 while walking and 1 at rest. ``(F,)``."""
    share = np.clip((motion.time_s - fall.begins_s) / _RESTS[fall.manner].lasts_s, 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share))


def falling(look: Look, motion: Motion, fall: Fall, optics: Pinhole) -> Rods:
    """The figure of somebody who walks and then falls: rods in its own axes, ``(F, P, ...)``."""
    rest, down = _RESTS[fall.manner], progress(fall, motion)
    rods = posed(look, motion, _bent(pose_of(motion, look, Posture.FREE), rest, down, motion), optics)
    return _settled(_tipped(rods, rest.tip * down, 0.5 * look.height_m), down)


def _bent(walk: Pose, rest: _Rest, down: Floats, motion: Motion) -> Pose:
    stir = rest.stir * np.sin(2 * np.pi * _STIR_HZ * motion.time_s)

    def towards(angle: Floats, end: float, share: float) -> Floats:
        return np.asarray(angle + down * (end + share * stir - angle))

    return Pose(
        towards(walk.lean, rest.lean, 0.3),
        (towards(walk.thigh[0], rest.thigh[0], 0.4), towards(walk.thigh[1], rest.thigh[1], -1.0)),
        (towards(walk.knee[0], rest.knee[0], 0.4), towards(walk.knee[1], rest.knee[1], -1.0)),
        (towards(walk.arm[0], rest.arm[0], 1.0), towards(walk.arm[1], rest.arm[1], -1.4)),
        (towards(walk.elbow[0], rest.elbow, 0.5), towards(walk.elbow[1], rest.elbow, -1.0)),
    )


def _tipped(rods: Rods, angle: Floats, pivot_m: float) -> Rods:
    """The rods turned forwards about an axis across the body at the height of the pelvis."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]

    def turned(points: Floats) -> Floats:
        forward, up = points[..., 0], points[..., 2] - pivot_m
        return np.stack([forward * cos + up * sin, points[..., 1], up * cos - forward * sin + pivot_m], axis=-1)

    return dataclasses.replace(rods, start=turned(rods.start), end=turned(rods.end))


def _settled(rods: Rods, down: Floats) -> Rods:
    """The rods let down, or raised, until the lowest touches the ground at rest."""
    lowest = np.minimum(rods.start[..., 2] - rods.radius[..., 0], rods.end[..., 2] - rods.radius[..., 1]).min(axis=1)
    drop = np.zeros((len(down), 1, 3))
    drop[:, 0, 2] = down * lowest
    return dataclasses.replace(rods, start=rods.start - drop, end=rods.end - drop)
