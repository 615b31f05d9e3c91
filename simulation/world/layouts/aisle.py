"""A shop aisle: shelves on both sides and an island of low shelves that makes two one-way lanes."""

import numpy as np

from context.zone import ZoneKind
from simulation.world import texture
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.layout import CLOSED, CLOSING, OPEN, OPENING, Area, Lane, Layout, Misdeed, Traffic, View
from simulation.world.scenery import Panel, box


def _build(rng: np.random.Generator) -> list[Panel]:
    tone = int(rng.integers(150, 195))
    floor = texture.tiles(40, 20, float(rng.uniform(0.4, 0.7)), (tone - 8, tone, tone + int(rng.integers(0, 10))), rng)
    for y in (3.4, 12.0):
        texture.arrow(floor, (18.2, y), (0, 1), (70, 150, 90))
        texture.arrow(floor, (21.8, y), (0, -1), (70, 150, 90))
    panels = [Panel((-20, -1, 0), (40, 0, 0), (0, 20, 0), floor, is_ground=True)]
    panels.append(Panel((-24, 18.5, 0), (48, 0, 0), (0, 0, 5.5), texture.wall(48, 5.5, (205, 212, 214), rng)))
    top = texture.plain(1, 1, (150, 150, 148), rng)
    for x in (-3.3, 3.9):
        sides = texture.goods(14, 2.4, rng)
        panels += box((x - 0.6, 0.8, 0), (x, 14.5, 2.4), sides, top)
    panels += box((-0.42, 5.2, 0), (0.42, 13.2, 1.25), texture.goods(8, 1.25, rng, 3), texture.goods(8, 0.84, rng, 1))
    return panels


AISLE = Layout(
    name="aisle",
    is_indoor=True,
    view=View(height_m=3.5, pan_deg=0.0, tilt_deg=25.0, focal=1.0),
    areas=(
        Area("lane_up", ZoneKind.AISLE, (-3.2, 2.0), (-0.45, 14.2), flow=(0.0, 1.0)),
        Area("lane_down", ZoneKind.AISLE, (0.45, 2.0), (3.2, 14.2), flow=(0.0, -1.0)),
        Area("cross_aisle", ZoneKind.WALKWAY, (-8.0, 14.2), (8.0, 18.4)),
    ),
    lanes={
        "up": Lane(((-1.85, 0.4), (-1.85, 13.5), (-2.4, 15.8), (-5.0, 15.9)), 0.75),
        "down": Lane(((5.0, 15.9), (2.4, 15.8), (1.85, 13.5), (1.85, 0.4)), 0.75),
        "around": Lane(((-1.85, 0.4), (-1.85, 14.6), (1.85, 14.6), (1.85, 0.4)), 0.6),
        "cross": Lane(((-8.5, 16.6), (8.5, 16.6)), 0.8),
        "spot_up": Lane(((-1.85, 0.4), (-1.9, 7.5)), 0.4),
        "spot_down": Lane(((5.0, 15.9), (2.4, 15.2), (1.9, 10.0)), 0.4),
        "wrong_up": Lane(((-5.0, 15.9), (-2.4, 15.5), (-1.85, 13.0), (-1.85, 0.4)), 0.6),
        "wrong_down": Lane(((1.85, 0.4), (1.85, 13.0), (2.4, 15.5), (5.0, 15.9)), 0.6),
    },
    traffic={
        OPENING: (
            Traffic(ActorKind.STAFF, ("up", "down"), 9, 1.2, 0.8, (3.0, 6.0)),
            Traffic(ActorKind.STAFF, ("cross",), 3),
        ),
        OPEN: (
            Traffic(ActorKind.SHOPPER, ("up", "down", "around"), 12, 1.15, 0.5),
            Traffic(ActorKind.CART_SHOPPER, ("up", "down"), 5, 0.95, 0.4),
            Traffic(ActorKind.SHOPPER, ("cross",), 3),
        ),
        CLOSING: (
            Traffic(ActorKind.CLEANER, ("up", "down"), 4, 0.9),
            Traffic(ActorKind.SHOPPER, ("down",), 5, 1.35),
        ),
        CLOSED: (Traffic(ActorKind.GUARD, ("around",), 0.4, 1.0),),
    },
    misdeeds=(
        Misdeed(AnomalyKind.INTRUSION, ActorKind.SHOPPER, ("up", "down"), (CLOSED,)),
        Misdeed(AnomalyKind.WRONG_WAY, ActorKind.SHOPPER, ("wrong_up", "wrong_down"), (OPEN,)),
        Misdeed(AnomalyKind.RUNNING, ActorKind.SHOPPER, ("around",), (OPEN, CLOSING), 3.7),
        Misdeed(AnomalyKind.LOITERING, ActorKind.SHOPPER, ("spot_up",), (OPEN, CLOSING)),
    ),
    novelties=(ActorKind.ROLL_CAGE, ActorKind.SCRUBBER, ActorKind.PRAM),
    novelty_lanes=("up", "down"),
    lamps=((-1.9, 4.0, 2.0), (1.9, 4.0, 2.0), (-1.9, 9.0, 2.0), (1.9, 9.0, 2.0), (-1.9, 14.5, 2.2), (1.9, 14.5, 2.2)),
    build=_build,
)
