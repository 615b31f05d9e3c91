"""Places on lanes that are well in the picture, and how far apart two actors are there."""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simulation.world.actor import Actor, half_length_m
from simulation.world.layout import Lane, Traffic
from simulation.world.optics import Floats, Pinhole
from simulation.world.route import move
from simulation.world.ways import Random, aside

_STEP_M = 0.25
_TALL_M = 1.75
_PICTURE_MARGIN = 0.05
_STEEP_RAD = float(np.deg2rad(31.0))
_FREE, _FAR = 0.3, 9.0  # fractions of the picture


@dataclasses.dataclass(frozen=True)
class Spot:
    """A place on a lane and the way to it."""

    traffic: Traffic
    whole_way: Floats  # (Q, 2) corners of the lane, metres
    num_passed: int
    """How many corners come before the place."""
    place: Floats  # (2,)
    sight_rad: float
    """Direction of the line of sight over the ground."""
    steepness_rad: float
    """How far below the horizon it points."""

    @property
    def way(self) -> Floats:
        """The corners before the place, and last the place itself. ``(P, 2)``."""
        return np.vstack([self.whole_way[: self.num_passed], self.place])


def steep_spots(ways: Sequence[tuple[Traffic, Lane]], optics: Pinhole, reach_m: float, rng: Random) -> list[Spot]:
    """Places on lanes, those where sight falls steeply, or the steepest one where it nowhere does.

    Args:
        ways: Lanes with the traffic on them.
        optics: The camera.
        reach_m: How far something there reaches along the line of sight; all of it is in the picture.
        rng: Draws how far from the middle of each lane the places are.
    """
    spots = [spot for traffic, lane in ways for spot in _spots_on(lane, traffic, optics, reach_m, rng)]
    least = min(_STEEP_RAD, max(spot.steepness_rad for spot in spots))
    return [spot for spot in spots if spot.steepness_rad >= least]


def _spots_on(lane: Lane, traffic: Traffic, optics: Pinhole, reach_m: float, rng: Random) -> list[Spot]:
    corners = aside(lane, float(rng.uniform(-1, 1)) * lane.half_width_m)
    places, before = _steps_along(corners)
    sight = places - optics.position[:2]
    distance = np.linalg.norm(sight, axis=1)
    is_whole = _are_in_picture(places, reach_m * sight / distance[:, None], optics)
    bearing, steepness = np.arctan2(sight[:, 1], sight[:, 0]), np.arctan2(optics.height_m, distance)
    return [
        Spot(traffic, corners, int(before[row]), places[row], float(bearing[row]), float(steepness[row]))
        for row in np.flatnonzero(is_whole)
    ]


def _steps_along(corners: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Places between corners, a short step apart ``(S, 2)``, and how many corners come before each ``(S,)``."""
    legs = []
    for here, there in itertools.pairwise(corners):
        length = float(np.linalg.norm(there - here))
        share = np.arange(_STEP_M, length, _STEP_M)[:, None] / length
        legs.append(here + share * (there - here))
    return np.concatenate(legs), np.repeat(np.arange(1, len(corners)), [len(leg) for leg in legs])


def _are_in_picture(places: Floats, reach: Floats, optics: Pinhole) -> npt.NDArray[np.bool_]:
    near, far = (np.insert(ends, 2, 0.0, axis=1) for ends in (places - reach, places + reach))
    head = np.insert(places, 2, _TALL_M, axis=1)
    seen = optics.project_fraction(np.stack([near, far, head]))  # (3, S, 2)
    return np.asarray((np.abs(seen - 0.5) < 0.5 - _PICTURE_MARGIN).all(axis=(0, 2)))


def seen_at(actor: Actor, times_s: Floats, optics: Pinhole) -> Floats:
    """Where an actor's middle, front and back are in the picture, far off while it is absent. ``(3, N, 2)``."""
    motion = move(actor.route, times_s)
    forward = half_length_m(actor.kind) * np.stack([np.cos(motion.heading), np.sin(motion.heading)], axis=-1)
    ends = np.stack([motion.place, motion.place + forward, motion.place - forward])
    places = optics.project_fraction(np.insert(ends, 2, 0.5 * _TALL_M, axis=2))
    return np.where(motion.is_present[:, None] > 0, places, -_FAR)


def mean_clearance(actor: Actor, others: Floats, times_s: Floats, optics: Pinhole) -> float:
    """How far an actor is from the nearest of the others, on average while it is in the picture, up to a bound.

    Args:
        actor: The actor.
        others: What ``seen_at`` says of them, ``(A, N, 2)``; A may be 0.
        times_s: Instants. ``(N,)``.
        optics: The camera.

    Returns:
        Fraction of the picture; 0 where it is never in the picture.
    """
    place = seen_at(actor, times_s, optics)[0]
    is_shown = (np.abs(place - 0.5) < 0.5).all(axis=1)
    nearest = np.linalg.norm(others - place, axis=-1).min(axis=0, initial=_FREE)[is_shown]
    return float(nearest.mean()) if len(nearest) else 0.0
