"""Parts of the network: what a round trains, what a site keeps to itself, and what is left to be summed.

The film part makes a condition of the context and lets it modulate; the heads judge; the trunk is all the rest. Every
parameter belongs to exactly one part, told by its name.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal, TypeVar, get_args

Part = Literal["film", "heads", "trunk"]
TrainedParts = Literal["all", "film-and-heads"]
PersonalParts = Literal["none", "heads", "film", "film-and-heads"]

_PART_BY_MODULE: dict[str, Part] = {
    "zone_embedding": "film",
    "camera_embedding": "film",
    "conditioner": "film",
    "films": "film",
    "head": "heads",
    "heads": "heads",
}
ALL_PARTS: frozenset[Part] = frozenset(get_args(Part))
_TRAINED: dict[str, frozenset[Part]] = {"all": ALL_PARTS, "film-and-heads": frozenset({"film", "heads"})}
PARTS_BY_NAME: dict[str, frozenset[Part]] = {
    "none": frozenset(),
    "heads": frozenset({"heads"}),
    "film": frozenset({"film"}),
    "film-and-heads": frozenset({"film", "heads"}),
}
"""By the name of the setting of personal parts."""

_Value = TypeVar("_Value")


@dataclasses.dataclass(frozen=True)
class PartChoice:
    """The parts of a run. Personal ones are trained at a site and never leave it.

    Raises:
        ValueError: A name is unknown, or nothing is left to be summed.
    """

    trained_name: str = "all"
    """One of ``TrainedParts``."""
    personal_name: str = "none"
    """One of ``PersonalParts``."""

    def __post_init__(self) -> None:
        if self.trained_name not in _TRAINED:
            raise ValueError(f"expected trained-parts {_either(_TRAINED)}, got {self.trained_name!r}")
        if self.personal_name not in PARTS_BY_NAME:
            raise ValueError(f"expected personal-parts {_either(PARTS_BY_NAME)}, got {self.personal_name!r}")
        if not self.summed:
            names = f"trained-parts {self.trained_name} and personal-parts {self.personal_name}"
            raise ValueError(f"{names} leave nothing to sum")

    @property
    def trained(self) -> frozenset[Part]:
        """Parts that a round trains; the others stay as they are."""
        return _TRAINED[self.trained_name]

    @property
    def personal(self) -> frozenset[Part]:
        """Parts that stay at the site."""
        return PARTS_BY_NAME[self.personal_name]

    @property
    def summed(self) -> frozenset[Part]:
        """Parts whose updates are sent."""
        return self.trained - self.personal


WHOLE_NETWORK = PartChoice()
"""Everything is trained and summed."""


def part_of(name: str) -> Part:
    """The part that a parameter belongs to, by its name in ``parameters_of``."""
    return _PART_BY_MODULE.get(name.partition(".")[0], "trunk")


def only(values: Mapping[str, _Value], parts: frozenset[Part]) -> dict[str, _Value]:
    """Those of some values by parameter that belong to ``parts``, in their order."""
    return {name: value for name, value in values.items() if part_of(name) in parts}


def replaced(values: Mapping[str, _Value], others: Mapping[str, _Value]) -> dict[str, _Value]:
    """Values by parameter, with those in ``others`` in the place of their own; the order stays.

    Raises:
        ValueError: ``others`` holds a parameter that is not there.
    """
    unknown = sorted(set(others) - set(values))
    if unknown:
        raise ValueError(f"expected parameters of the network, got {', '.join(unknown)}")
    return dict(values) | dict(others)


def _either(names: Mapping[str, object]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"
