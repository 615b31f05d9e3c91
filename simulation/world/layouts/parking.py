"""A car park: cars drive in two lanes, people with carts keep to the walkway along the shop."""

import numpy as np

from context.zone import ZoneKind
from simulation.world import texture
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.layout import CLOSED, CLOSING, OPEN, OPENING, Area, Lane, Layout, Misdeed, Traffic, View
from simulation.world.scenery import Panel, box


def _build(rng: np.random.Generator) -> list[Panel]:
    ground = texture.asphalt(60, 24, rng, int(rng.integers(92, 115)))
    for x in np.arange(2.0, 60.0, 2.7):
        texture.stripe(ground, (x, 13.9), (x + 0.12, 19.0), (200, 205, 205))
    for x in np.arange(0.0, 60.0, 3.0):
        texture.stripe(ground, (x, 11.0), (x + 1.5, 11.12), (190, 195, 195))
    for x in (22.0, 34.0, 46.0):
        texture.arrow(ground, (x, 10.0), (1, 0), (200, 205, 205))
        texture.arrow(ground, (x + 5, 12.4), (-1, 0), (200, 205, 205))
    walkway = texture.tiles(60, 4.5, 0.5, (138, 142, 150), rng)
    hedge = texture.grain(texture.plain(60, 1.5, (50, 88, 62), rng), rng, 22.0, 3)
    panels = [
        Panel((-28, -1, 0), (60, 0, 0), (0, 24, 0), ground, is_ground=True),
        Panel((-28, 3.2, 0.005), (60, 0, 0), (0, 4.5, 0), walkway, is_ground=True),
        Panel((-40, 29, 0), (80, 0, 0), (0, 0, 9), texture.facade(80, 9, (150, 160, 165), rng)),
        Panel((-40, 23, 0), (80, 0, 0), (0, 6, 0), texture.asphalt(80, 6, rng, 120), is_ground=True),
    ]
    panels += box((-28, 18.9, 0), (32, 19.9, 1.2), hedge, hedge)
    steel = texture.plain(1, 1, (95, 96, 95), rng)
    for x in (-5.0, 6.5, 17.5):
        panels += box((x, 18.2, 0), (x + 0.25, 18.4, 6.5), steel, steel)
    return panels


PARKING = Layout(
    name="parking",
    is_indoor=False,
    view=View(height_m=4.8, pan_deg=8.0, tilt_deg=27.0, focal=1.0),
    areas=(
        Area("walkway", ZoneKind.WALKWAY, (-15.0, 1.5), (28.0, 7.7)),
        Area("lane_near", ZoneKind.PARKING, (-20.0, 7.7), (32.0, 10.1), flow=(1.0, 0.0)),
        Area("lane_far", ZoneKind.PARKING, (-20.0, 10.1), (32.0, 12.7), flow=(-1.0, 0.0)),
        Area("bays", ZoneKind.PARKING, (-20.0, 12.7), (32.0, 18.5)),
    ),
    lanes={
        "east": Lane(((-9.0, 5.6), (22.0, 5.6)), 1.2),
        "west": Lane(((22.0, 5.9), (-9.0, 5.9)), 1.2),
        "drive_east": Lane(((-20.0, 8.9), (34.0, 8.9)), 0.15),
        "drive_west": Lane(((34.0, 11.4), (-20.0, 11.4)), 0.15),
        "drive_wrong": Lane(((30.0, 8.9), (-16.0, 8.9)), 0.15),
        "walkway_drive": Lane(((-14.0, 6.3), (26.0, 6.3)), 0.15),
        "walkway_drive_back": Lane(((26.0, 6.3), (-14.0, 6.3)), 0.15),
        "ride_east": Lane(((-16.0, 8.3), (28.0, 8.3)), 0.15),
        "ride_west": Lane(((28.0, 12.0), (-16.0, 12.0)), 0.15),
        "ride_walkway": Lane(((-9.0, 5.6), (22.0, 5.6)), 0.8),
        "spot": Lane(((-9.0, 5.5), (2.6, 5.7)), 0.4),
    },
    traffic={
        OPENING: (
            Traffic(ActorKind.VAN, ("walkway_drive", "walkway_drive_back"), 5, 2.4, 0.5, (2.0, 4.0)),
            Traffic(ActorKind.STAFF, ("east", "west"), 6),
            Traffic(ActorKind.CAR, ("drive_east",), 4, 4.5),
        ),
        OPEN: (
            Traffic(ActorKind.SHOPPER, ("east", "west"), 9, 1.3, 0.1),
            Traffic(ActorKind.CART_SHOPPER, ("east", "west"), 5, 1.0),
            Traffic(ActorKind.CAR, ("drive_east", "drive_west"), 6, 4.5),
            Traffic(ActorKind.BICYCLE, ("ride_east", "ride_west"), 5, 3.8),
        ),
        CLOSING: (
            Traffic(ActorKind.SHOPPER, ("west",), 9, 1.35),
            Traffic(ActorKind.CAR, ("drive_west",), 7, 4.5),
        ),
        CLOSED: (Traffic(ActorKind.GUARD, ("west",), 0.5, 1.1),),
    },
    misdeeds=(
        Misdeed(AnomalyKind.INTRUSION, ActorKind.SHOPPER, ("east", "west"), (CLOSED,)),
        Misdeed(AnomalyKind.VEHICLE, ActorKind.VAN, ("walkway_drive", "walkway_drive_back"), (OPEN, CLOSING), 2.4),
        Misdeed(AnomalyKind.BICYCLE, ActorKind.BICYCLE, ("ride_walkway",), (OPEN, CLOSING), 3.8),
        Misdeed(AnomalyKind.WRONG_WAY, ActorKind.CAR, ("drive_wrong",), (OPEN,), 4.5),
        Misdeed(AnomalyKind.RUNNING, ActorKind.SHOPPER, ("east", "west"), (OPEN, CLOSING), 3.8),
        Misdeed(AnomalyKind.LOITERING, ActorKind.SHOPPER, ("spot",), (OPEN,)),
    ),
    novelties=(ActorKind.WHEELCHAIR, ActorKind.ROLL_CAGE, ActorKind.PRAM),
    novelty_lanes=("east", "west"),
    lamps=((-5.0, 14.0, 4.0), (6.5, 14.0, 4.0), (17.5, 14.0, 4.0), (0.0, 5.0, 3.2), (9.0, 5.0, 3.2)),
    build=_build,
    parked=((-6.6, 16.2, 1.57), (-3.9, 16.3, -1.57), (4.2, 16.2, 1.57), (6.9, 16.1, 1.57), (12.3, 16.3, -1.57)),
)
