"""A site with zones of many kinds, a line, a place on the earth and speeds in metres: what sentences speak of."""

from context.site import Site

_LEFT = [[0.0, 0.2], [0.4, 0.2], [0.4, 0.9], [0.0, 0.9]]
_RIGHT = [[0.6, 0.2], [1.0, 0.2], [1.0, 0.9], [0.6, 0.9]]


def named_site(**fields: object) -> Site:
    """Three cameras: ``entrance``, ``back`` and ``tills``."""
    entrance = {
        "name": "entrance",
        "zones": [
            {"name": "doors", "kind": "entrance", "polygon": _LEFT},
            {"name": "sidewalk", "kind": "walkway", "polygon": _RIGHT},
        ],
        "lines": [{"name": "threshold", "start": [0.1, 0.5], "end": [0.9, 0.5]}],
    }
    back = {
        "name": "back",
        "zones": [
            {"name": "delivery bay", "kind": "delivery_bay", "polygon": _LEFT, "flow_direction": [1.0, 0.0]},
            {"name": "stockroom", "kind": "stockroom", "polygon": _RIGHT},
        ],
    }
    tills = {
        "name": "tills",
        "zones": [
            {"name": "till 1", "kind": "till", "polygon": _LEFT},
            {"name": "till 2", "kind": "till", "polygon": _RIGHT},
        ],
    }
    described = {
        "name": "store42",
        "time_zone": "Europe/Berlin",
        "schedule": {"location": {"latitude": 52.5, "longitude": 13.4}, "holiday_country": "DE"},
        "behaviours": {"metres_per_height": 1.7},
        "cameras": [entrance, back, tills],
    }
    return Site.model_validate(described | fields, strict=False)
