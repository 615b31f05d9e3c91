"""Normality sums of what a site has stored: by its own zones, or by zone kind for other cameras and the fleet."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from context.schedule import STATES
from fl_client.storage.tubelet_store import Block, TubeletStore, join_blocks
from model_zoo.architecture import NUM_FLEET_CONTEXTS
from model_zoo.normality.features import NUM_FEATURES, object_features
from model_zoo.normality.intensity import NormalitySums


def fleet_sums(state_dir: Path) -> NormalitySums:
    """The site's normality sums by zone kind and state, over its training blocks."""
    sums = no_kind_sums()
    for store in camera_stores(state_dir):
        block = join_blocks(store.blocks(is_held_out=False))
        if block is not None:
            kinds, _ = store.zone_kinds_and_index()
            sums = sums + kind_sums(block, kinds)
    return sums


def no_kind_sums() -> NormalitySums:
    """Sums over nothing, by zone kind and state."""
    return NormalitySums.zeros(NUM_FLEET_CONTEXTS, NUM_FEATURES)


def kind_sums(block: Block, zone_kinds: npt.NDArray[np.int64]) -> NormalitySums:
    """Normality sums of a block by zone kind and state; ``zone_kinds`` are those of the camera's zone slots."""
    return block_sums(block, zone_kinds, NUM_FLEET_CONTEXTS, block.tubelets.zone_kind)


def block_sums(
    block: Block, places: npt.NDArray[np.int64], num_contexts: int, place_of_tubelet: npt.NDArray[np.int64]
) -> NormalitySums:
    """Normality sums of a block, one context per place and state (``place * len(STATES) + state``).

    Args:
        block: Tubelets and watched moments.
        places: Every place that was watched all the time: zone slots, or their kinds.
        num_contexts: Number of contexts.
        place_of_tubelet: Where each tubelet was. ``(N,)``.
    """
    num_states = len(STATES)
    sums = NormalitySums.zeros(num_contexts, NUM_FEATURES)
    sums = sums.observe(object_features(block.tubelets.motion), place_of_tubelet * num_states + block.tubelets.state)
    watched_s = np.bincount(block.exposure.state, block.exposure.watched_s, minlength=num_states)
    for place in np.unique(places):
        for state in range(num_states):
            sums = sums.watched(int(place) * num_states + state, float(watched_s[state]))
    return sums


def camera_stores(state_dir: Path) -> list[TubeletStore]:
    """The stores of all cameras of a site, by name."""
    return [TubeletStore(path.parent) for path in sorted((state_dir / "cameras").glob("*/camera.json"))]
