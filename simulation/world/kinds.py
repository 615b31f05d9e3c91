"""What moves in the world, and what may be wrong with it."""

import enum


class ActorKind(enum.StrEnum):
    """What a moving thing is; the last four appear only as novelties."""

    SHOPPER = "shopper"
    CART_SHOPPER = "cart_shopper"
    STAFF = "staff"
    GUARD = "guard"
    CLEANER = "cleaner"
    CAR = "car"
    VAN = "van"
    BICYCLE = "bicycle"
    ROLL_CAGE = "roll_cage"
    PRAM = "pram"
    WHEELCHAIR = "wheelchair"
    SCRUBBER = "scrubber"


class AnomalyKind(enum.StrEnum):
    """Kinds of injected anomalies."""

    INTRUSION = "intrusion"
    WRONG_WAY = "wrong_way"
    RUNNING = "running"
    LOITERING = "loitering"
    VEHICLE = "vehicle"
    BICYCLE = "bicycle"


CONTEXT_DEPENDENT_KINDS = frozenset(
    {AnomalyKind.INTRUSION, AnomalyKind.WRONG_WAY, AnomalyKind.VEHICLE, AnomalyKind.BICYCLE}
)
"""Kinds whose very same pixels are normal at another hour or in another zone of the same camera."""

NOVELTY_KINDS = frozenset({ActorKind.ROLL_CAGE, ActorKind.PRAM, ActorKind.WHEELCHAIR, ActorKind.SCRUBBER})
"""Harmless but rare: never in training footage."""
