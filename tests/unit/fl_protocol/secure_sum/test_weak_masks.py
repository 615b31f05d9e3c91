"""The attack of 28 seconds: masks from seeds of 32 bits are broken by search; ours are not made of such.

The search is reduced to a few of the seeds, around the one that a mask was made of.
"""

import numpy as np
from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen

from fl_protocol.secure_sum import site as steps
from fl_protocol.secure_sum.masking import MaskAdder, pair_key, public_bytes, seed_key
from fl_protocol.secure_sum.messages import (
    MaskedVector,
)
from fl_protocol.secure_sum.vector import Values, from_lanes, to_lanes, unpack_lanes
from tests.fakes.lying_coordinator import LyingCoordinator
from tests.fakes.secure_fleet import (
    one_segment,
    secure_fleet,
)

_VALUES = np.arange(-8, 8, dtype=np.int64)
_MODULUS = 2**16
_NUM_SEEDS = 256
"""Of the 2^32 there are. The rest takes longer, and no other code."""


def _fold(secret: bytes) -> int:
    """What the weak derivation makes of a secret: its 32-bit words, one upon the other."""
    return int(np.bitwise_xor.reduce(np.frombuffer(secret, dtype="<u4")))


def _weak_mask(folded: int, size: int) -> Values:
    """A mask of a Mersenne Twister that is seeded with so much."""
    return np.random.RandomState(folded).randint(0, _MODULUS - 1, size, dtype=np.int64)


def _broken(masked: Values, first: int) -> list[int]:
    """Folded seeds whose mask, taken off or put back on, leaves small values."""
    seeds = range(first, first + _NUM_SEEDS)
    masks = np.array([_weak_mask(folded, len(masked)) for folded in seeds])
    rests = np.stack([masked + masks, masked - masks])
    is_small = ((rests + 64) % _MODULUS < 128).all(axis=2).any(axis=0)
    return [seeds[place] for place in np.flatnonzero(is_small)]


def test_attack_of_28_seconds_breaks_the_masks_that_flower_makes() -> None:
    secret = b"".join(word.to_bytes(4, "little") for word in (0xDEADBEEF, 0xDEADBEEF, 0, 0, 0, 0, 70_000, 1_234))
    first = _fold(secret) - _NUM_SEEDS // 2
    (mask,) = pseudo_rand_gen(secret, _MODULUS, [_VALUES.shape])
    masked = (_VALUES + mask) % _MODULUS
    assert _broken(masked, first) == [_fold(secret)]
    recovered = (masked - _weak_mask(_broken(masked, first)[0], len(_VALUES)) + _MODULUS // 2) % _MODULUS
    assert (recovered - _MODULUS // 2 == _VALUES).all()


def test_attack_of_28_seconds_finds_nothing_here() -> None:
    layout = one_segment(3, len(_VALUES), 16)
    fleet = secure_fleet(3, layout=layout)
    liar = LyingCoordinator(fleet, corrupt=(2,))  # leaves the fewest neighbours there are: one mask to search for
    own, other = fleet.states[0].prepared, fleet.states[1].prepared
    assert own is not None
    assert other is not None
    vector, binding = [to_lanes(layout[0], _VALUES)], fleet.binding(1)
    opened = steps.open_round(fleet.states[0], liar.keys.mask_request(0))
    _, answer = steps.mask(fleet.states[0], opened, vector, layout, binding)
    lanes = unpack_lanes(layout, MaskedVector.decode(answer, fleet.group.identities).packed)
    adder, corrupt_key = MaskAdder(), liar.round_key(2)
    assert corrupt_key is not None
    adder.add(lanes, seed_key(own.seed, binding, 0), -1)  # as if its seed were opened
    adder.add(lanes, pair_key(corrupt_key, public_bytes(own.round_key), binding, (0, 2)), -1)
    rest = from_lanes(layout[0], lanes[0])
    key = pair_key(own.round_key, public_bytes(other.round_key), binding, (0, 1))
    for secret in (bytes(32), own.round_key.exchange(other.round_key.public_key()), key):
        # not even around the place where the weak derivation would have put the mask
        assert _broken(rest, min(max(0, _fold(secret) - _NUM_SEEDS // 2), 2**32 - _NUM_SEEDS)) == []
    adder.add(lanes, key, -1)  # whereas the whole key does open it
    assert (from_lanes(layout[0], lanes[0]) == _VALUES).all()


def test_secrets_that_fold_alike_make_different_masks() -> None:
    fleet = secure_fleet(3)
    one = bytes(range(32))
    other = one[4:] + one[:4]
    assert _fold(one) == _fold(other)
    assert (_weak_mask(_fold(one), 8) == _weak_mask(_fold(other), 8)).all()
    masks = []
    for secret in (one, other):
        lanes = [np.zeros(64, dtype=np.uint16)]
        MaskAdder().add(lanes, seed_key(secret, fleet.binding(1), 0), 1)
        masks.append(lanes[0])
    assert np.count_nonzero(masks[0] == masks[1]) < 4
