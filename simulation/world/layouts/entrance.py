"""A shop's entrance hall: glass doors in the far wall, a service desk, the way in and out depending on the hour."""

import numpy as np

from context.zone import ZoneKind
from simulation.world import texture
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.layout import CLOSED, CLOSING, OPEN, OPENING, Area, Lane, Layout, Misdeed, Traffic, View
from simulation.world.scenery import Panel, Picture, box


def _glass_front(wide_m: float, rng: np.random.Generator) -> Picture:
    picture = texture.plain(wide_m, 2.6, (170, 150, 128), rng, 4.0)
    columns, rows = picture.shape[1], picture.shape[0]
    picture[:, :: max(4, columns // 4)] = 70
    picture[:6], picture[-14:] = 75, 80
    picture[rows // 3 : rows // 3 + 12, columns // 6 : columns // 2] = rng.integers(60, 220, 3)
    return picture


def _build(rng: np.random.Generator) -> list[Panel]:
    tone = int(rng.integers(140, 185))
    floor = texture.tiles(18, 13, float(rng.uniform(0.5, 0.9)), (tone - 6, tone - 2, tone), rng)
    texture.stripe(floor, (7.2, 10.2), (10.8, 12.2), (62, 60, 66))
    panels = [
        Panel((-9, -1, 0), (18, 0, 0), (0, 13, 0), floor, is_ground=True),
        Panel((-15, 12, 0), (30, 0, 0), (0, 14, 0), texture.asphalt(30, 14, rng, 132), is_ground=True),
        Panel((-15, 26, 0), (30, 0, 0), (0, 0, 9), texture.facade(30, 9, (120, 135, 165), rng)),
        Panel((-9, 12, 0), (7.3, 0, 0), (0, 0, 2.6), _glass_front(7.3, rng)),
        Panel((1.7, 12, 0), (7.3, 0, 0), (0, 0, 2.6), _glass_front(7.3, rng)),
        Panel((-9, 12, 2.6), (18, 0, 0), (0, 0, 1.6), texture.wall(18, 1.6, (205, 210, 215), rng)),
        Panel((-9, 0, 0), (0, 12, 0), (0, 0, 4.2), texture.wall(12, 4.2, (200, 208, 212), rng)),
    ]
    wood = texture.plain(4, 1.05, (70, 105, 150), rng)
    panels += box((-3.9, 6.8, 0), (-3.3, 10.6, 1.08), wood, texture.plain(1, 1, (185, 190, 195), rng))
    panels += box((3.2, 9.6, 0), (5.2, 10.8, 0.9), texture.goods(2, 0.9, rng, 2), texture.goods(2, 1.2, rng, 1))
    return panels


_IN, _OUT = (0.0, -1.0), (0.0, 1.0)

ENTRANCE = Layout(
    name="entrance",
    is_indoor=True,
    view=View(height_m=3.4, pan_deg=0.0, tilt_deg=24.0, focal=1.02),
    areas=(
        Area("doors", ZoneKind.ENTRANCE, (-1.9, 5.5), (1.9, 12.0), flow_by_state={OPENING: _IN, CLOSING: _OUT}),
        Area("service_desk", ZoneKind.STAFF_ONLY, (-7.5, 6.8), (-3.3, 11.8)),
        Area("hall", ZoneKind.WALKWAY, (-3.3, 1.5), (8.0, 11.8)),
    ),
    lanes={
        "in": Lane(((3.4, 14.2), (0.7, 12.8), (0.7, 9.0), (0.9, 5.0), (1.3, 0.3)), 0.4),
        "in_right": Lane(((-3.4, 14.2), (0.5, 12.8), (0.6, 9.0), (4.0, 6.6), (8.8, 6.0)), 0.4),
        "out": Lane(((-1.3, 0.3), (-0.9, 5.0), (-0.7, 9.0), (-0.7, 13.0), (-5.5, 17.0)), 0.4),
        "out_right": Lane(((8.8, 5.2), (4.0, 5.8), (-0.4, 9.0), (-0.5, 13.0), (5.5, 17.0)), 0.4),
        "desk": Lane(((-4.7, 8.8),), 0.4),
        "hall": Lane(((8.8, 4.4), (1.0, 4.2), (-1.6, 0.3)), 0.4),
        "spot": Lane(((1.3, 0.3), (1.0, 4.0), (0.4, 7.0)), 0.3),
        "dash": Lane(((8.8, 5.0), (2.0, 5.5), (-0.4, 9.0), (-0.5, 13.0), (5.5, 17.0)), 0.3),
    },
    traffic={
        OPENING: (
            Traffic(ActorKind.STAFF, ("in", "in_right"), 14, 1.25),
            Traffic(ActorKind.STAFF, ("desk",), 0),
        ),
        OPEN: (
            Traffic(ActorKind.SHOPPER, ("in", "in_right", "out", "out_right"), 16, 1.25, 0.15),
            Traffic(ActorKind.CART_SHOPPER, ("out", "hall"), 4, 1.0),
            Traffic(ActorKind.STAFF, ("desk",), 0),
        ),
        CLOSING: (
            Traffic(ActorKind.SHOPPER, ("out", "out_right"), 10, 1.3),
            Traffic(ActorKind.STAFF, ("out_right", "out"), 4, 1.3),
            Traffic(ActorKind.CLEANER, ("hall",), 3, 0.8),
        ),
        CLOSED: (Traffic(ActorKind.GUARD, ("hall",), 0.4, 1.0),),
    },
    misdeeds=(
        Misdeed(AnomalyKind.INTRUSION, ActorKind.SHOPPER, ("in", "in_right"), (CLOSED,)),
        Misdeed(AnomalyKind.WRONG_WAY, ActorKind.SHOPPER, ("in", "in_right"), (CLOSING,)),
        Misdeed(AnomalyKind.WRONG_WAY, ActorKind.STAFF, ("out", "out_right"), (OPENING,)),
        Misdeed(AnomalyKind.RUNNING, ActorKind.SHOPPER, ("dash",), (OPEN, CLOSING), 3.6),
        Misdeed(AnomalyKind.LOITERING, ActorKind.SHOPPER, ("spot",), (OPEN,)),
    ),
    novelties=(ActorKind.WHEELCHAIR, ActorKind.PRAM, ActorKind.SCRUBBER),
    novelty_lanes=("in", "out"),
    lamps=((-2.0, 4.0, 2.4), (2.5, 4.0, 2.4), (-2.0, 9.0, 2.4), (2.5, 9.0, 2.4)),
    build=_build,
)
