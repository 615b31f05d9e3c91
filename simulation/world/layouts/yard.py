"""A delivery yard behind the shop: vans dock before opening only, at night nobody may be here."""

import numpy as np

from context.zone import ZoneKind
from simulation.world import texture
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.layout import CLOSED, CLOSING, OPEN, OPENING, Area, Lane, Layout, Misdeed, Traffic, View
from simulation.world.scenery import Panel, box


def _build(rng: np.random.Generator) -> list[Panel]:
    ground = texture.asphalt(44, 19, rng, int(rng.integers(108, 130)))
    texture.stripe(ground, (0, 4.6), (44, 4.72), (60, 190, 215))
    texture.stripe(ground, (0, 8.2), (44, 8.32), (60, 190, 215))
    for x in (13.5, 18.5, 23.5, 28.5):
        texture.stripe(ground, (x, 11.0), (x + 0.15, 16.8), (70, 200, 225))
    panels = [
        Panel((-22, -1, 0), (44, 0, 0), (0, 19, 0), ground, is_ground=True),
        Panel((-11, 17.0, 0), (20, 0, 0), (0, 0, 5.5), texture.shutters(20, 5.5, 4, rng)),
        Panel((9, 17.0, 0), (14, 0, 0), (0, 0, 3.0), texture.wall(14, 3.0, (120, 140, 150), rng)),
        Panel((-22, 17.0, 0), (11, 0, 0), (0, 0, 3.0), texture.wall(11, 3.0, (120, 140, 150), rng)),
    ]
    blue, grey = texture.plain(1.5, 1.3, (150, 85, 40), rng), texture.plain(1, 1, (62, 60, 58), rng)
    for x in (-9.0 + float(rng.uniform(-0.4, 0.4)), 6.2):
        panels += box((x, 15.2, 0), (x + 1.7, 16.4, 1.35), blue, grey)
    pallet = texture.plain(1.2, 1.0, (88, 130, 165), rng, 12.0)
    panels += box((8.4, 14.8, 0), (9.7, 15.9, 1.0), pallet, pallet)
    return panels


YARD = Layout(
    name="yard",
    is_indoor=False,
    view=View(height_m=4.8, pan_deg=-4.0, tilt_deg=26.0, focal=1.0),
    areas=(
        Area("walkway", ZoneKind.WALKWAY, (-12.0, 1.5), (12.0, 7.3), flow_by_state={CLOSING: (-1.0, 0.0)}),
        Area("delivery_bay", ZoneKind.DELIVERY_BAY, (-11.0, 7.3), (12.0, 17.0)),
    ),
    lanes={
        "east": Lane(((-11.0, 5.5), (11.0, 5.5)), 1.0),
        "west": Lane(((11.0, 5.6), (-11.0, 5.6)), 1.0),
        "drive": Lane(((18.0, 10.8), (-18.0, 10.8)), 0.4),
        "drive_dock": Lane(((-18.0, 9.6), (-3.0, 9.8), (3.0, 10.4), (18.0, 11.0)), 0.3),
        "across": Lane(
            ((-11.0, 6.0), (-3.0, 6.6), (0.5, 12.5), (-1.0, 15.8), (1.5, 13.0), (4.0, 6.5), (11.0, 6.0)), 0.4
        ),
        "spot": Lane(((11.0, 5.6), (1.5, 6.2)), 0.4),
        "along_bay": Lane(((12.5, 12.6), (-12.5, 12.6)), 0.6),
    },
    traffic={
        OPENING: (
            Traffic(ActorKind.VAN, ("drive", "drive_dock"), 6, 3.0, 0.6, (2.0, 4.0)),
            Traffic(ActorKind.STAFF, ("east", "west", "across"), 7),
        ),
        OPEN: (
            Traffic(ActorKind.STAFF, ("across", "along_bay"), 5, 1.2, 0.2),
            Traffic(ActorKind.SHOPPER, ("east", "west"), 9, 1.3),
        ),
        CLOSING: (
            Traffic(ActorKind.SHOPPER, ("west",), 7, 1.35),
            Traffic(ActorKind.STAFF, ("west",), 5, 1.3),
        ),
        CLOSED: (Traffic(ActorKind.GUARD, ("across", "west"), 0.5, 1.1),),
    },
    misdeeds=(
        Misdeed(AnomalyKind.INTRUSION, ActorKind.SHOPPER, ("east", "west", "along_bay"), (CLOSED,)),
        Misdeed(AnomalyKind.VEHICLE, ActorKind.VAN, ("drive", "drive_dock"), (OPEN, CLOSING), 3.0),
        Misdeed(AnomalyKind.WRONG_WAY, ActorKind.SHOPPER, ("east",), (CLOSING,)),
        Misdeed(AnomalyKind.RUNNING, ActorKind.SHOPPER, ("east", "west", "along_bay"), (OPEN, CLOSING), 3.7),
        Misdeed(AnomalyKind.LOITERING, ActorKind.SHOPPER, ("spot",), (OPEN,)),
    ),
    novelties=(ActorKind.ROLL_CAGE, ActorKind.SCRUBBER, ActorKind.WHEELCHAIR),
    novelty_lanes=("east", "west"),
    lamps=((-6.0, 15.0, 4.0), (4.0, 15.0, 4.0), (0.0, 6.0, 3.5)),
    build=_build,
)
