"""Ways through the world: waypoints in metres with pauses, turned into smooth motion at any frame rate.

Letters in shapes: F frames.
"""

import dataclasses
import itertools

import numpy as np
import numpy.typing as npt

from simulation.world.optics import Floats

_STEP_S = 0.05
_CORNER_S = 0.6
_TURN_S = 0.5
_MOVING_M_S = 0.15


@dataclasses.dataclass(frozen=True)
class Waypoint:
    """A place to pass, or to stay at for a while looking some way."""

    x_m: float
    y_m: float
    pause_s: float = 0.0
    face_rad: float | None = None
    """Where to look during the pause, from the x axis towards the y axis; left out: straight on."""


@dataclasses.dataclass(frozen=True)
class Route:
    """Waypoints passed at one speed, beginning at ``start_s`` of the clip (which may lie before it)."""

    waypoints: tuple[Waypoint, ...]
    speed_m_s: float
    start_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Time from the first waypoint to the end of the pause at the last."""
        return self._arrivals()[-1] + self.waypoints[-1].pause_s

    @property
    def arrival_s(self) -> float:
        """When in the clip the last waypoint is reached."""
        return self.start_s + self._arrivals()[-1]

    def started_at(self, start_s: float) -> "Route":
        """The same route begun at another time."""
        return dataclasses.replace(self, start_s=start_s)

    def _arrivals(self) -> list[float]:
        arrivals, clock = [0.0], 0.0
        for here, there in itertools.pairwise(self.waypoints):
            clock += here.pause_s + np.hypot(there.x_m - here.x_m, there.y_m - here.y_m) / self.speed_m_s
            arrivals.append(float(clock))
        return arrivals

    def knots(self) -> tuple[Floats, Floats, Floats]:
        """Times since the start, places and facing vectors between which motion is linear.

        Returns:
            ``(K,)`` seconds, ``(K, 2)`` metres, ``(K, 2)`` vectors, zero where the way itself says where to look.
        """
        times, places, faces = [], [], []
        for arrival, point in zip(self._arrivals(), self.waypoints, strict=True):
            for moment in (arrival, arrival + max(point.pause_s, 1e-6)):
                times.append(moment)
                places.append((point.x_m, point.y_m))
                looks = point.face_rad is not None and point.pause_s > 0
                faces.append((np.cos(point.face_rad or 0.0), np.sin(point.face_rad or 0.0)) if looks else (0.0, 0.0))
        return np.array(times), np.array(places), np.array(faces)


@dataclasses.dataclass(frozen=True)
class Motion:
    """Where something is and how it moves, frame by frame."""

    time_s: Floats  # (F,)
    place: Floats  # (F, 2) metres
    heading: Floats  # (F,) radians from the x axis
    travelled: Floats  # (F,) metres since the start of the route
    speed: Floats  # (F,) metres a second
    is_present: Floats  # (F,) 1 between start and end of the route, else 0

    def select(self, frames: npt.NDArray[np.int64]) -> "Motion":
        """The motion in some of the frames, given as indices."""
        values = {field.name: getattr(self, field.name)[frames] for field in dataclasses.fields(self)}
        return Motion(**values)


def _smooth(values: Floats, window_s: float) -> Floats:
    half = max(1, round(window_s / _STEP_S / 2))
    padded = np.concatenate([np.repeat(values[:1], half, 0), values, np.repeat(values[-1:], half, 0)])
    summed = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0)
    return np.asarray((summed[2 * half + 1 :] - summed[: -2 * half - 1]) / (2 * half + 1))


def _columns(times: Floats, knots: Floats, values: Floats) -> Floats:
    return np.stack([np.interp(times, knots, values[:, 0]), np.interp(times, knots, values[:, 1])], axis=-1)


def _hold_last(directions: Floats, is_known: npt.NDArray[np.bool_]) -> Floats:
    """Fills unknown directions with the last known one (at the start: the first known)."""
    known = np.flatnonzero(is_known)
    if len(known) == 0:
        return np.broadcast_to([0.0, -1.0], directions.shape)
    index = np.searchsorted(known, np.arange(len(directions)), side="right") - 1
    return np.asarray(directions[known[np.maximum(index, 0)]])


def move(route: Route, times_s: Floats) -> Motion:
    """Follows a route: rounds its corners, turns the body in time, and adds up the way.

    Args:
        route: The way.
        times_s: Instants to be told about, seconds of the clip. ``(F,)``.

    Returns:
        The motion at those instants; it does not depend on which others were asked for.
    """
    knots, places, faces = route.knots()
    grid = np.arange(0.0, knots[-1] + 2 * _STEP_S, _STEP_S)
    path = _smooth(_columns(grid, knots, places), _CORNER_S)
    velocity = np.gradient(path, _STEP_S, axis=0)
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    asked = _columns(grid, knots, faces)
    is_asked = np.hypot(asked[:, 0], asked[:, 1]) > 0.5
    is_moving = speed > _MOVING_M_S
    wanted = np.where(is_moving[:, None], velocity / np.maximum(speed, 1e-6)[:, None], asked)
    heading = _smooth(_hold_last(wanted, is_moving | is_asked), _TURN_S)
    clock = times_s - route.start_s
    facing = _columns(clock, grid, heading)
    return Motion(
        times_s,
        _columns(clock, grid, path),
        np.arctan2(facing[:, 1], facing[:, 0]),
        np.interp(clock, grid, np.cumsum(speed) * _STEP_S),
        np.interp(clock, grid, speed),
        ((clock >= 0) & (clock <= knots[-1])).astype(np.float64),
    )
