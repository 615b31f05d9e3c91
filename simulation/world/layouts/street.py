"""The pavement before a shop with the road beyond: people walk here, cars and bicycles keep to the road."""

import numpy as np

from context.zone import ZoneKind
from simulation.world import texture
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.layout import CLOSED, CLOSING, OPEN, OPENING, Area, Lane, Layout, Misdeed, Traffic, View
from simulation.world.scenery import Panel, box


def _build(rng: np.random.Generator) -> list[Panel]:
    tone = int(rng.integers(135, 165))
    near = texture.tiles(60, 9.4, 0.6, (tone, tone + 2, tone + 3), rng)
    far = texture.tiles(60, 4, 0.6, (tone - 10, tone - 8, tone - 8), rng)
    road = texture.asphalt(60, 7.2, rng)
    for x in range(0, 60, 4):
        texture.stripe(road, (x, 3.55), (x + 2.0, 3.67), (205, 208, 208))
    kerb = texture.plain(60, 0.2, (150, 152, 152), rng)
    brick = (int(rng.integers(80, 130)), int(rng.integers(100, 150)), int(rng.integers(130, 185)))
    panels = [
        Panel((-24, -1, 0), (60, 0, 0), (0, 9.2, 0), near, is_ground=True),
        Panel((-24, 8.2, 0), (60, 0, 0), (0, 0.2, 0), kerb, is_ground=True),
        Panel((-24, 8.4, 0), (60, 0, 0), (0, 7.2, 0), road, is_ground=True),
        Panel((-24, 15.6, 0), (60, 0, 0), (0, 4, 0), far, is_ground=True),
        Panel((-24, 19.6, 0), (60, 0, 0), (0, 0, 12), texture.facade(60, 12, brick, rng)),
    ]
    steel = texture.plain(1, 1, (90, 92, 90), rng)
    for pole in (-6.5, 7.5 + float(rng.uniform(-0.5, 0.5)), 17.0):
        panels += box((pole, 15.9, 0), (pole + 0.22, 16.1, 6.0), steel, steel)
    for post in (-2.6, 1.4, 5.4, 9.4, 13.4):
        panels += box((post, 7.9, 0), (post + 0.16, 8.05, 0.85), texture.plain(1, 1, (55, 55, 58), rng), steel)
    return panels


STREET = Layout(
    name="street",
    is_indoor=False,
    view=View(height_m=4.6, pan_deg=14.0, tilt_deg=26.0, focal=0.98),
    areas=(
        Area("pavement", ZoneKind.WALKWAY, (-15.0, 1.5), (32.0, 8.2)),
        Area("lane_near", ZoneKind.ROAD, (-20.0, 8.2), (35.0, 12.0), flow=(1.0, 0.0)),
        Area("lane_far", ZoneKind.ROAD, (-20.0, 12.0), (35.0, 15.6), flow=(-1.0, 0.0)),
    ),
    lanes={
        "east": Lane(((-9.0, 5.6), (24.0, 5.6)), 1.5),
        "west": Lane(((24.0, 5.9), (-9.0, 5.9)), 1.5),
        "far_east": Lane(((-16.0, 17.4), (33.0, 17.4)), 0.7),
        "far_west": Lane(((33.0, 17.2), (-16.0, 17.2)), 0.7),
        "drive_east": Lane(((-22.0, 10.2), (38.0, 10.2)), 0.15),
        "drive_west": Lane(((38.0, 13.6), (-22.0, 13.6)), 0.15),
        "ride_east": Lane(((-16.0, 9.1), (30.0, 9.1)), 0.2),
        "ride_west": Lane(((34.0, 14.8), (-18.0, 14.8)), 0.2),
        "ride_wrong": Lane(((30.0, 9.3), (-14.0, 9.3)), 0.2),
        "ride_pavement": Lane(((-10.0, 5.4), (24.0, 5.4)), 0.8),
        "ride_pavement_back": Lane(((24.0, 6.0), (-10.0, 6.0)), 0.8),
        "forecourt": Lane(((24.0, 6.7), (-12.0, 6.7)), 0.2),
        "spot": Lane(((-9.0, 5.4), (3.2, 5.6)), 0.5),
    },
    traffic={
        OPENING: (
            Traffic(ActorKind.SHOPPER, ("east", "west"), 6),
            Traffic(ActorKind.VAN, ("forecourt",), 5, 2.4, 0.5, (2.0, 4.0)),
            Traffic(ActorKind.CAR, ("drive_east", "drive_west"), 6, 7.0),
            Traffic(ActorKind.BICYCLE, ("ride_east", "ride_west"), 5, 4.2),
        ),
        OPEN: (
            Traffic(ActorKind.SHOPPER, ("east", "west", "far_east", "far_west"), 12, 1.3, 0.1),
            Traffic(ActorKind.CAR, ("drive_east", "drive_west"), 7, 7.0),
            Traffic(ActorKind.BICYCLE, ("ride_east", "ride_west"), 6, 4.2),
        ),
        CLOSING: (
            Traffic(ActorKind.SHOPPER, ("east", "west", "far_west"), 10, 1.35),
            Traffic(ActorKind.CAR, ("drive_east", "drive_west"), 7, 7.0),
            Traffic(ActorKind.BICYCLE, ("ride_east", "ride_west"), 4, 4.2),
        ),
        CLOSED: (
            Traffic(ActorKind.SHOPPER, ("east", "west"), 3, 1.35),
            Traffic(ActorKind.CAR, ("drive_east", "drive_west"), 6, 8.0),
        ),
    },
    misdeeds=(
        Misdeed(AnomalyKind.BICYCLE, ActorKind.BICYCLE, ("ride_pavement", "ride_pavement_back"), (OPEN, CLOSING), 4.2),
        Misdeed(AnomalyKind.VEHICLE, ActorKind.VAN, ("forecourt",), (OPEN, CLOSING, CLOSED), 2.4),
        Misdeed(AnomalyKind.WRONG_WAY, ActorKind.BICYCLE, ("ride_wrong",), (OPEN, OPENING), 4.2),
        Misdeed(AnomalyKind.RUNNING, ActorKind.SHOPPER, ("east", "west"), (OPEN, CLOSING), 3.8),
        Misdeed(AnomalyKind.LOITERING, ActorKind.SHOPPER, ("spot",), (OPEN, CLOSED)),
    ),
    novelties=(ActorKind.PRAM, ActorKind.WHEELCHAIR, ActorKind.ROLL_CAGE),
    novelty_lanes=("east", "west"),
    lamps=((-6.4, 12.0, 4.0), (7.6, 12.0, 4.0), (17.0, 12.0, 4.0), (2.0, 5.0, 3.0), (10.0, 5.0, 3.0)),
    build=_build,
)
