"""Light: how bright each place is, by the site's operational state and, slowly, by the hour.

Within one state the shading keeps its shape and only its gain drifts with the hour, so that one background a state
suffices to see what moves.
"""

import dataclasses
import datetime as dt

import numpy as np

from context.schedule import OperationalState
from simulation.world.optics import Floats

_INFRARED_REACH_M = 9.0


@dataclasses.dataclass(frozen=True)
class Light:
    """One kind of light over a scene."""

    ambient: float
    """From everywhere; 1 shows surfaces at full brightness."""
    lamps: float
    """From the lamps, in pools below them."""
    infrared: float
    """From the camera's own lamp."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    """0 is grey."""
    noise: float = 2.0
    """Deviation of the sensor's noise, in grey levels."""
    floor_level: float = 0.0
    """Grey level black is lifted to, in the dark by the camera's own gain."""
    sun_elevation: float = 0.0
    """Height of the sun as sin of its angle; 0 is no sun."""
    sun_bearing_rad: float = 0.0

    def scaled(self, gain: float) -> "Light":
        """The same light, brighter or darker as a whole."""
        return dataclasses.replace(
            self, ambient=self.ambient * gain, lamps=self.lamps * gain, infrared=self.infrared * gain
        )

    def on(self, places: Floats, lamps: Floats, lens: Floats) -> Floats:
        """Brightness of places.

        Args:
            places: World points ``(..., 3)``, metres.
            lamps: Lamp positions on the ground and reach ``(L, 3)``, metres.
            lens: Position of the camera ``(3,)``.

        Returns:
            Factors on the surfaces' own colours, ``(...)``.
        """
        bright = np.full(places.shape[:-1], self.ambient)
        if self.lamps:
            bright += self.lamps * _pools(places, lamps)
        if self.infrared:
            distance = np.linalg.norm(places - lens, axis=-1)
            bright += self.infrared / (1.0 + (distance / _INFRARED_REACH_M) ** 2)
        return bright

    def colour(self, colours: Floats) -> Floats:
        """Surface colours ``(..., 3)`` BGR under this light's tint and saturation, brightness left as it is."""
        grey = colours @ [0.114, 0.587, 0.299]
        return np.asarray((grey[..., None] + self.saturation * (colours - grey[..., None])) * self.tint)


def _pools(places: Floats, lamps: Floats) -> Floats:
    total = np.zeros(places.shape[:-1])
    for x, y, reach in lamps:
        apart = (places[..., 0] - x) ** 2 + (places[..., 1] - y) ** 2
        total += np.exp(-apart / (2 * reach**2))
    return np.minimum(total, 1.2)


_SHOP_LIT = Light(ambient=0.72, lamps=0.3, infrared=0.0, tint=(0.97, 1.0, 1.0))
_SHOP_HALF_LIT = Light(ambient=0.5, lamps=0.3, infrared=0.0, tint=(0.95, 1.0, 1.02), noise=2.6)
_SHOP_NIGHT_LAMPS = Light(ambient=0.34, lamps=0.34, infrared=0.0, tint=(0.92, 1.0, 1.03), saturation=0.8, noise=3.2)
_DARK = Light(ambient=0.2, lamps=0.0, infrared=0.62, saturation=0.0, noise=4.2, floor_level=16.0)
_DAY = Light(ambient=1.0, lamps=0.0, infrared=0.0, tint=(1.0, 1.0, 0.99))
_DUSK = Light(
    ambient=0.4, lamps=0.42, infrared=0.0, tint=(1.04, 0.98, 0.98), saturation=0.8, noise=3.2, floor_level=4.0
)
_STREET_NIGHT = Light(
    ambient=0.24, lamps=0.55, infrared=0.0, tint=(0.86, 0.99, 1.08), saturation=0.65, noise=4.2, floor_level=9.0
)

_INDOORS = {
    OperationalState.OPENING: _SHOP_HALF_LIT,
    OperationalState.OPEN: _SHOP_LIT,
    OperationalState.CLOSING: _SHOP_HALF_LIT,
    OperationalState.SPECIAL_EVENT: _SHOP_LIT,
}
_SUNRISE_H, _SUNSET_H = 6.0, 21.5


def _sun(light: Light, hour: float) -> Light:
    """The light with the sun where it stands at an hour, a little weaker when low."""
    share = (hour - _SUNRISE_H) / (_SUNSET_H - _SUNRISE_H)
    if not 0.0 < share < 1.0:
        return light
    elevation = float(np.sin(np.pi * share))
    gain = 0.84 + 0.16 * min(1.0, elevation * 1.5)
    bearing = np.pi * (1.0 - share)
    return dataclasses.replace(light.scaled(gain), sun_elevation=max(0.25, elevation), sun_bearing_rad=float(bearing))


def light_at(state: OperationalState, local: dt.datetime, is_indoor: bool, keeps_lamps_on: bool) -> Light:
    """The light of a scene.

    Args:
        state: Operational state of the site.
        local: Local wall-clock time.
        is_indoor: Whether the scene has a roof.
        keeps_lamps_on: Whether this scene stays lit when the site is closed; otherwise the camera turns to infrared
            indoors and in yards.
    """
    hour = local.hour + local.minute / 60
    if is_indoor:
        return _INDOORS.get(state, _SHOP_NIGHT_LAMPS if keeps_lamps_on else _DARK)
    if state is OperationalState.CLOSING:
        return _DUSK
    if state is OperationalState.CLOSED and not 8.0 <= hour < 18.0:
        return _STREET_NIGHT if keeps_lamps_on else _DARK
    return _sun(_DAY, hour)
