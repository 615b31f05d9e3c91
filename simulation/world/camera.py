"""Emulated cameras: a layout seen from its own place, with its own hours, textures and zones."""

import dataclasses
import datetime as dt

import numpy as np
import shapely

from context.schedule import WEEKDAYS, OperationalState, local_time
from context.site import MAX_CAMERA_INDEX, Camera, Site
from context.zone import Zone
from simulation.world.layout import Area, Layout
from simulation.world.layouts import LAYOUTS
from simulation.world.optics import Floats, Pinhole

_CAMERA_STREAM = 1
_TIME_ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "Asia/Tokyo", "Australia/Sydney", "America/Denver")
_CLOSED_SUNDAY_SHARE = 0.3


@dataclasses.dataclass(frozen=True)
class EmulatedCamera:
    """One camera of the world and the site description of the store it watches."""

    site: Site
    layout: str
    """Name of its layout."""
    optics: Pinhole
    texture_seed: int
    keeps_lamps_on: bool
    """Whether the place stays lit when closed."""

    @property
    def ground_plan(self) -> Layout:
        """The layout itself."""
        return LAYOUTS[self.layout]

    @property
    def index(self) -> int:
        """Embedding index of the camera."""
        return self.site.cameras[0].index

    def local_time(self, instant_utc: dt.datetime) -> dt.datetime:
        """Wall-clock time at the store."""
        return local_time(instant_utc, self.site.time_zone)

    def state_at(self, instant_utc: dt.datetime) -> OperationalState:
        """Operational state of the store by its own schedule."""
        return self.site.schedule.state_at(self.local_time(instant_utc))

    def flow_at(self, zone_name: str, instant_utc: dt.datetime) -> tuple[float, float] | None:
        """Usual direction of travel of a zone in the picture (x right, y down) at an hour, or None where any is usual.

        Where the direction changes with the hour the zone itself describes none.

        Raises:
            ValueError: the camera has no such zone.
        """
        for area in self.ground_plan.areas:
            if area.name == zone_name:
                flow = area.flow_in(self.state_at(instant_utc))
                return None if flow is None else _picture_flow(area, flow, self.optics)
        raise ValueError(f"expected a zone of this camera, got {zone_name!r}")


def _visible_ground(area: Area, optics: Pinhole) -> shapely.Polygon | None:
    rectangle = shapely.box(*area.low, *area.high)
    seen = rectangle.intersection(optics.ground_in_view())
    return seen if isinstance(seen, shapely.Polygon) and seen.area > 0.3 else None


def _on_ground(points: Floats) -> Floats:
    return np.concatenate([points, np.zeros((len(points), 1))], axis=1)


def _picture_flow(area: Area, flow: tuple[float, float], optics: Pinhole) -> tuple[float, float]:
    ground = _visible_ground(area, optics) or shapely.box(*area.low, *area.high)
    middle = np.array([ground.centroid.x, ground.centroid.y])
    ends = optics.project(_on_ground(np.stack([middle, middle + 0.3 * np.array(flow)])))[0]
    direction = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    return round(float(direction[0]), 3), round(float(direction[1]), 3)


def _zone(area: Area, optics: Pinhole) -> Zone | None:
    """The part of an area in the picture, or None where too little of it is."""
    ground = _visible_ground(area, optics)
    if ground is None:
        return None
    corners = optics.project_fraction(_on_ground(np.array(ground.exterior.coords)[:-1]))
    outline = shapely.Polygon(corners).intersection(shapely.box(0, 0, 1, 1)).simplify(0.002)
    if not isinstance(outline, shapely.Polygon) or outline.area < 0.004:
        return None
    polygon = tuple((round(float(x), 4), round(float(y), 4)) for x, y in outline.exterior.coords[:-1])
    flow = None if area.flow is None or area.flow_by_state else _picture_flow(area, area.flow, optics)
    return Zone(name=area.name, kind=area.kind, polygon=polygon, flow_direction=flow)


def _hang(layout: Layout, rng: np.random.Generator) -> Pinhole:
    view = layout.view
    sideways = float(rng.uniform(-0.5, 0.5) if layout.is_indoor else rng.uniform(-1.0, 1.0))
    return Pinhole(
        x_m=sideways,
        y_m=float(rng.uniform(-0.3, 0.2)),
        height_m=view.height_m + float(rng.uniform(-0.3, 0.35)),
        pan_rad=np.deg2rad(view.pan_deg + float(rng.uniform(-5, 5)) - 2.0 * sideways),
        tilt_rad=np.deg2rad(view.tilt_deg + float(rng.uniform(-1.5, 2.0))),
        roll_rad=np.deg2rad(float(rng.uniform(-1.5, 1.5))),
        focal=view.focal * float(rng.uniform(0.95, 1.12)),
        is_mirrored=bool(rng.random() < 0.5),
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _weekly_hours(rng: np.random.Generator) -> dict[str, dict[str, str]]:
    opens = int(rng.choice([7 * 60 + 30, 8 * 60, 8 * 60 + 30, 9 * 60]))
    closes = int(rng.choice([18 * 60 + 30, 19 * 60, 19 * 60 + 30, 20 * 60]))
    open_days = WEEKDAYS[:-1] if rng.random() < _CLOSED_SUNDAY_SHARE else WEEKDAYS
    return {day: {"opens": _clock(opens), "closes": _clock(closes)} for day in open_days}


def emulated_camera(seed: int, index: int) -> EmulatedCamera:
    """The camera number ``index`` of the world ``seed``; layouts take turns with the index.

    Raises:
        ValueError: ``seed`` or ``index`` is negative.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"expected seed and index of at least 0, got {seed} and {index}")
    rng = np.random.default_rng([seed, _CAMERA_STREAM, index])
    names = tuple(LAYOUTS)
    layout = LAYOUTS[names[index % len(names)]]
    optics = _hang(layout, rng)
    zones = (_zone(area, optics) for area in layout.areas)
    camera = Camera(
        name=f"{layout.name}{index:02d}",
        index=1 + index % MAX_CAMERA_INDEX,
        zones=tuple(zone for zone in zones if zone is not None),
    )
    site = Site.model_validate(
        {
            "name": f"store{index:02d}",
            "time_zone": _TIME_ZONES[rng.integers(len(_TIME_ZONES))],
            "schedule": {"weekly": _weekly_hours(rng)},
            "cameras": [camera],
        }
    )
    has_street_lamps = layout.name == "street"
    keeps_lamps_on = has_street_lamps or bool(rng.random() < 0.4)
    return EmulatedCamera(site, layout.name, optics, int(rng.integers(2**31)), keeps_lamps_on)


def lamp_places(layout: Layout) -> Floats:
    """Lamps of a layout as an array ``(L, 3)``: place and reach, metres."""
    return np.array(layout.lamps)
