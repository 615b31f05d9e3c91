"""Zones: lists as YAML gives them, refusals, and directions of travel."""

import math
from typing import Any

import numpy as np
import pydantic
import pytest

from context.zone import Zone, zone_slots, zones_at

SQUARE = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]]


def zone(**fields: Any) -> Zone:  # noqa: ANN401  any field of the description
    return Zone.model_validate({"name": "Tills", "kind": "till", "polygon": SQUARE} | fields)


def test_lists_become_corners_and_whole_numbers_become_fractions() -> None:
    assert zone(polygon=[[0, 0], [1, 0], [1, 1]]).polygon == ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    assert zone(flow_direction=[0, 1]).flow_direction == (0.0, 1.0)


def test_tuples_and_json_give_the_same_zone() -> None:
    corners = tuple((x, y) for x, y in SQUARE)
    assert zone(polygon=corners) == zone() == Zone.model_validate_json(zone().model_dump_json())


@pytest.mark.parametrize(
    ("fields", "place", "problem"),
    [
        ({"polygon": [[0, 0], [1, 1.5], [1, 0]]}, ("polygon", 1, 1), "less than or equal to 1"),
        ({"polygon": [[0, 0], [1, "1"], [1, 0]]}, ("polygon", 1, 1), "valid number"),
        ({"polygon": [[0, 0], [1, math.nan], [1, 0]]}, ("polygon", 1, 1), "finite number"),
        ({"polygon": [[0, 0], [1, 0, 1], [1, 0]]}, ("polygon", 1), "at most 2 items"),
        ({"polygon": [[0, 0], [1, 1]]}, ("polygon",), "at least 3 items"),
        ({"polygon": [[0, 0], [1, 1], [0, 1], [1, 0]]}, (), "polygon crosses itself"),
        ({"flow_direction": [0.0, 0.0]}, (), "flow_direction must not be zero"),
        ({"kind": "moon"}, ("kind",), "'other', 'entrance', 'aisle'"),
        ({"colour": "red"}, ("colour",), "Extra inputs are not permitted"),
        ({"name": ""}, ("name",), "at least 1 character"),
    ],
)
def test_description_that_cannot_be_meant_is_refused_where_it_is_wrong(
    fields: dict[str, Any], place: tuple[str | int, ...], problem: str
) -> None:
    with pytest.raises(pydantic.ValidationError) as refusal:
        zone(**fields)
    error = refusal.value.errors()[0]
    assert error["loc"] == place
    assert problem in error["msg"]


@pytest.mark.parametrize(
    ("direction", "angle"), [(None, 0.0), ([1, 0], 0.0), ([0, 2], math.pi / 2), ([-1, -1], -0.75 * math.pi)]
)
def test_flow_angle_turns_from_right_to_down(direction: list[float] | None, angle: float) -> None:
    assert zone(flow_direction=direction).flow_angle_rad == pytest.approx(angle)


def test_box_belongs_to_the_first_listed_zone_its_bottom_centre_is_in() -> None:
    whole = zone(name="Shop", polygon=[[0, 0], [1, 0], [1, 1], [0, 1]])
    boxes = np.array(
        [
            [0.3, 0.0, 0.5, 0.5],  # foot in both
            [0.3, 0.3, 0.5, 0.7],  # centre in the square, foot below it
            [0.0, 0.1, 0.1, 1.2],  # foot below the frame
        ],
        dtype=np.float32,
    )
    assert zone_slots((zone(), whole), boxes).tolist() == [1, 2, 0]
    assert zone_slots((whole, zone()), boxes).tolist() == [1, 1, 0]


def test_camera_without_zones_and_frame_without_boxes_are_no_special_case() -> None:
    assert zone_slots((), np.array([[0, 0, 1, 1]], dtype=np.float32)).tolist() == [0]
    assert zone_slots((zone(),), np.zeros((0, 4), dtype=np.float32)).tolist() == []


def test_box_stands_in_every_zone_that_holds_its_bottom_centre() -> None:
    whole = zone(name="Shop", polygon=[[0, 0], [1, 0], [1, 1], [0, 1]])
    boxes = np.array([[0.3, 0.0, 0.5, 0.5], [0.3, 0.3, 0.5, 0.7], [0.0, 0.1, 0.1, 1.2]], dtype=np.float32)
    assert zones_at((zone(), whole), boxes) == [frozenset({"Tills", "Shop"}), frozenset({"Shop"}), frozenset()]
    assert zones_at((), boxes) == [frozenset()] * 3
    assert zones_at((whole,), np.zeros((0, 4), dtype=np.float32)) == []
