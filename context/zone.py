"""Named areas of one camera's picture."""

import enum
import functools
import math
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
import pydantic
import shapely

Boxes = npt.NDArray[np.float32]  # (N, 4) xyxy, fractions of the frame
ZoneSlots = npt.NDArray[np.int64]  # (N,) 0 outside every zone, else 1 + index of the zone

Fraction = Annotated[float, pydantic.Field(ge=0.0, le=1.0)]
Corner = Annotated[tuple[Fraction, Fraction], pydantic.Strict(strict=False)]  # YAML has lists, no tuples


class ZoneKind(enum.StrEnum):
    """What an area is for; the position in this list is the zone embedding's index."""

    OTHER = "other"
    ENTRANCE = "entrance"
    AISLE = "aisle"
    TILL = "till"
    STAFF_ONLY = "staff_only"
    STOCKROOM = "stockroom"
    WALKWAY = "walkway"
    ROAD = "road"
    PARKING = "parking"
    DELIVERY_BAY = "delivery_bay"


ZONE_KINDS = tuple(ZoneKind)


class Zone(pydantic.BaseModel):
    """A polygon in one camera's picture, with what it is for and which way people move in it."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = pydantic.Field(min_length=1, max_length=64, description="Name shown in alerts.")
    kind: ZoneKind = pydantic.Field(strict=False, description="What the area is for.")
    polygon: tuple[Corner, ...] = pydantic.Field(
        strict=False, min_length=3, max_length=64, description="Corners as fractions of the frame."
    )
    flow_direction: tuple[float, float] | None = pydantic.Field(
        default=None,
        strict=False,
        description="Permitted direction of travel (x right, y down) in the picture; left out: any.",
    )

    @pydantic.model_validator(mode="after")
    def _check_shape(self) -> Self:
        if not shapely.Polygon(self.polygon).is_valid:
            raise ValueError("polygon crosses itself")
        if self.flow_direction is not None and math.hypot(*self.flow_direction) == 0.0:
            raise ValueError("flow_direction must not be zero")
        return self

    @property
    def flow_angle_rad(self) -> float:
        """Angle of the usual direction of travel, 0 where none is set."""
        return 0.0 if self.flow_direction is None else math.atan2(self.flow_direction[1], self.flow_direction[0])


def zone_slots(zones: tuple[Zone, ...], boxes: Boxes) -> ZoneSlots:
    """The zone each box stands in: that of its bottom centre, the first listed where zones overlap.

    Returns:
        0 outside every zone, otherwise 1 + index into ``zones``. ``(N,)``.
    """
    slots = np.zeros(len(boxes), dtype=np.int64)
    foot_x = (boxes[:, 0] + boxes[:, 2]) / 2
    for index in reversed(range(len(zones))):
        inside = shapely.intersects_xy(_area(zones[index].polygon), foot_x, boxes[:, 3])
        slots[inside] = index + 1
    return slots


def zones_at(zones: tuple[Zone, ...], boxes: Boxes) -> list[frozenset[str]]:
    """Names of every zone that each box stands in; zones may overlap."""
    foot_x = (boxes[:, 0] + boxes[:, 2]) / 2
    inside = [(zone.name, shapely.intersects_xy(_area(zone.polygon), foot_x, boxes[:, 3])) for zone in zones]
    return [frozenset(name for name, holds in inside if holds[row]) for row in range(len(boxes))]


class Line(pydantic.BaseModel):
    """A line across one camera's picture that is crossed from one side to the other."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = pydantic.Field(min_length=1, max_length=64, description="Name shown in alerts.")
    start: Corner = pydantic.Field(description="One end, as fractions of the frame.")
    end: Corner = pydantic.Field(description="The other end.")
    direction: tuple[float, float] | None = pydantic.Field(
        default=None,
        strict=False,
        description="Direction of travel (x right, y down) in which crossing counts; left out: either.",
    )

    @pydantic.model_validator(mode="after")
    def _check_shape(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end must differ")
        if self.direction is not None and _cross(self._along, self.direction) == 0.0:
            raise ValueError("direction must lead across the line")
        return self

    @property
    def _along(self) -> tuple[float, float]:
        return self.end[0] - self.start[0], self.end[1] - self.start[1]

    def is_crossed(self, before: tuple[float, float], after: tuple[float, float]) -> bool:
        """Whether a way leads from one side to the other, between the ends, in the direction that counts.

        A way that ends on the line has not crossed it; one that begins on it, and leaves to the side it had not come
        from, is crossed there.

        Args:
            before: Where the way begins (x, y), fractions of the frame.
            after: Where it ends.
        """
        way = after[0] - before[0], after[1] - before[1]
        along, to_start = self._along, (self.start[0] - before[0], self.start[1] - before[1])
        across = _cross(along, way)
        if across == 0.0:
            return False
        share, place = _cross(along, to_start) / across, _cross(way, to_start) / across
        # place: where on the line, 0 at its start; share: where on the way
        if not (0.0 <= share < 1.0 and 0.0 <= place <= 1.0):
            return False
        return self.direction is None or (across > 0.0) == (_cross(along, self.direction) > 0.0)


def _cross(first: tuple[float, float], second: tuple[float, float]) -> float:
    return first[0] * second[1] - first[1] * second[0]


@functools.lru_cache(maxsize=1024)
def _area(polygon: tuple[tuple[float, float], ...]) -> shapely.Polygon:
    """The prepared polygon; asked for in every frame, so kept."""
    area = shapely.Polygon(polygon)
    shapely.prepare(area)
    return area
