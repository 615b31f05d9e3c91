"""The pinhole camera: from metres over a ground plane to places in the picture.

World axes: x right, y away from the camera's wall, z up, in metres; z = 0 is the ground. Picture coordinates are in
picture heights (x from 0 to ``ASPECT``, y down from 0 to 1), so that circles stay round; a picture of another aspect
ratio is the same picture stretched, and boxes and zones, being fractions, hold for every size.
"""

import dataclasses
import functools

import numpy as np
import numpy.typing as npt
import shapely

Floats = npt.NDArray[np.float64]

ASPECT = 1.5
_NEAR_M = 0.2
_FAR_M = 60.0


@dataclasses.dataclass(frozen=True)
class Pinhole:
    """A camera on a wall or pole: where it hangs and where it looks."""

    x_m: float
    y_m: float
    height_m: float
    pan_rad: float
    """Turn to the right, seen from above."""
    tilt_rad: float
    """Downwards from the horizon."""
    roll_rad: float
    focal: float
    """Focal length in picture heights."""
    is_mirrored: bool
    """Swaps left and right of the picture, so that one layout gives two."""

    @functools.cached_property
    def position(self) -> Floats:
        """Where the lens is. ``(3,)`` metres."""
        return np.array([self.x_m, self.y_m, self.height_m])

    @functools.cached_property
    def axes(self) -> Floats:
        """Rows: right, up and forward of the camera in the world. ``(3, 3)`` orthonormal."""
        pan, tilt, roll = self.pan_rad, self.tilt_rad, self.roll_rad
        forward = np.array([np.sin(pan) * np.cos(tilt), np.cos(pan) * np.cos(tilt), -np.sin(tilt)])
        right = np.array([np.cos(pan), -np.sin(pan), 0.0])
        up = np.cross(right, forward)
        turned = np.cos(roll) * right + np.sin(roll) * up
        return np.stack([turned, np.cross(turned, forward), forward])

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Projects world points.

        Args:
            points: ``(..., 3)`` metres.

        Returns:
            Picture coordinates ``(..., 2)`` in picture heights, and depth ``(...)`` in metres along the line of
            sight, never below a small positive bound.
        """
        seen = (points - self.position) @ self.axes.T
        depth = np.maximum(seen[..., 2], _NEAR_M)
        side = -1.0 if self.is_mirrored else 1.0
        across = ASPECT / 2 + side * self.focal * seen[..., 0] / depth
        down = 0.5 - self.focal * seen[..., 1] / depth
        return np.stack([across, down], axis=-1), depth

    def project_fraction(self, points: Floats) -> Floats:
        """Projects world points ``(..., 3)`` to fractions of the frame ``(..., 2)``."""
        return self.project(points)[0] / [ASPECT, 1.0]

    def rays(self, fractions: Floats) -> Floats:
        """World directions of picture places, scaled to a depth of one metre.

        Args:
            fractions: Places as fractions of the frame. ``(..., 2)``.

        Returns:
            Directions ``(..., 3)``.
        """
        side = -1.0 if self.is_mirrored else 1.0
        right = side * (fractions[..., 0] - 0.5) * ASPECT / self.focal
        up = (0.5 - fractions[..., 1]) / self.focal
        return np.stack([right, up, np.ones_like(up)], axis=-1) @ self.axes

    def ground_in_view(self) -> shapely.Polygon:
        """The part of the ground in the picture, up to a far bound. Metres."""
        steps = np.linspace(0.0, 1.0, 9)
        edge = [*((x, 1.0) for x in steps), *((1.0, y) for y in steps[::-1]), *((0.0, y) for y in steps)]
        directions = self.rays(np.array(edge))
        falls = directions[:, 2] < -self.height_m / _FAR_M
        reach = self.height_m / -directions[falls, 2]
        points = (self.position + directions[falls] * reach[:, None])[:, :2]
        hull = shapely.MultiPoint(points).convex_hull
        return hull if isinstance(hull, shapely.Polygon) else shapely.Polygon()
