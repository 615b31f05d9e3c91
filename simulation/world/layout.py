"""What a layout is: the ground plan of a kind of place, who goes where in it at which hour, and what would be wrong.

The hours of a place are data: traffic by operational state, and misdeeds with the states they are wrong in.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from context.schedule import OperationalState
from context.zone import ZoneKind
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.scenery import Panel

Place = tuple[float, float]  # metres on the ground

CLOSED, OPENING = OperationalState.CLOSED, OperationalState.OPENING
OPEN, CLOSING = OperationalState.OPEN, OperationalState.CLOSING


@dataclasses.dataclass(frozen=True)
class Area:
    """A part of the ground that becomes a zone of the camera."""

    name: str
    kind: ZoneKind
    low: Place
    high: Place
    flow: Place | None = None
    """Direction of travel at every hour."""
    flow_by_state: Mapping[OperationalState, Place] = dataclasses.field(default_factory=dict)
    """Directions that hold in some states only; they win over ``flow``."""

    def flow_in(self, state: OperationalState) -> Place | None:
        """Direction of travel in a state, or None where all are usual."""
        return self.flow_by_state.get(state, self.flow)


@dataclasses.dataclass(frozen=True)
class Lane:
    """A way through the place, beginning and ending out of sight; a lane of one point is a post."""

    points: tuple[Place, ...]
    half_width_m: float = 0.5
    """How far to either side people walk."""

    def backwards(self) -> "Lane":
        """The same way in the other direction."""
        return Lane(self.points[::-1], self.half_width_m)


@dataclasses.dataclass(frozen=True)
class Traffic:
    """Actors of one kind that come along some lanes."""

    kind: ActorKind
    lanes: tuple[str, ...]
    per_minute: float
    speed_m_s: float = 1.25
    pause_share: float = 0.0
    """Share that stops once on its way."""
    pause_s: tuple[float, float] = (1.5, 3.5)


@dataclasses.dataclass(frozen=True)
class Misdeed:
    """Something that is wrong here in some states: an actor, where it goes and how."""

    anomaly: AnomalyKind
    actor: ActorKind
    lanes: tuple[str, ...]
    states: tuple[OperationalState, ...]
    speed_m_s: float = 1.25


@dataclasses.dataclass(frozen=True)
class View:
    """Where a camera of the layout hangs, before each one's own variation."""

    height_m: float
    pan_deg: float
    tilt_deg: float
    focal: float


@dataclasses.dataclass(frozen=True)
class Layout:
    """One kind of place."""

    name: str
    is_indoor: bool
    view: View
    areas: tuple[Area, ...]
    lanes: Mapping[str, Lane]
    traffic: Mapping[OperationalState, tuple[Traffic, ...]]
    misdeeds: tuple[Misdeed, ...]
    novelties: tuple[ActorKind, ...]
    novelty_lanes: tuple[str, ...]
    lamps: tuple[tuple[float, float, float], ...]
    """Ground position and reach of each lamp's pool of light, metres."""
    build: Callable[[np.random.Generator], list[Panel]]
    """Draws the scenery from a random stream."""
    parked: tuple[tuple[float, float, float], ...] = ()
    """Place and heading (radians) of cars that never move."""

    def __hash__(self) -> int:
        return hash(self.name)


def traffic_in(layout: Layout, state: OperationalState) -> tuple[Traffic, ...]:
    """Normal traffic of a state; a special event is like open hours."""
    return layout.traffic.get(state, layout.traffic[OPEN])
