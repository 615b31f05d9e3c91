"""What does not move: textured rectangles in space, cast into a picture with its depth."""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from simulation.world.optics import Floats, Pinhole

Picture = npt.NDArray[np.uint8]  # (H, W, 3) BGR
Point = tuple[float, float, float]

_SUPERSAMPLING = 2
_SKY_BGR = (205, 190, 175)
_FAR_M = 1e3


@dataclasses.dataclass(frozen=True)
class Panel:
    """A rectangle with a picture on it; row 0 of the texture is at ``corner + rise``."""

    corner: Point
    run: Point
    """From the corner along the texture's rows."""
    rise: Point
    """From the corner up the texture's columns."""
    texture: Picture
    is_ground: bool = False


@dataclasses.dataclass(frozen=True)
class Stage:
    """An empty scene as one camera sees it, evenly lit."""

    albedo: Picture
    depth: npt.NDArray[np.float32]  # (H, W) metres
    is_ground: npt.NDArray[np.bool_]  # (H, W)
    places: npt.NDArray[np.float32]  # (H, W, 3) world metres, far away where there is sky


def _hit(panel: Panel, optics: Pinhole, directions: Floats) -> tuple[Floats, Floats, Floats]:
    """Where rays meet a panel: depth, and place along run and rise as fractions."""
    run, rise = np.array(panel.run), np.array(panel.rise)
    normal = np.cross(run, rise)
    offset = np.array(panel.corner) - optics.position
    facing = directions @ normal
    depth = (offset @ normal) / np.where(np.abs(facing) < 1e-9, 1e-9, facing)
    on_panel = directions * depth[..., None] - offset
    return depth, on_panel @ run / (run @ run), on_panel @ rise / (rise @ rise)


def _paint(panel: Panel, along: Floats, above: Floats) -> Picture:
    rows, columns = panel.texture.shape[:2]
    across_px = (along * (columns - 1)).astype(np.float32)
    down_px = ((1 - above) * (rows - 1)).astype(np.float32)
    return np.asarray(
        cv2.remap(panel.texture, across_px, down_px, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def cast(panels: Sequence[Panel], optics: Pinhole, size: tuple[int, int]) -> Stage:
    """Renders panels into a picture by casting one ray per (super-sampled) pixel.

    Args:
        panels: The scenery.
        optics: The camera.
        size: Width and height of the result in pixels.

    Returns:
        The stage, anti-aliased; its depth is that of the pixel's centre.
    """
    width, height = size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING
    across, down = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    directions = optics.rays(np.stack([across, down], axis=-1))
    colour = np.full((height, width, 3), _SKY_BGR, dtype=np.uint8)
    depth = np.full((height, width), _FAR_M)
    is_ground = np.zeros((height, width), dtype=bool)
    for panel in panels:
        rows, columns = _window(panel, optics, (width, height))
        hit_depth, along, above = _hit(panel, optics, directions[rows, columns])
        inside = (along >= 0) & (along <= 1) & (above >= 0) & (above <= 1)
        nearer = inside & (hit_depth > 0) & (hit_depth < depth[rows, columns])
        if not nearer.any():
            continue
        np.copyto(colour[rows, columns], _paint(panel, along, above), where=nearer[..., None])
        np.copyto(depth[rows, columns], hit_depth, where=nearer)
        is_ground[rows, columns][nearer] = panel.is_ground
    places = optics.position + directions * depth[..., None]
    small = slice(None, None, _SUPERSAMPLING)
    return Stage(
        np.asarray(cv2.resize(colour, size, interpolation=cv2.INTER_AREA), np.uint8),
        depth[small, small].astype(np.float32),
        is_ground[small, small],
        places[small, small].astype(np.float32),
    )


def _window(panel: Panel, optics: Pinhole, size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns a panel may cover: all of them where it reaches behind the lens."""
    corner, run, rise = np.array(panel.corner), np.array(panel.run), np.array(panel.rise)
    corners = np.stack([corner, corner + run, corner + rise, corner + run + rise])
    if ((corners - optics.position) @ optics.axes[2]).min() < 0.3:
        return slice(0, size[1]), slice(0, size[0])
    places = optics.project_fraction(corners) * size
    low = np.clip(np.floor(places.min(axis=0)) - 1, 0, size).astype(int)
    high = np.clip(np.ceil(places.max(axis=0)) + 1, 0, size).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def box(low: Point, high: Point, sides: Picture, top: Picture) -> list[Panel]:
    """The four walls and the top of an axis-parallel block from corner ``low`` to corner ``high``."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    wide, deep, tall = x1 - x0, y1 - y0, z1 - z0
    return [
        Panel((x0, y0, z0), (wide, 0, 0), (0, 0, tall), sides),
        Panel((x1, y1, z0), (-wide, 0, 0), (0, 0, tall), sides),
        Panel((x0, y1, z0), (0, -deep, 0), (0, 0, tall), sides),
        Panel((x1, y0, z0), (0, deep, 0), (0, 0, tall), sides),
        Panel((x0, y0, z1), (wide, 0, 0), (0, deep, 0), top),
    ]
