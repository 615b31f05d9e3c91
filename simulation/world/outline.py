"""Solid bodies to polygons: rods (limbs, tubes) and faces (sheet metal) as one camera sees them.

Bodies are described in their own axes: x forward, y left, z up, metres, origin on the ground.
Letters in shapes: F frames, P parts, K corners of a polygon.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from simulation.world.optics import ASPECT, Floats, Pinhole
from simulation.world.route import Motion

Corner = tuple[float, float, float]
Colour = tuple[float, float, float]  # BGR, 0 to 255

CORNERS = 8
_LAYER_M = 0.02


@dataclasses.dataclass(frozen=True)
class Rods:
    """Tapered rods with rounded ends."""

    start: Floats  # (F, P, 3)
    end: Floats  # (F, P, 3)
    radius: Floats  # (F, P, 2) metres at start and end
    roundness: Floats  # (P,) how far the ends bulge: 1 is a half circle
    forwardness: Floats  # (P,) metres a part is drawn nearer than it is
    colours: Floats  # (P, 3)


@dataclasses.dataclass(frozen=True)
class Faces:
    """Flat convex faces of a stiff body, seen from outside only."""

    corners: Floats  # (P, K, 3) counter-clockwise from outside
    layer: Floats  # (P,) higher is drawn later
    colours: Floats  # (P, 3)


@dataclasses.dataclass(frozen=True)
class Outline:
    """Polygons of one body in a picture."""

    polygons: Floats  # (F, P, K, 2) fractions of the frame
    order: Floats  # (F, P) drawn from high to low
    is_shown: npt.NDArray[np.bool_]  # (F, P)
    colours: Floats  # (P, 3)

    def boxes(self) -> Floats:
        """Smallest box around what is shown in each frame, not cut at the picture's edge. ``(F, 4)`` xyxy fractions."""
        sides = np.ascontiguousarray(np.moveaxis(self.polygons, -1, 0))  # (2, F, P, K)
        hidden = ~self.is_shown[..., None]
        low = np.where(hidden, np.inf, sides).reshape(2, len(self.order), -1).min(axis=-1)
        high = np.where(hidden, -np.inf, sides).reshape(2, len(self.order), -1).max(axis=-1)
        return np.concatenate([low, high]).T


def to_world(motion: Motion, points: Floats) -> Floats:
    """Turns body points ``(F or 1, ..., 3)`` by the heading and moves them to the place: ``(F, ..., 3)``."""
    shape = (-1,) + (1,) * (points.ndim - 2)
    cos, sin = np.cos(motion.heading).reshape(shape), np.sin(motion.heading).reshape(shape)
    x = points[..., 0] * cos - points[..., 1] * sin + motion.place[:, 0].reshape(shape)
    y = points[..., 0] * sin + points[..., 1] * cos + motion.place[:, 1].reshape(shape)
    return np.stack([x, y, np.broadcast_to(points[..., 2], x.shape)], axis=-1)


def rods_outline(rods: Rods, motion: Motion, optics: Pinhole) -> Outline:
    """The rods' silhouettes."""
    start, near = optics.project(to_world(motion, rods.start))  # (F, P, 2), (F, P)
    end, far = optics.project(to_world(motion, rods.end))
    along = end - start
    length = np.linalg.norm(along, axis=-1, keepdims=True)
    along = np.where(length > 1e-6, along / np.maximum(length, 1e-6), [0.0, 1.0])[:, :, None]  # (F, P, 1, 2)
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    angles = np.linspace(-np.pi / 2, np.pi / 2, CORNERS // 2)
    bulge = np.cos(angles)[None, :, None] * rods.roundness[:, None, None]  # (P, K/2, 1)
    swing = np.sin(angles)[None, :, None]
    half = optics.focal * rods.radius / np.stack([near, far], axis=-1)  # (F, P, 2)
    back = start[:, :, None] + half[:, :, None, :1] * (swing * across - bulge * along)
    front = end[:, :, None] + half[:, :, None, 1:] * (-swing * across + bulge * along)
    polygons = np.concatenate([back, front], axis=2) / [ASPECT, 1.0]
    order = (near + far) / 2 - rods.forwardness
    return Outline(polygons, order, np.ones(order.shape, dtype=bool), rods.colours)


def faces_outline(faces: Faces, motion: Motion, optics: Pinhole) -> Outline:
    """The faces turned towards the camera."""
    world = to_world(motion, faces.corners[None])  # (F, P, K, 3)
    picture, _ = optics.project(world)
    normal = np.cross(world[:, :, 1] - world[:, :, 0], world[:, :, 2] - world[:, :, 0])
    is_shown = ((world[:, :, 0] - optics.position) * normal).sum(axis=-1) < 0
    centre = faces.corners.mean(axis=(0, 1), keepdims=True)
    depth = optics.project(to_world(motion, centre[0][None]))[1]  # (F, 1)
    order = np.broadcast_to(depth - _LAYER_M * faces.layer, is_shown.shape)
    missing = CORNERS - faces.corners.shape[1]
    polygons = np.concatenate([picture, np.repeat(picture[:, :, -1:], missing, axis=2)], axis=2)
    return Outline(polygons / [ASPECT, 1.0], order, is_shown, faces.colours)


def join(outlines: list[Outline]) -> Outline:
    """Several outlines of one body as one."""
    return Outline(
        np.concatenate([outline.polygons for outline in outlines], axis=1),
        np.concatenate([outline.order for outline in outlines], axis=1),
        np.concatenate([outline.is_shown for outline in outlines], axis=1),
        np.concatenate([outline.colours for outline in outlines], axis=0),
    )
