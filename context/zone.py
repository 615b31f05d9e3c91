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


@functools.lru_cache(maxsize=1024)
def _area(polygon: tuple[tuple[float, float], ...]) -> shapely.Polygon:
    """The prepared polygon; asked for in every frame, so kept."""
    area = shapely.Polygon(polygon)
    shapely.prepare(area)
    return area
