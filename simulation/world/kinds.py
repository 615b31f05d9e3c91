"""What moves in the world, and what may be wrong with it."""

import enum


class ActorKind(enum.StrEnum):
    """What a moving thing is: everyday kinds, then novelties, then what only looks out of place."""

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
    DONKEY = "donkey"
    ROBOT = "robot"
    MASCOT = "mascot"
    BARREL_CART = "barrel_cart"
    WHEELED_BIN = "wheeled_bin"
    CARTONS = "cartons"
    BARRELS = "barrels"
    SUITCASES = "suitcases"
    MANNEQUIN = "mannequin"


class AnomalyKind(enum.StrEnum):
    """Kinds of injected anomalies."""

    INTRUSION = "intrusion"
    WRONG_WAY = "wrong_way"
    RUNNING = "running"
    LOITERING = "loitering"
    VEHICLE = "vehicle"
    BICYCLE = "bicycle"
    FALL = "fall"
    ABANDONED_OBJECT = "abandoned_object"
    WRONG_KIND = "wrong_kind"


CONTEXT_DEPENDENT_KINDS = frozenset(
    {AnomalyKind.INTRUSION, AnomalyKind.WRONG_WAY, AnomalyKind.VEHICLE, AnomalyKind.BICYCLE}
)
"""Kinds whose very same pixels are normal at another hour or in another zone of the same camera."""

NOVELTY_KINDS = frozenset({ActorKind.ROLL_CAGE, ActorKind.PRAM, ActorKind.WHEELCHAIR, ActorKind.SCRUBBER})
"""Harmless but rare: never in training footage."""

APPEARANCE_KINDS = frozenset({AnomalyKind.FALL, AnomalyKind.ABANDONED_OBJECT, AnomalyKind.WRONG_KIND})
"""Kinds that move and measure like normal traffic: only their look gives them away. No everyday plan holds them."""

LEFT_OBJECTS = (ActorKind.CARTONS, ActorKind.BARRELS, ActorKind.SUITCASES, ActorKind.MANNEQUIN)
"""What somebody wheels along and leaves behind; each is about as large as a person."""

SLIM_STRANGERS = (ActorKind.ROBOT, ActorKind.MASCOT)
"""Strange things about as wide as a person."""

WIDE_STRANGERS = (ActorKind.DONKEY, ActorKind.BARREL_CART, ActorKind.WHEELED_BIN)
"""Strange things about as wide as a person with a cart."""
