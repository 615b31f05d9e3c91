"""Tubelets drawn from a seed, in contexts that the test chooses."""

import dataclasses

import numpy as np

from context.context_vector import CONTEXT_SIZE
from fl_client.storage.tubelet_store import Block
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION, NUM_STEPS, Tubelets
from model_zoo.training.exposure import Exposure

CLOSED, OPEN = 0, 2
WALKING = (0.8, 0.0, 0.8, 0.2, 1.0, 0.4, 0.5)
"""Motion of somebody walking to the right, in the order of ``MOTION_FEATURES``."""


@dataclasses.dataclass(frozen=True)
class Look:
    """What drawn tubelets are like."""

    brightness: int = 128
    stripes: str = ""
    """"rows", "columns", or none: what is left of a crop once brightness and contrast are made equal."""
    motion: tuple[float, ...] = WALKING
    spread: float = 0.05
    zone_slot: int = 0
    zone_kind: int = 0
    label: int = 0


def drawn_tubelets(count: int, seed: int, state: int = OPEN, look: Look = Look()) -> Tubelets:
    """``count`` tubelets of noise around a brightness and a motion, all in one context."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(-20, 21, (count, NUM_STEPS, CROP_SIDE, CROP_SIDE)) + _stripes(look.stripes)
    motion = np.array(look.motion) + look.spread * rng.normal(size=(count, 1, NUM_MOTION))
    return Tubelets(
        crops=np.clip(look.brightness + noise, 0, 255).astype(np.uint8),
        boxes=np.tile(np.array([0.4, 0.4, 0.6, 0.8], dtype=np.float32), (count, NUM_STEPS, 1)),
        motion=np.repeat(motion, NUM_STEPS, axis=1).astype(np.float32),
        context=np.repeat(context_of(state)[None], count, axis=0),
        zone_slot=np.full(count, look.zone_slot, dtype=np.int64),
        zone_kind=np.full(count, look.zone_kind, dtype=np.int64),
        state=np.full(count, state, dtype=np.int64),
        label=np.full(count, look.label, dtype=np.int64),
        instant_s=np.arange(count, dtype=np.float64),
    )


def _stripes(along: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Stripes eight pixels wide, dark and bright in turn."""
    wave = 40 * (1 - 2 * (np.arange(CROP_SIDE) // 8 % 2))
    return {"rows": wave[:, None], "columns": wave[None, :], "": np.zeros((1, 1), dtype=np.int64)}[along]


def context_of(state: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """A context vector at midnight of a Monday in one state."""
    values = np.zeros(CONTEXT_SIZE, dtype=np.float32)
    values[[1, 3, 4 + state]] = 1.0
    return values


def watched(*states: int, seconds: float = 60.0) -> Exposure:
    """So many seconds of watching in each state."""
    contexts = np.stack([context_of(state) for state in states])
    return Exposure(contexts, np.array(states, dtype=np.int64), np.full(len(states), seconds))


def drawn_block(count: int, seed: int, state: int = OPEN, look: Look = Look()) -> Block:
    """A minute of watching in one state with ``count`` tubelets."""
    return Block(drawn_tubelets(count, seed, state, look), watched(state))
