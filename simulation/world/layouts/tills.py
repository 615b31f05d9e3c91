"""A row of tills: shoppers come through the lanes between the counters towards the camera, staff sit beside them."""

import numpy as np

from context.zone import ZoneKind
from simulation.world import texture
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.layout import CLOSED, CLOSING, OPEN, OPENING, Area, Lane, Layout, Misdeed, Traffic, View
from simulation.world.scenery import Panel, box

_COUNTERS_X = (-4.3, -0.4, 3.5)


def _build(rng: np.random.Generator) -> list[Panel]:
    tone = int(rng.integers(150, 195))
    floor = texture.tiles(40, 19, float(rng.uniform(0.4, 0.8)), (tone, tone - 2, tone - 6), rng)
    panels = [
        Panel((-20, -1, 0), (40, 0, 0), (0, 19, 0), floor, is_ground=True),
        Panel((-24, 18, 0), (48, 0, 0), (0, 0, 5.5), texture.wall(48, 5.5, (208, 210, 205), rng)),
    ]
    accent = tuple(int(value) for value in rng.integers(40, 190, 3))
    side = texture.plain(3.6, 0.95, (accent[0], accent[1], accent[2]), rng)
    belt = texture.plain(0.8, 3.6, (48, 48, 50), rng, 2.0)
    belt[:40] = (150, 155, 158)
    for x in _COUNTERS_X:
        panels += box((x, 5.6, 0), (x + 0.85, 9.2, 0.92), side, belt)
        panels += box((x + 0.1, 6.1, 0.92), (x + 0.5, 6.5, 1.4), texture.plain(1, 1, (60, 58, 56), rng), belt[:40])
    for x in (-7.0, -1.8, 3.4):
        panels += box((x, 14.2, 0), (x + 3.6, 15.2, 1.9), texture.goods(3.6, 1.9, rng, 4), belt[:40])
    return panels


def _through(x: float) -> Lane:
    return Lane(((x + 0.4, 16.6), (x, 12.5), (x, 10.0), (x, 5.2), (x - 1.5, 3.9), (-9.5, 3.7)), 0.2)


TILLS = Layout(
    name="tills",
    is_indoor=True,
    view=View(height_m=3.6, pan_deg=0.0, tilt_deg=26.0, focal=1.0),
    areas=(
        Area("till_1", ZoneKind.TILL, (-1.75, 4.8), (-0.45, 10.2), (0.0, -1.0), {OPENING: (0.0, 1.0)}),
        Area("till_2", ZoneKind.TILL, (2.15, 4.8), (3.45, 10.2), (0.0, -1.0), {OPENING: (0.0, 1.0)}),
        Area("cashiers", ZoneKind.STAFF_ONLY, (-3.45, 5.4), (-1.75, 9.4)),
        Area("hall", ZoneKind.WALKWAY, (-9.0, 1.5), (9.0, 4.8)),
    ),
    lanes={
        "till_1": _through(-1.05),
        "till_2": _through(2.75),
        "till_1_up": _through(-1.05).backwards(),
        "till_2_up": _through(2.75).backwards(),
        "cashier_1": Lane(((-2.6, 7.3),), 0.15),
        "cashier_2": Lane(((1.3, 7.3),), 0.15),
        "hall": Lane(((-9.5, 3.5), (9.5, 3.5)), 0.7),
        "hall_back": Lane(((9.5, 3.0), (-9.5, 3.0)), 0.5),
        "spot": Lane(((9.5, 3.6), (2.6, 4.2)), 0.3),
        "floor": Lane(((-9.5, 12.4), (9.5, 12.4)), 0.6),
    },
    traffic={
        OPENING: (
            Traffic(ActorKind.STAFF, ("till_1_up", "till_2_up"), 6, 1.2, 0.4),
            Traffic(ActorKind.SHOPPER, ("till_2_up", "till_1_up"), 5),  # staff on their way in, not yet in their vests
            Traffic(ActorKind.STAFF, ("floor",), 4),
        ),
        OPEN: (
            Traffic(ActorKind.SHOPPER, ("till_1", "till_2"), 9, 1.1, 0.7, (2.0, 5.0)),
            Traffic(ActorKind.CART_SHOPPER, ("till_1", "till_2"), 4, 0.9, 0.7, (2.0, 5.0)),
            Traffic(ActorKind.SHOPPER, ("hall", "floor", "hall_back"), 6),
            Traffic(ActorKind.STAFF, ("cashier_1", "cashier_2"), 0),
        ),
        CLOSING: (
            Traffic(ActorKind.CLEANER, ("hall", "hall_back"), 4, 0.85),
            Traffic(ActorKind.SHOPPER, ("till_1", "till_2"), 6, 1.3),
        ),
        CLOSED: (Traffic(ActorKind.GUARD, ("hall",), 0.4, 1.0),),
    },
    misdeeds=(
        Misdeed(AnomalyKind.INTRUSION, ActorKind.SHOPPER, ("till_1", "hall", "till_2"), (CLOSED,)),
        Misdeed(AnomalyKind.WRONG_WAY, ActorKind.SHOPPER, ("till_1_up", "till_2_up"), (OPEN, CLOSING)),
        Misdeed(AnomalyKind.RUNNING, ActorKind.SHOPPER, ("till_1", "till_2"), (OPEN, CLOSING), 3.6),
        Misdeed(AnomalyKind.LOITERING, ActorKind.SHOPPER, ("spot",), (OPEN, CLOSING)),
    ),
    novelties=(ActorKind.SCRUBBER, ActorKind.WHEELCHAIR, ActorKind.ROLL_CAGE),
    novelty_lanes=("hall", "hall_back"),
    lamps=((-4.5, 4.0, 2.2), (0.0, 4.0, 2.2), (4.5, 4.0, 2.2), (-4.5, 11.0, 2.6), (0.0, 11.0, 2.6), (4.5, 11.0, 2.6)),
    build=_build,
)
