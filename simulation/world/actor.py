"""Actors: one moving thing with its looks, and how each kind is put together from people and props."""

import dataclasses
from collections.abc import Callable

import numpy as np

from simulation.world import loads, person, props, strangers
from simulation.world.fall import Fall, falling, progress
from simulation.world.kinds import ActorKind
from simulation.world.optics import ASPECT, Floats, Pinhole
from simulation.world.outline import Faces, Outline, faces_outline, join, rods_outline, to_world
from simulation.world.person import Look, Posture
from simulation.world.route import Motion, Route

_VEST = {
    ActorKind.STAFF: (70.0, 120.0, 30.0),
    ActorKind.CLEANER: (40.0, 190.0, 230.0),
    ActorKind.ROLL_CAGE: (40.0, 90.0, 235.0),
}
_SHADOW_CORNERS = 12
_FOOTPRINT_M = {
    ActorKind.CAR: (2.3, 1.0),
    ActorKind.VAN: (2.8, 1.15),
    ActorKind.BICYCLE: (0.9, 0.25),
    ActorKind.DONKEY: (0.7, 0.25),
    ActorKind.BARREL_CART: (0.8, 0.35),
    ActorKind.WHEELED_BIN: (0.8, 0.35),
}
_FEET_M = (0.34, 0.3)
_LYING_M, _HEAP_M = (0.8, 0.4), (0.36, 0.34)
_LYING_TALL_M, _HEAP_TALL_M = 0.3, 0.8
_TALL_M = {ActorKind.CAR: 1.4, ActorKind.VAN: 2.3}


@dataclasses.dataclass(frozen=True)
class Actor:
    """Something that moves through the world."""

    track_id: int
    kind: ActorKind
    route: Route
    look_seed: int
    """Decides build, clothes and paint."""
    fall: Fall | None = None
    """How and when a walking person falls, if at all."""


def _walker(look: Look, motion: Motion, optics: Pinhole, posture: Posture = Posture.FREE) -> Outline:
    return rods_outline(person.person(look, motion, posture, optics), motion, optics)


def _ahead(motion: Motion, metres: float) -> Motion:
    """The motion of something the same distance in front (behind, if negative) all the time."""
    forward = np.stack([np.cos(motion.heading), np.sin(motion.heading)], axis=-1)
    return dataclasses.replace(motion, place=motion.place + metres * forward)


def _pushing(actor: Actor, motion: Motion, optics: Pinhole) -> Outline:
    """Somebody behind something on wheels; the actor's place is between the two."""
    rng = np.random.default_rng(actor.look_seed)
    vest = _VEST.get(actor.kind)
    look = person.civilian(rng) if vest is None else person.worker(rng, vest)
    body, load = _ahead(motion, -0.35), _ahead(motion, 0.45)
    pusher = _walker(look, body, optics, Posture.PUSHING)
    return join([pusher, *_pushed(actor.kind, rng, load, optics)])


def _pushed(kind: ActorKind, rng: np.random.Generator, motion: Motion, optics: Pinhole) -> list[Outline]:
    frames = len(motion.speed)
    if kind is ActorKind.CLEANER:
        return [faces_outline(props.machine((60.0, 150.0, 225.0), 0.0, (0.8, 0.55, 0.95)), motion, optics)]
    if kind is ActorKind.PRAM:
        return [rods_outline(props.rigid(props.pram_tubes(props.paint(rng), 0.0), frames), motion, optics)]
    if kind is ActorKind.WHEELCHAIR:
        sitter = _walker(person.civilian(rng), motion, optics, Posture.SITTING)
        return [rods_outline(props.rigid(props.wheelchair_tubes(), frames), motion, optics), sitter]
    if kind in _LOADS:
        return [_LOADS[kind](rng, _ahead(motion, -0.12), optics)]
    if kind is ActorKind.ROLL_CAGE:
        load, wires = (0.75, 0.66, 1.5), (0.85, 0.75, 1.75)
        tubes = props.basket_tubes(0.0, wires, 0.18, (185.0, 180.0, 176.0))
    else:
        load, wires = (0.62, 0.42, float(rng.uniform(0.35, 0.75))), (0.8, 0.55, 0.5)
        tubes = props.basket_tubes(0.0, wires, 0.45, (175.0, 172.0, 168.0))
    goods = faces_outline(props.cage_load(rng, 0.0, load), motion, optics)
    return [goods, rods_outline(props.rigid(tubes, frames), motion, optics)]


_LOADS: dict[ActorKind, Callable[[np.random.Generator, Motion, Pinhole], Outline]] = {
    ActorKind.BARREL_CART: loads.barrel_cart,
    ActorKind.WHEELED_BIN: loads.wheeled_bin,
}


def _cyclist(actor: Actor, motion: Motion, optics: Pinhole) -> Outline:
    rng = np.random.default_rng(actor.look_seed)
    frame = rods_outline(props.rigid(props.bicycle_tubes(props.paint(rng)), len(motion.speed)), motion, optics)
    rider = _walker(person.civilian(rng), _ahead(motion, -0.18), optics, Posture.RIDING)
    return join([frame, rods_outline(props.spokes(motion), motion, optics), rider])


def _scrubber(_rng: np.random.Generator) -> Faces:
    return props.machine((200.0, 150.0, 60.0), 0.0, (1.2, 0.8, 1.25))


_LOOKS: dict[ActorKind, Callable[[np.random.Generator], Look]] = {
    ActorKind.SHOPPER: person.civilian,
    ActorKind.STAFF: lambda rng: person.worker(rng, _VEST[ActorKind.STAFF]),
    ActorKind.GUARD: person.guard,
}
_BODIES: dict[ActorKind, Callable[[np.random.Generator], Faces]] = {
    ActorKind.CAR: props.car,
    ActorKind.VAN: props.van,
    ActorKind.SCRUBBER: _scrubber,
}
_DRAWN: dict[ActorKind, Callable[[np.random.Generator, Motion, Pinhole], Outline]] = {
    ActorKind.DONKEY: strangers.donkey,
    ActorKind.ROBOT: strangers.robot,
    ActorKind.MASCOT: strangers.mascot,
    ActorKind.CARTONS: loads.cartons,
    ActorKind.BARRELS: loads.barrels,
    ActorKind.SUITCASES: loads.suitcases,
    ActorKind.MANNEQUIN: loads.mannequin,
}


def outline_of(actor: Actor, motion: Motion, optics: Pinhole) -> Outline:
    """What the camera sees of an actor in every frame of ``motion``."""
    rng = np.random.default_rng(actor.look_seed)
    if actor.kind in _LOOKS:
        look = _LOOKS[actor.kind](rng)
        if actor.fall is not None:
            return rods_outline(falling(look, motion, actor.fall, optics), motion, optics)
        return _walker(look, motion, optics)
    if actor.kind in _DRAWN:
        return _DRAWN[actor.kind](rng, motion, optics)
    if actor.kind in _BODIES:
        return faces_outline(_BODIES[actor.kind](rng), motion, optics)
    if actor.kind is ActorKind.BICYCLE:
        return _cyclist(actor, motion, optics)
    return _pushing(actor, motion, optics)


def _ground_oval(centre: tuple[float, float], half: tuple[float, float]) -> Floats:
    turns = np.linspace(0, 2 * np.pi, _SHADOW_CORNERS, endpoint=False)
    x, y = centre[0] + half[0] * np.cos(turns), centre[1] + half[1] * np.sin(turns)
    return np.stack([x, y, np.zeros_like(x)], axis=-1)[None]


def half_length_m(kind: ActorKind) -> float:
    """How far an actor reaches ahead of its place."""
    return _FOOTPRINT_M.get(kind, _FEET_M)[0]


def shadow_of(actor: Actor, motion: Motion, optics: Pinhole, sun: tuple[float, float]) -> Floats:
    """The shadow below an actor, drawn out away from the sun.

    Args:
        actor: Decides the size of the foot print.
        motion: Where it is.
        optics: The camera.
        sun: sin of the sun's height (0: no sun) and its bearing in the world.

    Returns:
        Polygons ``(F, K, 2)`` as fractions of the frame.
    """
    ground = _cast_shadow(_FOOTPRINT_M.get(actor.kind, _FEET_M), _TALL_M.get(actor.kind, 1.7), motion, sun)
    if actor.fall is not None:
        down = progress(actor.fall, motion)[:, None, None]
        half, tall_m = (_LYING_M, _LYING_TALL_M) if actor.fall.stretches_out else (_HEAP_M, _HEAP_TALL_M)
        ground = (1 - down) * ground + down * _cast_shadow(half, tall_m, motion, sun)
    return optics.project(ground)[0] / [ASPECT, 1.0]


def _cast_shadow(half: tuple[float, float], tall_m: float, motion: Motion, sun: tuple[float, float]) -> Floats:
    """The shadow of something with a foot print and height, on the ground: ``(F, K, 3)`` metres."""
    oval = to_world(motion, _ground_oval((0.0, 0.0), half))
    elevation, bearing = sun
    if elevation > 0:
        reach = min(1.6, tall_m * 0.55 * np.sqrt(1 - min(elevation, 0.99) ** 2) / elevation)
        away = np.array([-np.cos(bearing), -np.sin(bearing), 0.0])
        far_side = ((oval - oval.mean(axis=1, keepdims=True)) @ away)[..., None] > 0
        oval = oval + far_side * reach * away
    return oval


def torch_of(kind: ActorKind, motion: Motion, optics: Pinhole) -> Floats | None:
    """The spot a guard's torch or a vehicle's lamps throw on the ground ahead, or None: ``(F, K, 2)`` fractions."""
    if kind is ActorKind.GUARD:
        swing = 0.5 * np.sin(motion.time_s * 1.7)
        turned = dataclasses.replace(motion, heading=motion.heading + swing)
        spot = to_world(turned, _ground_oval((2.6, 0.0), (1.5, 0.6)))
    elif kind in (ActorKind.CAR, ActorKind.VAN):
        spot = to_world(motion, _ground_oval((4.6, 0.0), (2.2, 0.9)))
    else:
        return None
    return optics.project(spot)[0] / [ASPECT, 1.0]
